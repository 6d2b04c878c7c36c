// SPDX-License-Identifier: Apache-2.0
// Attaching to processes that run already.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/system.h"
#include "source/ptrace_tracer.h"

namespace gyr {

// Why the kernel refused to let a process be traced: a sentence for the user.
Error refusal(const Files& files, int64_t pid, int number);

// Follows the process with its threads and all its descendants, us excepted. An error if the
// process itself cannot be followed; descendants that cannot become warnings.
Result<void> attach_tree(Tracer& tracer, const Files& files, int64_t pid,
                         std::vector<std::string>* warnings);

}  // namespace gyr
