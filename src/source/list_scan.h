// SPDX-License-Identifier: Apache-2.0
// State of the running host from the kernel's lists, with what only /proc tells from there: the
// same snapshot that scan_proc() gives, at a fraction of its cost on hosts with many processes
// (docs/live.md says what differs).
#pragma once

#include "base/result.h"
#include "base/system.h"
#include "event/snapshot.h"
#include "source/host_lists.h"
#include "source/look_counters.h"

namespace gyr {

// Adds to `counters`. An error: a list could not be read, and /proc should be.
Result<Snapshot> scan_lists(HostLists& lists, const Files& files, const Users& users,
                            LookCounters* counters);

}  // namespace gyr
