// SPDX-License-Identifier: Apache-2.0
// Why each system call is collected or not: the rules and macros that ask for it, what the state
// needs, and what the configuration says.
#pragma once

#include <string>
#include <vector>

#include "engine/syscall_selection.h"

namespace gyr {

struct SyscallReasons {
  std::string call;
  bool collected = false;
  std::vector<std::string> reasons;  // sentences without a full stop, for and against
};

// One entry for each call that is collected, wanted or removed, in alphabetical order. `dialect` is
// the one the ruleset was loaded with.
std::vector<SyscallReasons> explain_syscalls(const Ruleset& ruleset, const Dialect& dialect,
                                             const SyscallPlan& plan);

// One line for each step from what rules ask for to what is collected, for the debug log.
std::vector<std::string> plan_steps(const SyscallPlan& plan);

}  // namespace gyr
