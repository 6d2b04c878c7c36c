// SPDX-License-Identifier: Apache-2.0
// How much memory the control groups of this process allow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/system.h"

namespace gyr {

struct MemoryLimit {
  uint64_t bytes = 0;
  std::string file;  // the kernel's that sets it: ".../memory.max", ".../memory.limit_in_bytes"
};

// The smallest limit of the group this process is in and of those above it, of version 1 or 2.
// Nothing without a limit, or where none can be read. Within a container only what is mounted there
// is seen, which is the container's own group.
std::optional<MemoryLimit> memory_limit(const Files& own);

}  // namespace gyr
