// SPDX-License-Identifier: Apache-2.0
// The seccomp filter of a started command: wanted calls stop for the tracer, all others run at full
// speed.
#pragma once

#include <cstdint>
#include <vector>

#include "source/ptrace_collect.h"

namespace gyr {

// One statement, as the kernel has it (struct sock_filter, whose header's macros disturb others).
struct FilterStep {
  uint16_t code;
  uint8_t if_true, if_false;  // how many statements to skip
  uint32_t value;
};

// Calls that have an event stop, and those the tracer itself must see: such as make threads, and
// those it counts because nobody can map them.
std::vector<FilterStep> trace_filter(const gyr_calls& calls);

}  // namespace gyr
