// SPDX-License-Identifier: Apache-2.0
#include "source/recording.h"

#include <time.h>

#include <utility>

#include "capture/findings.h"
#include "capture/progress.h"

namespace gyr {
namespace {

// An idle source's last events reach the file after so long at the latest.
constexpr std::chrono::seconds kFlushPause{1};

uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<Recording>> Recording::start(Source& inner,
                                                    const RecordingSettings& settings,
                                                    Logger logger) {
  auto files = CaptureFiles::create(settings);
  if (!files) return files.error();
  return std::unique_ptr<Recording>(
      new Recording(inner, *std::move(files), settings.rotation, std::move(logger)));
}

void Recording::check(const Result<void>& done) {
  if (done || failed_) return;
  failed_ = true;
  lost_ += writer().events() - safe_;  // what the buffer held is not in the file, or only in part
  failure_ = done.error();
  logger_->error("{}: the recording ends here", failure_.message);
}

// For a reason other than a write: the file is completed.
void Recording::end(const Error& why) {
  if (failed_) return;
  if (const Result<void> closed = writer().close(); !closed) return check(closed);
  safe_ = writer().events();
  check(why);
}

Result<Snapshot> Recording::take_snapshot() {
  write_pending();
  if (is_leading_) write_leading(now_ns());
  Result<Snapshot> snapshot = inner_.take_snapshot();
  if (snapshot) begin_section(*snapshot);
  return snapshot;
}

void Recording::begin_section(const Snapshot& snapshot) {
  const uint64_t before = writer().offset();
  if (!failed_) check(writer().begin_section(snapshot));
  begin_bytes_ += writer().offset() - before;
  if (const Result<void> room = files_->make_room(0); !room) end(room.error());
  is_leading_ = true;
  supplemented_ = Snapshot();
  supplemented_.progress = snapshot.progress;
  for (const FoundUser& user : snapshot.container_users) leading_.emplace_back(user);
  for (const FoundGroup& group : snapshot.container_groups) leading_.emplace_back(group);
  for (const SnapshotThread& thread : snapshot.threads) {
    SnapshotThread& copy = supplemented_.threads.emplace_back();
    copy.tid = thread.tid;
    copy.clone_ts_ns = thread.clone_ts_ns;
    copy.as_of_ns = thread.as_of_ns;
  }
  for (const SnapshotFd& fd : snapshot.fds) {
    SnapshotFd& copy = supplemented_.fds.emplace_back();
    copy.tid = fd.tid;
    copy.fd = fd.fd;
    copy.kind = fd.kind;
    copy.open_flags = fd.open_flags;
    copy.dev = fd.dev;
  }
}

// A file has at least as many bytes of events as stand before them: whatever was asked for, what is
// written stays in proportion to what happened. Meta events come first in no file, for there a
// replay takes them for a part of the state.
bool Recording::is_next_file_due(const Record& record) const {
  if (failed_ || !take_state_ || !begin_ts_ns_) return false;
  const CaptureWriter& file = files_->writer();
  const auto ts_ns = load<uint64_t>(record.bytes.data());
  const auto is_due = [&] {
    if (rotation_.events > 0 && shown_ >= rotation_.events) return true;
    if (rotation_.period_ns > 0 && ts_ns >= *begin_ts_ns_ + rotation_.period_ns) return true;
    if (rotation_.bytes == 0 || file.offset() < 2 * begin_bytes_) return false;
    return file.closed_bytes() > rotation_.bytes;
  };
  if (!is_due()) return false;
  const auto type = load<uint16_t>(record.bytes.data() + 20);
  return type < kEventCount && event_info(static_cast<Ev>(type)).source != EventSource::Meta;
}

void Recording::begin_next_file(uint64_t ts_ns) {
  // The next one begins with about as much as this one did.
  if (const Result<void> room = files_->make_room(begin_bytes_); !room) return end(room.error());
  check(writer().close());
  if (failed_) return;
  safe_ = writer().events();
  const Result<void> begun = files_->begin_next(ts_ns);
  if (!begun) return check(begun);
  safe_ = written_at_flush_ = 0;
  begin_bytes_ = shown_ = 0;
  begin_ts_ns_.reset();
  begin_section(take_state_());
}

SourceStatus Recording::next(Record* record) {
  write_pending();
  const SourceStatus status = inner_.next(record);
  if (status == SourceStatus::Event) {
    if (is_next_file_due(*record)) begin_next_file(load<uint64_t>(record->bytes.data()));
    if (is_leading_) write_leading(load<uint64_t>(record->bytes.data()));
    pending_ = *record;
    has_pending_ = true;
    keep_ = Keep::Whole;
  } else if (status == SourceStatus::Idle) {
    flush_now_and_then();
  }
  return status;
}

Finding Recording::take_finding() {
  Finding finding = inner_.take_finding();
  found(finding);
  return finding;
}

void Recording::found(const Finding& finding) {
  if (is_leading_) {
    leading_.push_back(finding);
    return;
  }
  const uint64_t ts_ns = has_pending_ ? load<uint64_t>(pending_.bytes.data()) : now_ns();
  write(capture::finding_record(finding, ts_ns, builder_));
}

// What stands between the lists and the first event has that event's time, so that the file's
// duration is that of its events.
void Recording::write_leading(uint64_t ts_ns) {
  is_leading_ = false;
  const uint64_t before = writer().offset();
  write(capture::supplement_record(supplemented_, ts_ns, builder_));
  if (!supplemented_.progress.empty()) {
    write(capture::progress_record(supplemented_.progress, ts_ns, builder_));
  }
  for (const Finding& finding : std::exchange(leading_, {})) {
    write(capture::finding_record(finding, ts_ns, builder_));
  }
  supplemented_ = Snapshot();
  begin_bytes_ += writer().offset() - before;
  if (!begin_ts_ns_) begin_ts_ns_ = ts_ns;
}

void Recording::write_pending() {
  if (!has_pending_) return;
  has_pending_ = false;
  if (keep_ == Keep::Nothing) return;
  if (keep_ == Keep::StateOnly) pending_.flags |= kStateOnly;
  if ((pending_.flags & kStateOnly) == 0) ++shown_;
  write(pending_);
}

void Recording::write(const Record& record) {
  if (failed_) {
    ++lost_;
    return;
  }
  constexpr uint64_t kBlock = 64;  // more than stands around a record
  if (const Result<void> room = files_->make_room(record.bytes.size() + kBlock); !room) {
    ++lost_;
    return end(room.error());
  }
  const uint64_t before = writer().file_bytes();
  const uint64_t events = writer().events();
  const Result<void> done = writer().write(record);
  if (!done) ++lost_;
  check(done);
  if (!failed_ && writer().file_bytes() != before) safe_ = events;
}

void Recording::flush_now_and_then() {
  if (failed_ || writer().events() == written_at_flush_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - flushed_ < kFlushPause) return;
  flushed_ = now;
  written_at_flush_ = writer().events();
  check(writer().flush());
  if (!failed_) safe_ = written_at_flush_;
}

Result<void> Recording::finish() {
  write_pending();
  if (is_leading_) write_leading(now_ns());
  if (!failed_) check(writer().close());
  if (failed_) return failure_;
  return {};
}

RecordingCounters Recording::counts() const {
  const CaptureWriter& last = files_->writer();
  return {.events = files_->closed_events() + (failed_ ? safe_ : last.events()),
          .lost = lost_,
          .file_bytes = files_->closed_bytes() + last.file_bytes(),
          .texts_cut = files_->closed_texts_cut() + last.texts_cut(),
          .files = files_->made(),
          .files_deleted = files_->deleted()};
}

}  // namespace gyr
