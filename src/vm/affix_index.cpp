// SPDX-License-Identifier: Apache-2.0
#include "vm/affix_index.h"

namespace gyr {

void AffixIndex::add(std::string_view affix, uint32_t id) {
  uint32_t node = 0;
  for (size_t i = 0; i < affix.size(); ++i) {
    const uint8_t byte = byte_at(affix, i);
    uint32_t next = child(node, byte);
    if (next == kNone) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_[node].edges.push_back({byte, next});
      nodes_.emplace_back();
    }
    node = next;
  }
  nodes_[node].ids.push_back(id);
}

}  // namespace gyr
