// SPDX-License-Identifier: Apache-2.0
// What was detected, counted by rule and severity; printed when the program ends.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/priority.h"

namespace gyr {

class AlertStatistics {
 public:
  // The number of the rule with this name and priority, from 0 in the order in which they came. One
  // that was named before keeps its count. Of more than kRulesMax, which reloads may bring, the
  // further ones are counted together.
  static constexpr size_t kRulesMax = 65'536;
  size_t add_rule(const std::string& name, Priority priority);
  void count(size_t rule);

  uint64_t total() const { return total_; }
  // The block the reference prints at exit, with final newline: total, severities and rules that
  // occurred, most severe first, rules in their order.
  std::string to_text() const;

 private:
  struct Rule {
    std::string name;
    Priority priority;
    uint64_t count = 0;
  };
  std::vector<Rule> rules_;
  std::map<std::pair<std::string, Priority>, size_t> numbers_;
  uint64_t total_ = 0;
};

}  // namespace gyr
