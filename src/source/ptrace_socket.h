// SPDX-License-Identifier: Apache-2.0
// Sockets of a stopped thread: a copy of the descriptor is asked, which disturbs nobody.
#pragma once

#include <cstdint>

#include "schema/schema.h"

struct gyr_tracee;

namespace gyr {

// Of the queue of connections that a listening socket has not accepted: queue_len, queue_max or
// queue_pct. 0 for other sockets, and for unix sockets of another network namespace.
uint64_t queue_number(const gyr_tracee& tracee, Collect token, int64_t fd);

}  // namespace gyr
