// SPDX-License-Identifier: Apache-2.0
// What the probe is asked to tell beyond the parameters of an event (Record::note). Only in builds
// with the probe.
#pragma once

#include <span>

#include "schema/schema.h"
#include "source/ptrace_collect.h"

struct gyr_probe;

namespace gyr {

struct NoteWishes {
  bool real_paths = false;       // of opened files
  std::span<const Sc> compared;  // calls whose arguments are compared
};

// Tells the probe, whose `table` of calls is that. True: some collected call is compared, so the
// program at the entry of calls is needed.
bool ask_for_notes(gyr_probe& probe, const gyr_calls& table, const NoteWishes& wishes);

}  // namespace gyr
