// SPDX-License-Identifier: Apache-2.0
// Which of many prefixes (or suffixes) a text has, in one walk along the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace gyr {

class AffixIndex {
 public:
  enum class End : uint8_t { Front, Back };
  explicit AffixIndex(End end) : end_(end), nodes_(1) {}

  // The empty affix is one that every text has.
  void add(std::string_view affix, uint32_t id);

  // Calls found(id) for each affix the text has; an id as often as it was added.
  template <class Found>
  void find(std::string_view text, Found found) const {
    size_t i = 0;
    walk([&] { return i == text.size() ? -1 : byte_at(text, i++); }, found);
  }
  // The same for a text that comes byte by byte: next() gives -1 behind its end.
  template <class Next, class Found>
  void walk(Next next, Found found) const {
    uint32_t node = 0;
    while (node != kNone) {
      for (const uint32_t id : nodes_[node].ids) found(id);
      const int byte = next();
      if (byte < 0) return;
      node = child(node, static_cast<uint8_t>(byte));
    }
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Edge {
    uint8_t byte;
    uint32_t node;
  };
  struct Node {
    std::vector<Edge> edges;
    std::vector<uint32_t> ids;
  };
  uint8_t byte_at(std::string_view text, size_t i) const {
    return static_cast<uint8_t>(end_ == End::Front ? text[i] : text[text.size() - 1 - i]);
  }
  uint32_t child(uint32_t node, uint8_t byte) const {
    for (const Edge& edge : nodes_[node].edges) {
      if (edge.byte == byte) return edge.node;
    }
    return kNone;
  }

  End end_;
  std::vector<Node> nodes_;
};

}  // namespace gyr
