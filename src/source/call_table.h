// SPDX-License-Identifier: Apache-2.0
// Which event becomes of each system call, by the numbers of the machine and of 32-bit programs:
// what the probe and the tracer look up at every call.
#pragma once

#include <span>

#include "schema/schema.h"
#include "source/ptrace_collect.h"

namespace gyr {

// Of the wanted calls those that are collected (is_collected) get their event, the others none.
gyr_calls call_table(std::span<const Sc> wanted);

}  // namespace gyr
