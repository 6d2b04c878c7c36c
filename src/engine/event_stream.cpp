// SPDX-License-Identifier: Apache-2.0
#include "engine/event_stream.h"

#include <malloc.h>

#include <utility>

namespace gyr {
namespace {

// Collectors write what they know about containers and users as events at the start of a file. They
// build state before anybody looks.
bool is_leading_meta(Ev type) {
  switch (type) {
    case Ev::CONTAINER_JSON_2_E:
    case Ev::USER_ADDED_E:
    case Ev::USER_DELETED_E:
    case Ev::GROUP_ADDED_E:
    case Ev::GROUP_DELETED_E:
    case Ev::ASYNCEVENT_E:
      return true;
    default:
      return false;
  }
}

// What a snapshot of very many threads took would stay with the process: freed piece by piece, it
// leaves holes between what the state keeps.
void let_go(Snapshot* snapshot) {
  constexpr size_t kManyThreads = 5000;
  const bool is_large = snapshot->threads.size() > kManyThreads;
  *snapshot = {};
  if (is_large) malloc_trim(0);
}

}  // namespace

EventStream::EventStream(Source& source, StreamSettings settings)
    : source_(source),
      settings_(std::move(settings)),
      state_(settings_.state, pool_),
      context_{.event = event_,
               .event_state = state_.current(),
               .state = state_,
               .arena = arena_,
               .memory = memory_,
               .settings = settings_.fields} {}

Result<void> EventStream::open() {
  if (!begin_section()) return error_;
  return {};
}

StreamStatus EventStream::fail(Error error) {
  error_ = std::move(error);
  return StreamStatus::Failed;
}

// False after a fault, which error_ holds.
bool EventStream::begin_section() {
  Result<Snapshot> snapshot = source_.take_snapshot();
  if (!snapshot) {
    fail(snapshot.error());
    return false;
  }
  state_.load(*snapshot);
  let_go(&*snapshot);
  context_.first_ts_ns = 0;
  return run_leading_meta_events();
}

bool EventStream::run_leading_meta_events() {
  if (source_.is_live()) return true;
  for (;;) {
    const SourceStatus status = source_.next(&record_);
    if (status == SourceStatus::Event && event_.decode(record_) && is_leading_meta(event_.type())) {
      if (take(record_) == StreamStatus::Failed) return false;
      continue;
    }
    if (status == SourceStatus::Found) {
      state_.learn(source_.take_finding());
      continue;
    }
    waiting_ = status;
    has_waiting_ = true;
    return true;
  }
}

StreamStatus EventStream::damaged() { return fail(source_.damaged_event()); }

StreamStatus EventStream::next_slow() {
  has_waiting_ = false;
  return waiting_ == SourceStatus::Event ? take(record_) : other(waiting_);
}

StreamStatus EventStream::other(SourceStatus status) {
  switch (status) {
    case SourceStatus::Event:
      return take(record_);
    case SourceStatus::Dropped:
      return StreamStatus::Skipped;
    case SourceStatus::Found:
      state_.learn(source_.take_finding());
      return StreamStatus::Skipped;
    case SourceStatus::Resync:
      if (Result<Snapshot> now = source_.look_again()) {
        state_.reconcile(*now);
        let_go(&*now);
      }
      return StreamStatus::Skipped;
    case SourceStatus::Idle:
      state_.take_late();
      return StreamStatus::Idle;
    case SourceStatus::Restart:
      return begin_section() ? StreamStatus::Skipped : StreamStatus::Failed;
    case SourceStatus::End:
      return StreamStatus::End;
    case SourceStatus::Failed:
      return fail(source_.error());
  }
  return StreamStatus::Failed;
}

}  // namespace gyr
