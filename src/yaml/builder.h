// SPDX-License-Identifier: Apache-2.0
// Events of the parser → tree of nodes: anchors and aliases, merge keys, limits on nesting and on
// what aliases expand to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "yaml/document.h"

namespace gyr::yaml {

// What stands before a value.
struct Properties {
  size_t offset = 0;    // where the value begins, with its properties
  std::string tag;      // "?": none, "!": not to be resolved
  uint64_t anchor = 0;  // 0: none
};

class Builder {
 public:
  // Both must outlive the builder. The first error ends the building.
  Builder(const Document& document, std::vector<NodePtr>* roots)
      : document_(document), source_(document.source()), roots_(roots) {}

  bool failed() const { return !errors_.empty(); }
  std::vector<ParseError> take_errors() { return std::move(errors_); }
  void fail(size_t offset, std::string message);

  void begin_document(size_t offset);
  void null(size_t offset, uint64_t anchor);
  void alias(size_t offset, uint64_t anchor);
  void scalar(const Properties& properties, std::string text);
  void open(const Properties& properties, Kind kind);  // a sequence or a map
  void close();

 private:
  // What a node amounts to when its aliases are written out.
  struct Extent {
    size_t nodes = 1;
    size_t depth = 1;
  };
  using Shared = std::shared_ptr<Node>;
  struct Open {
    Shared node;
    uint64_t anchor = 0;
    Extent extent;
    NodePtr key;                  // of a map whose value comes next
    std::vector<NodePtr> merged;  // maps named by '<<'
  };
  struct Anchored {
    NodePtr node;
    Extent extent;
  };

  void fail(const Mark& mark, std::string message);
  size_t skip_properties(size_t offset) const;
  Shared make(size_t offset, std::string_view tag, Kind kind) const;
  void finish(Open done);
  void attach(NodePtr node, const Extent& extent);
  void add_entry(Open& map, NodePtr key, NodePtr value);
  static void merge(Open& map);

  const Document& document_;
  std::string_view source_;
  std::vector<NodePtr>* roots_;
  std::vector<Open> stack_;
  std::unordered_map<uint64_t, Anchored> anchors_;
  std::vector<ParseError> errors_;
  size_t total_ = 0;
  size_t last_document_ = SIZE_MAX;  // where it started
};

}  // namespace gyr::yaml
