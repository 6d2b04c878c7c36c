// SPDX-License-Identifier: Apache-2.0
// What live capture needs of the host, checked before the kernel refuses it with a bare error
// number.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/system.h"

namespace gyr {

// Privileges, type information of the kernel, a /proc of the host's pid namespace (`files`: below
// HOST_ROOT). Gives our own process id as the host counts, which differs from getpid() in a pid
// namespace of its own.
Result<int64_t> check_live_host(const Files& files);
// Why the kernel did not take the probe: the likely cause of an errno of the load.
Error load_error(int number);

}  // namespace gyr
