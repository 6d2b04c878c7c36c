// SPDX-License-Identifier: Apache-2.0
// What a state that ran for a while knows beyond the lists (event/snapshot.h), as a record like
// those of capture/findings.h, named "gyr.state". Layout in docs/captures.md; bytes behind what
// this version knows are passed over.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "event/event_view.h"
#include "event/snapshot.h"

namespace gyr::capture {

// The record lies in the builder until that is used again.
Record progress_record(const SnapshotProgress& progress, uint64_t ts_ns, EventBuilder& builder);
// Of a record that read_finding() called one.
Result<SnapshotProgress> read_progress(const Record& record);

}  // namespace gyr::capture
