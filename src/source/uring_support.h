// SPDX-License-Identifier: Apache-2.0
// io_uring, on which a program hands calls to the kernel without making them: which operation
// stands for which call, and what the running kernel tells about requests (probe/io_uring.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schema/schema.h"
#include "shared.h"

struct gyr_probe;

namespace gyr {

class KernelTypes;

// Whether the call is among those a program can ask for through io_uring.
bool is_uring_call(Sc sc);

// For each operation the event of the call it stands for, if that is wanted.
std::array<gyr_call, size_t{2} * GYR_OPERATIONS> uring_call_table(std::span<const Sc> wanted);

// What the running kernel tells about requests, by its type information.
struct UringSupport {
  bool exists = false;                 // the kernel has io_uring
  bool requests = false;               // its tracepoints name the request (Linux 6.0)
  bool submit_sqe = false;             // the older name of the tracepoint (until 6.4)
  bool completion_by_pointer = false;  // (6.16)
};
UringSupport uring_support(const KernelTypes& kernel);
// Of the probe's programs for io_uring those that this kernel has no use for.
std::vector<std::string> uring_programs_of_no_use(const UringSupport& support);

// Those that the probe has noted, while its programs for io_uring are not attached: the kernel uses
// a request's memory, by whose address it is known, for the next one.
void forget_requests(const gyr_probe& probe);

}  // namespace gyr
