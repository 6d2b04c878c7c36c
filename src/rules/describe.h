// SPDX-License-Identifier: Apache-2.0
// Rules, macros and lists as `-L` and `-l` list them: two columns of text, or JSON with everything
// that is known about each (falco-interface 1.4).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "rules/ruleset.h"

namespace gyr {

enum class DescribeFormat : uint8_t {
  Text,  // name and description in two columns, as the reference prints them
  Full,  // of one rule: everything, a line or a paragraph each
  Json,
};

// `rule`: only the rule of this name, which must exist; empty: everything. Json is one line without
// a newline at the end, text ends with one. `dialect` is the one the ruleset was loaded with.
Result<std::string> describe_rules(const Ruleset& ruleset, const Dialect& dialect,
                                   std::string_view rule, DescribeFormat format);

// Which events the macro by itself can fit; none for one whose fields do not exist.
EventNeeds macro_needs(const Macro& macro, const Dialect& dialect);

}  // namespace gyr
