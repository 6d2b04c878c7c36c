// SPDX-License-Identifier: Apache-2.0
// Rules files with faults, loaded without the faulty items (RulesOnError::Skip).
//
// What is left is what the files mean once each faulty item is deleted from them: it is read and
// compiled again without these until nothing is wrong any more. So an earlier definition stays
// where a later one or a change of it is faulty, and what uses something that is gone goes too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/source_text.h"

namespace gyr::rules {

// Items that are passed over while files are read.
struct Exclusions {
  std::set<std::pair<uint32_t, size_t>> items;  // file, offset of the item
  std::set<uint32_t> files;                     // all of their items
  bool skips = false;                           // what depends on a skipped item says so

  bool has(uint32_t file, size_t offset) const {
    return files.contains(file) || items.contains({file, offset});
  }
};

// The item an error is about.
struct FaultyItem {
  uint32_t file = 0;
  size_t offset = 0;
  bool is_requirement = false;  // without it the whole file is not what its author wants
  auto operator<=>(const FaultyItem&) const = default;
};

// The item of `file` that holds byte `offset`, and its type and name. Nothing between the items.
struct ItemAt {
  size_t offset = 0;
  std::string type;
  std::string name;
};
ItemAt item_at(const SourceFiles& files, uint32_t file, size_t offset);

}  // namespace gyr::rules
