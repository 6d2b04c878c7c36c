// SPDX-License-Identifier: Apache-2.0
// State of the running host from /proc: processes, threads, descriptors with what they are, socket
// tables of every network namespace, users, interfaces. What vanishes while it is read is left out.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

Result<Snapshot> scan_proc(const Files& files, const Users& users);

// One thread, with the descriptors of its process; empty if there is no such thread.
std::optional<FoundThread> scan_thread(const Files& files, int64_t tid);

}  // namespace gyr
