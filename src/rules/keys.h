// SPDX-License-Identifier: Apache-2.0
// The keys that items of rules files may have (keys.def).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace gyr::rules {

enum class KeyKind : uint8_t {
  Text,
  Boolean,
  Number,
  Texts,
  TextOrTexts,
  Priority,
  Exceptions,
  Override,
  Values,
  EngineVersion,
  Plugins,
};
enum class Change : uint8_t { Never, Replace, Both };  // by `override`; both: appended too

struct RuleKey {
  std::string_view item;  // what the key belongs to
  std::string_view key;
  KeyKind kind;
  Change change;
  std::string_view doc;
};

inline constexpr RuleKey kItemKeys[] = {
#define GYR_RULE_KEY(item, key, kind, change, doc) \
  RuleKey{item, key, KeyKind::kind, Change::change, doc},
#include "rules/keys.def"
#undef GYR_RULE_KEY
};

// The names of the keys for which the predicate holds, an array.
template <auto kWanted>
constexpr auto select_keys() {
  std::array<std::string_view, std::count_if(std::begin(kItemKeys), std::end(kItemKeys), kWanted)>
      names{};
  size_t count = 0;
  for (const RuleKey& key : kItemKeys) {
    if (kWanted(key)) names[count++] = key.key;
  }
  return names;
}

}  // namespace gyr::rules
