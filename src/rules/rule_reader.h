// SPDX-License-Identifier: Apache-2.0
// Rule items: full definitions, appends, overrides, toggles, exceptions.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "rules/definitions.h"
#include "rules/item.h"

namespace gyr::rules {

void read_rule(const Item& item, const LoadSettings& settings, Collected* collected);

// The keys of an item's `override` map. Complains about keys that may not be overridden that way,
// about keys without a value and values without an override; gives nothing then.
struct Overrides {
  std::vector<std::string_view> appended;
  std::vector<std::string_view> replaced;
};
// The item's `override`, when it says anything.
const yaml::Node* override_of(const Item& item);
// `both`: keys that may be appended or replaced; `replace_only`: only replaced.
std::optional<Overrides> read_overrides(const Item& item, std::span<const std::string_view> both,
                                        std::span<const std::string_view> replace_only);

}  // namespace gyr::rules
