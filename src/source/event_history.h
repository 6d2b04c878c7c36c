// SPDX-License-Identifier: Apache-2.0
// The last events in memory, with the state of the host as of the oldest of them: what a capture on
// alert begins with.
//
// Records are copied into a ring of fixed size. One that must make room, or is older than asked
// for, is applied to a state of the history's own on its way out, as a replay would apply it; so
// that state is always the one that the oldest record finds, and a snapshot is made only when one
// is asked for. What the watching state learns from outside the events stands among them.
//
// Bounded: `bytes` of records, and one state. A record that is too large for the ring is applied at
// once, and the history begins behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/str.h"
#include "event/event_view.h"
#include "event/snapshot.h"
#include "state/state.h"

namespace gyr {

struct HistorySettings {
  uint64_t bytes = 0;      // of memory for records, a multiple of 8
  uint64_t period_ns = 0;  // what is older goes, a little at a time
};

struct HistoryCounters {
  uint64_t records = 0;     // that came
  uint64_t no_room = 0;     // of them, that went before they were older than period_ns
  uint64_t too_large = 0;   // of them, that were never kept
  uint64_t unreadable = 0;  // findings that could not be read back
};

class EventHistory {
 public:
  // `state`: those of the watching state. Lookups are left out: their findings come by learn().
  // The pool must outlive the history.
  EventHistory(const HistorySettings& settings, StateSettings state, StrPool& pool);

  // A section begins: nothing happened yet.
  void begin_section(const Snapshot& snapshot);
  // In the order in which the watching state meets them.
  void push(const Record& record);
  void learn(const Finding& finding, uint64_t ts_ns);
  // Nobody waits: lets go of more of what is old than push() does. Takes less than a millisecond.
  void tidy(uint64_t now_ns) { drop_old(now_ns, kDropsWhenIdle); }

  // The state that the oldest record finds.
  Snapshot state_before() { return state_.dump(); }
  // Calls use(const Record&) for each, the oldest first; the record is valid during the call.
  template <class Use>
  void for_each(Use use) const {
    uint64_t at = first_;
    for (uint64_t left = count_; left > 0; --left) {
      at = skip_gap(at);
      const Record record = record_at(at);
      use(record);
      at += slot_size(record);
    }
  }
  bool empty() const { return count_ == 0; }
  uint64_t count() const { return count_; }
  uint64_t bytes() const { return end_ - first_; }  // of the ring that are in use
  // Of the oldest record; 0 if there is none.
  uint64_t oldest_ts_ns() const;
  // The ring is the reason why the history is shorter than asked for.
  bool is_short_of_room() const { return lost_ts_ns_ != 0; }
  const HistoryCounters& counters() const { return counters_; }

 private:
  // Stands before a record in the ring. A slot never wraps: what is left at the end is a gap.
  struct SlotHeader {
    uint32_t size;  // of the record; kGap: the ring goes on at its start
    uint32_t flags;
    uint16_t cpu;
    uint16_t note;  // bytes of its note, behind it
  };
  static constexpr uint32_t kGap = UINT32_MAX;
  // More at once would hold up detection after a pause, when everything is old.
  static constexpr int kDropsAtOnce = 16;
  static constexpr int kDropsWhenIdle = 4096;
  static uint64_t slot_size(const Record& record) {
    return (sizeof(SlotHeader) + record.bytes.size() + record.note.size() + 7) / 8 * 8;
  }
  // Offsets count up for ever; their place in the ring is the remainder.
  uint64_t skip_gap(uint64_t at) const;
  Record record_at(uint64_t at) const;
  void drop_oldest();
  void drop_old(uint64_t now_ns, int most);
  void apply(const Record& record);

  HistorySettings settings_;
  State state_;
  std::unique_ptr<uint8_t[]> ring_;  // pages that were never used take no memory
  uint64_t first_ = 0, end_ = 0;
  uint64_t count_ = 0;
  uint64_t lost_ts_ns_ = 0;  // of the last record that went for lack of room
  EventView event_;
  EventBuilder builder_;
  HistoryCounters counters_;
};

}  // namespace gyr
