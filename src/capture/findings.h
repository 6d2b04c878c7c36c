// SPDX-License-Identifier: Apache-2.0
// What a recording of ours holds beside the format's own lists, as records that other readers pass
// over: events of type ASYNCEVENT_E that are marked "state only" and named gyr.* or
// container, layouts in docs/captures.md. Users and groups are the format's own events, marked the
// same way. None of them takes an event number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "capture/entry.h"
#include "event/event_view.h"
#include "event/snapshot.h"

namespace gyr::capture {

// A record named `name`, "gyr.…"; it lies in the builder until that is used again.
Record own_record(std::string_view name, const EntryWriter& data, uint64_t ts_ns,
                  EventBuilder& builder);
// The record of a finding; it lies in the builder until that is used again.
Record finding_record(const Finding& finding, uint64_t ts_ns, EventBuilder& builder);
// What the lists of a section lose of a snapshot: start and age of threads, flags and
// devices of descriptors.
Record supplement_record(const Snapshot& snapshot, uint64_t ts_ns, EventBuilder& builder);

// Whether a record is one of these; only marked ones are, so ask for Record::flags first.
bool is_finding(const Record& record);
// The note of the event that comes next (Record::note); it lies in the builder.
Record note_record(Bytes note, uint64_t ts_ns, EventBuilder& builder);
// The supplement of the snapshot, to be merged by merge_supplement().
struct Supplement {};
// What more a running state knew, to be read by read_progress() (capture/progress.h).
struct Progress {};
// The note of the next event; it lies in the record.
struct Note {
  Bytes bytes;
};
// A finding of a kind that a newer version wrote.
struct UnknownFinding {};
using FoundRecord = std::variant<UnknownFinding, Supplement, Progress, Note, Finding>;
// The reason is for the user: "the found thread is damaged: …".
Result<FoundRecord> read_finding(const Record& record);
Result<void> merge_supplement(const Record& record, Snapshot* snapshot);

}  // namespace gyr::capture
