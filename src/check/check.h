// SPDX-License-Identifier: Apache-2.0
// Rules files → findings: what the loader says of them, and what it does not look for.
//
// Guarantees: a rule is called unreachable or without a match only after a proof; the work is
// bounded, and what was not done for it is a finding.
#pragma once

#include <span>
#include <vector>

#include "check/finding.h"
#include "rules/loader.h"

namespace gyr::check {

struct CheckSettings {
  Dialect dialect;
  bool first_match = true;  // rule_matching: first
};

// `result` is what load_rules() made of `sources`. In the order of files and lines.
std::vector<Finding> find_all(std::span<const RuleSource> sources, const LoadResult& result,
                              const CheckSettings& settings);

}  // namespace gyr::check
