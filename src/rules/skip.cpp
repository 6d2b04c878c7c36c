// SPDX-License-Identifier: Apache-2.0
#include "rules/skip.h"

#include <algorithm>

#include "rules/reader.h"

namespace gyr::rules {

ItemAt item_at(const SourceFiles& files, uint32_t file, size_t offset) {
  const yaml::Node* found = nullptr;
  for (const yaml::NodePtr& root : files[file].document->roots()) {
    const auto behind = std::upper_bound(
        root->items.begin(), root->items.end(), offset,
        [](size_t at, const yaml::NodePtr& item) { return at < item->mark.offset; });
    if (behind != root->items.begin()) found = std::prev(behind)->get();
  }
  if (found == nullptr) return {};
  ItemAt item{.offset = found->mark.offset, .type = "", .name = ""};
  for (const yaml::Node::Entry& entry : found->entries) {
    if (!is_item_type(entry.key->text)) continue;
    item.type = entry.key->text;
    item.name = entry.value->text;
    break;
  }
  return item;
}

}  // namespace gyr::rules
