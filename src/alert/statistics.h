// SPDX-License-Identifier: Apache-2.0
// What was detected, counted by rule and severity; printed when the program ends.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/priority.h"

namespace gyr {

class AlertStatistics {
 public:
  // Rules are named once; numbers count from 0 in the order of the calls.
  void add_rule(std::string name, Priority priority);
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
  uint64_t total_ = 0;
};

}  // namespace gyr
