// SPDX-License-Identifier: Apache-2.0
// What /proc tells about a container whose processes run: the runtime that started it, which names
// the bundle on its command line before it has noted it anywhere, and the container's address.
// Internal to container/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/system.h"

namespace gyr {

struct RuntimeProcess {
  int64_t pid = 0;
  std::string bundle;           // "" unless its command line names the container
  std::string name;             // of the container, when it says so (conmon)
  bool has_own_mounts = false;  // others than the host's first process: its files are elsewhere
};

// The nearest ancestors of `pid` that are not in the container themselves, so that nothing inside
// can pose as its runtime; nearest first, at most six.
std::vector<RuntimeProcess> runtime_processes(const Files& files, int64_t pid,
                                              std::string_view full_id);

// The first IPv4 address of the process's network that is not the loopback's. Empty: there is
// none, or the network is the host's.
std::optional<std::string> own_address(const Files& files, int64_t pid);

}  // namespace gyr
