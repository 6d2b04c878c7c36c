// SPDX-License-Identifier: Apache-2.0
// Source and state as one stream of numbered events: what detection and `gyr read` both walk.
//
// Guarantees: events come in the order of the source; each event that is not dropped takes a
// number, hidden ones too; state is rebuilt at the start of each section. A current event is valid
// until the next call of next().
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "base/result.h"
#include "base/str.h"
#include "field/context.h"
#include "source/source.h"
#include "state/state.h"

namespace gyr {

struct StreamSettings {
  StateSettings state;
  FieldSettings fields;
};

enum class StreamStatus : uint8_t {
  Event,    // context() shows it
  Skipped,  // something was consumed that is shown to nobody
  Idle,     // nothing now (live)
  End,
  Failed,  // error() says what and where
};

class EventStream {
 public:
  // The source must outlive the stream.
  EventStream(Source& source, StreamSettings settings);

  // Takes the snapshot and runs the leading meta events. Once, before the first next().
  Result<void> open();
  StreamStatus next() {
    if (has_waiting_) return next_slow();
    const SourceStatus status = source_.next(&record_);
    return status == SourceStatus::Event ? take(record_) : other(status);
  }
  const Error& error() const { return error_; }

  Ev type() const { return event_.type(); }
  uint64_t number() const { return context_.number; }
  // Valid until the next next().
  const EventView& event() const { return event_; }
  // Time of the last event, also when it is gone; 0: there was none.
  uint64_t last_ns() const { return state_.last_ns(); }
  // The current event for extractors. What they put into the arena lives until the next next().
  const EvalContext& context() const { return context_; }
  const EventState& event_state() const { return context_.event_state; }
  const State& state() const { return state_; }
  // The state as of the event that comes next; the current one is not valid any more.
  Snapshot dump_state() { return state_.dump(); }
  // The rules are others now: what uses of stateful fields remember goes with the old ones.
  void forget_uses() { memory_.clear(); }

 private:
  // What is found out late is learnt when nothing happens, or after so many events.
  static constexpr uint64_t kEventsBetweenLate = 1024;
  bool begin_section();
  bool run_leading_meta_events();
  StreamStatus next_slow();
  StreamStatus other(SourceStatus status);
  [[gnu::noinline]] StreamStatus damaged();
  // Numbers the event and gives it to the state.
  StreamStatus take(const Record& record) {
    if (!event_.decode(record)) [[unlikely]]
      return damaged();
    ++context_.number;
    if (context_.first_ts_ns == 0) [[unlikely]]
      note_first_event();
    if (context_.number % kEventsBetweenLate == 0) [[unlikely]]
      state_.take_late();
    arena_.reset();
    return state_.apply(event_).hidden ? StreamStatus::Skipped : StreamStatus::Event;
  }
  void note_first_event() {
    if (event_.info().source != EventSource::Meta) context_.first_ts_ns = event_.ts_ns();
  }
  StreamStatus fail(Error error);

  Source& source_;
  StreamSettings settings_;
  StrPool pool_;
  State state_;
  Arena arena_;
  UseMemory memory_;
  Record record_;
  EventView event_;
  EvalContext context_;  // of the current event: what it refers to stays where it is
  SourceStatus waiting_ = SourceStatus::Idle;  // found while looking for leading meta events
  bool has_waiting_ = false;
  Error error_;
};

}  // namespace gyr
