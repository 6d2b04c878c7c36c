// SPDX-License-Identifier: Apache-2.0
// Short lists without repetition, in the order of first appearance.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace gyr {

// Looks at all items: for lists of some dozens.
template <class T>
void add_once(std::vector<T>* list, T item) {
  if (std::find(list->begin(), list->end(), item) == list->end()) list->push_back(std::move(item));
}

}  // namespace gyr
