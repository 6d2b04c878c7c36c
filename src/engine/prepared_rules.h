// SPDX-License-Identifier: Apache-2.0
// Rules as an engine runs them: compiled, with what follows from them for collection and for the
// governor. Immutable; made on any thread, so that a running engine is handed new ones whole
// (Engine::offer).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/alert_limiter.h"
#include "engine/governor.h"
#include "lang/compile.h"
#include "rules/ruleset.h"
#include "source/source.h"
#include "vm/program.h"

namespace gyr {

// How rules are evaluated.
struct RuleUse {
  MatchMode match = MatchMode::First;
  CompileSettings compile{};
  GovernorSettings governor{};
  AlertLimiterSettings limiter{};
  Collection collection{};  // what a live source is to collect for them
};

struct PreparedRules {
  std::shared_ptr<const Ruleset> ruleset;
  RuleUse use;
  std::vector<const Rule*> active;         // of the ruleset, by number in the program
  std::shared_ptr<const Program> program;  // of their conditions
};

// Compiles the rules of `source` that are enabled.
std::shared_ptr<const PreparedRules> prepare_rules(std::shared_ptr<const Ruleset> ruleset,
                                                   RuleUse use,
                                                   std::string_view source = "syscall");

}  // namespace gyr
