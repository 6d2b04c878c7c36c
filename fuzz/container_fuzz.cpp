// SPDX-License-Identifier: Apache-2.0
// What is read about containers, made of any bytes: control group paths, the files that runtimes
// keep, what their APIs answer. Whatever comes, nothing is read out of bounds, the metadata makes a
// text that reads back to the same container, and every field without a value has a reason.
//
// The input: one byte that chooses, then either a list of control groups, or a host (control
// groups, then paths and contents in turn, all separated by the byte 1e), or an answer.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "container/finder.h"
#include "container_api/apis.h"
#include "container_api/grpc.h"
#include "container_api/http.h"
#include "container_api/settings.h"

namespace {

using namespace gyr;

constexpr char kSeparator = '\x1e';

// Files that are what the input says; a link is a file that holds its target.
class FakeFiles : public Files {
 public:
  explicit FakeFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  Result<std::string> read(std::string_view path, size_t limit) const override {
    const auto at = files_.find(std::string(path));
    if (at == files_.end()) return Error{"not there"};
    return at->second.substr(0, limit);
  }
  Result<std::vector<std::string>> list(std::string_view path) const override {
    std::vector<std::string> names;
    const std::string folder = std::string(path) + "/";
    for (const auto& [name, text] : files_) {
      if (name.starts_with(folder)) names.push_back(name.substr(folder.size()));
    }
    return names;
  }
  Result<std::string> read_link(std::string_view path) const override { return read(path, 4096); }
  Result<FileStat> stat(std::string_view path, bool) const override {
    if (!files_.contains(std::string(path))) return Error{"not there"};
    return FileStat{};
  }

 private:
  std::map<std::string, std::string> files_;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(kSeparator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

void check_text(const std::string& json) {
  const auto again = parse_container_json(json);
  if (!again) return;  // without an id there is no container
  const auto third = parse_container_json(container_json(*again));
  GYR_CHECK(third && third->id == again->id && third->labels == again->labels &&
            third->mounts.size() == again->mounts.size() && third->type == again->type);
}

void paths(std::string_view text) {
  const auto path = container_path_in(text);
  GYR_CHECK(container_id_of(text) == (path ? path->id : std::string_view()));
  if (!path) return;
  GYR_CHECK(!path->id.empty() && path->full_id.find(path->id) != std::string_view::npos);
  GYR_CHECK(path->full_id.data() >= text.data() &&
            path->full_id.data() + path->full_id.size() <= text.data() + text.size());
}

void host(std::string_view text) {
  const std::vector<std::string> parts = split(text);
  if (parts.empty()) return;
  std::map<std::string, std::string> files;
  for (size_t i = 1; i + 1 < parts.size(); i += 2) files[parts[i]] = parts[i + 1];
  const FakeFiles fake(std::move(files));
  std::vector<ContainerQuestion> questions;
  ContainerFinder finder(fake, [&](ContainerQuestion question) {
    questions.push_back(std::move(question));
    return WhyMissing::ApiPending;
  });
  const std::string& cgroups = parts[0];
  for (int i = 0; i < 4; ++i) {
    check_text(finder.find(container_id_of(cgroups), cgroups, 100, 0).json);
  }
  GYR_CHECK(questions.size() <= 1);
  for (const ContainerQuestion& question : questions) {
    GYR_CHECK(question.full_id.find_first_of("/ \r\n") == std::string::npos);
    check_text(finder.take({.full_id = question.full_id, .why = WhyMissing::ApiTimeout}));
  }
}

void answer(uint8_t which, std::string_view text) {
  using Parse = bool (*)(std::string_view, ContainerMetadata*);
  constexpr Parse kParsers[] = {
      parse_docker_container, parse_docker_image,         parse_cri_container,   parse_cri_sandbox,
      parse_cri_image,        parse_containerd_container, parse_containerd_image};
  ContainerReply reply{.full_id = "0123", .why = WhyMissing::Known};
  if (!kParsers[which % std::size(kParsers)](text, &reply.metadata)) return;
  ContainerMetadata metadata;
  metadata.id = metadata.full_id = "0123";
  metadata.why.fill(WhyMissing::NotOnDisk);
  add_reply(reply, &metadata);
  for (const WhyMissing why : metadata.why) {
    GYR_CHECK(why == WhyMissing::Known || why == WhyMissing::NoSuchThing);
  }
  for (const auto& [key, value] : metadata.labels) GYR_CHECK(value.size() <= 100);
  check_text(container_json(metadata));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (const uint8_t choice = data[0]; choice % 8) {
    case 0:
      paths(text);
      break;
    case 1:
    case 2:
      host(text);
      break;
    case 3:
      if (const ApiAnswer http = parse_http_answer(text); http.why == WhyMissing::Known) {
        answer(choice / 8 % 2, http.body);
      }
      break;
    case 4:
      if (const ApiAnswer grpc = parse_grpc_body(text); grpc.why == WhyMissing::Known) {
        answer(static_cast<uint8_t>(2 + choice / 8 % 5), grpc.body);
      }
      break;
    case 5:
      (void)parse_container_api_settings(text);
      check_text(std::string(text));
      break;
    default:
      answer(choice / 8, text);
  }
  return 0;
}
