// SPDX-License-Identifier: Apache-2.0
// yaml-cpp's events → Builder. The only file that names yaml-cpp; its exceptions end here.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <utility>

#include "yaml/builder.h"
#include "yaml/readers.h"

namespace gyr::yaml {
namespace {

size_t offset_of(const YAML::Mark& mark) {
  return mark.is_null() ? 0 : static_cast<size_t>(mark.pos);
}

// The parser can only be stopped by an exception, so after a failure events still come and the
// builder ignores them.
class Handler : public YAML::EventHandler {
 public:
  explicit Handler(Builder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    builder_.begin_document(offset_of(mark));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.null(offset_of(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    builder_.alias(offset_of(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    builder_.scalar({offset_of(mark), tag, anchor}, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    builder_.open({offset_of(mark), tag, anchor}, Kind::Sequence);
  }
  void OnSequenceEnd() override { builder_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    builder_.open({offset_of(mark), tag, anchor}, Kind::Map);
  }
  void OnMapEnd() override { builder_.close(); }

 private:
  Builder& builder_;
};

void run(const Document& document, Builder& builder) {
  Handler handler(builder);
  try {
    std::istringstream stream{std::string(document.source())};
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& e) {
    builder.fail(offset_of(e.mark), e.msg);
  } catch (const std::exception& e) {
    builder.fail(0, e.what());
  }
}

}  // namespace

Reading read_as_reference(const Document& document) {
  Reading reading;
  Builder builder(document, &reading.roots);
  run(document, builder);
  reading.errors = builder.take_errors();
  return reading;
}

}  // namespace gyr::yaml
