// SPDX-License-Identifier: Apache-2.0
// The parts find_all() is made of.
#pragma once

#include <string_view>
#include <vector>

#include "check/check.h"
#include "schema/schema.h"

namespace gyr::check {

// Files by the names that positions have, to show lines of them.
class Sources {
 public:
  explicit Sources(std::span<const RuleSource> sources) : sources_(sources) {}
  // A finding at a place, with the line there.
  Finding at(Kind kind, std::string message, std::string item, const Position& position) const;
  std::string_view line_at(const Position& position) const;

 private:
  std::span<const RuleSource> sources_;
};

// Whether events of the type reach rules for system calls: of calls only the exits, nothing
// outdated.
bool arrives(const EventInfo& event);

// What can be seen in the text alone.
void check_text(const RuleSource& source, const Sources& sources, std::vector<Finding>* found);
// What follows from the conditions of the loaded rules.
void check_conditions(const Ruleset& ruleset, const CheckSettings& settings, const Sources& sources,
                      std::vector<Finding>* found);

}  // namespace gyr::check
