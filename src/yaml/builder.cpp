// SPDX-License-Identifier: Apache-2.0
#include "yaml/builder.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace gyr::yaml {

void Builder::fail(size_t offset, std::string message) {
  fail(document_.mark_at(offset), std::move(message));
}

void Builder::fail(const Mark& mark, std::string message) {
  if (failed()) return;
  errors_.push_back({mark, std::move(message)});
  stack_.clear();
}

void Builder::begin_document(size_t offset) {
  anchors_.clear();
  // A token that can start nothing, such as ',', would be an empty document again and again.
  if (offset == last_document_) fail(offset, "no value can start here");
  last_document_ = offset;
}

void Builder::null(size_t offset, uint64_t anchor) {
  if (failed()) return;
  Shared node = make(offset, "?", Kind::Null);
  const std::string_view rest = source_.substr(std::min(node->mark.offset, source_.size()));
  for (const std::string_view word : {"~", "null", "Null", "NULL"}) {
    if (rest.starts_with(word)) node->text = word;
  }
  finish({std::move(node), anchor, {}, {}, {}});
}

void Builder::alias(size_t offset, uint64_t anchor) {
  if (failed()) return;
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) return fail(offset, "this alias is part of its own value");
  attach(found->second.node, found->second.extent);
}

void Builder::scalar(const Properties& properties, std::string text) {
  if (failed()) return;
  Shared node = make(properties.offset, properties.tag, Kind::Scalar);
  node->text = std::move(text);
  const char first = node->mark.offset < source_.size() ? source_[node->mark.offset] : ' ';
  node->quoted = std::string_view("\"'|>").find(first) != std::string_view::npos;
  // A tag alone: there is nothing behind it that could be shown.
  if (node->text.empty() && !node->quoted) node->mark = document_.mark_at(properties.offset);
  finish({std::move(node), properties.anchor, {}, {}, {}});
}

// Properties stand before a value; positions of text need the value itself.
size_t Builder::skip_properties(size_t offset) const {
  const auto peek = [&] { return offset < source_.size() ? source_[offset] : '\0'; };
  constexpr std::string_view kGaps(" \t\r\n");
  while (peek() == '!' || peek() == '&') {
    offset = std::min(source_.find_first_of(" \t\r\n,]}", offset), source_.size());
    offset = std::min(source_.find_first_not_of(kGaps, offset), source_.size());
  }
  return offset;
}

Builder::Shared Builder::make(size_t offset, std::string_view tag, Kind kind) const {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->mark = document_.mark_at(skip_properties(offset));
  if (tag != "?" && tag != "!") node->tag = tag;
  return node;
}

void Builder::open(const Properties& properties, Kind kind) {
  if (failed()) return;
  Shared node = make(properties.offset, properties.tag, kind);
  if (stack_.size() >= kMaxDepth) return fail(node->mark, "nested too deeply");
  stack_.push_back({std::move(node), properties.anchor, {}, {}, {}});
}

void Builder::close() {
  if (failed()) return;
  Open top = std::move(stack_.back());
  stack_.pop_back();
  if (!top.merged.empty()) merge(top);
  finish(std::move(top));
}

void Builder::finish(Open done) {
  if (done.anchor != 0) anchors_[done.anchor] = {done.node, done.extent};
  attach(std::move(done.node), done.extent);
}

void Builder::attach(NodePtr node, const Extent& extent) {
  total_ += extent.nodes;
  if (total_ > kMaxNodes) return fail(node->mark, "the text expands to too many values");
  if (stack_.empty()) {
    roots_->push_back(std::move(node));
    return;
  }
  Open& parent = stack_.back();
  parent.extent.nodes += extent.nodes;
  parent.extent.depth = std::max(parent.extent.depth, extent.depth + 1);
  if (parent.extent.depth > kMaxDepth) return fail(node->mark, "nested too deeply");
  if (parent.node->kind == Kind::Sequence) {
    parent.node->items.push_back(std::move(node));
  } else if (!parent.key) {
    parent.key = std::move(node);
  } else {
    NodePtr key = std::exchange(parent.key, nullptr);
    add_entry(parent, std::move(key), std::move(node));
  }
}

void Builder::add_entry(Open& map, NodePtr key, NodePtr value) {
  const bool merges = key->is_scalar() && !key->quoted && key->text == "<<";
  if (!merges) {
    map.node->entries.push_back({std::move(key), std::move(value)});
  } else if (value->is_map()) {
    map.merged.push_back(std::move(value));
  } else {
    const bool maps =
        value->is_sequence() && std::all_of(value->items.begin(), value->items.end(),
                                            [](const NodePtr& item) { return item->is_map(); });
    if (!maps) return fail(key->mark, "'<<' needs a map or a sequence of maps");
    map.merged.insert(map.merged.end(), value->items.begin(), value->items.end());
  }
}

// Keys of the map itself win over merged ones wherever they stand, so merging waits for its end.
void Builder::merge(Open& map) {
  std::unordered_set<std::string_view> known;
  for (const Node::Entry& entry : map.node->entries) known.insert(entry.key->text);
  for (const NodePtr& from : map.merged) {
    for (const Node::Entry& entry : from->entries) {
      if (known.insert(entry.key->text).second) map.node->entries.push_back(entry);
    }
  }
}

}  // namespace gyr::yaml
