// SPDX-License-Identifier: Apache-2.0
#include "source/capture_log.h"

#include <utility>

#include "capture/findings.h"
#include "capture/progress.h"

namespace gyr {
namespace {

// An idle source's last events reach the file after so long at the latest.
constexpr std::chrono::seconds kFlushPause{1};

}  // namespace

void CaptureLog::check(const Result<void>& done) {
  if (done || failure_) return;
  // What the buffer held is not in the file, or only in part.
  if (files_->has_current()) lost_ += writer().events() - safe_;
  failure_ = done.error();
  on_failure_(*failure_);
}

// For a reason other than a write: the file is completed.
void CaptureLog::end(const Error& why) {
  if (failure_) return;
  if (files_->has_current()) {
    if (const Result<void> closed = writer().close(); !closed) return check(closed);
    safe_ = writer().events();
  }
  check(why);
}

void CaptureLog::begin_section(const Snapshot& snapshot) {
  if (!failure_) {
    const uint64_t before = writer().offset();
    check(writer().begin_section(snapshot));
    begin_bytes_ += writer().offset() - before;
  }
  if (const Result<void> room = files_->make_room(0); !room) end(room.error());
  is_leading_ = true;
  supplemented_ = Snapshot();
  supplemented_.of_our_own = snapshot.of_our_own;
  supplemented_.progress = snapshot.progress;
  for (const FoundUser& user : snapshot.container_users) lead(user);
  for (const FoundGroup& group : snapshot.container_groups) lead(group);
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

void CaptureLog::end_leading(uint64_t ts_ns) {
  is_leading_ = false;
  const uint64_t before = files_->has_current() ? writer().offset() : 0;
  write(capture::supplement_record(supplemented_, ts_ns, builder_));
  if (!supplemented_.progress.empty()) {
    write(capture::progress_record(supplemented_.progress, ts_ns, builder_));
  }
  for (const Finding& finding : std::exchange(leading_, {})) {
    write(capture::finding_record(finding, ts_ns, builder_));
  }
  supplemented_ = Snapshot();
  if (files_->has_current()) begin_bytes_ += writer().offset() - before;
}

void CaptureLog::write(const Record& record) {
  if (failure_) {
    ++lost_;
    return;
  }
  const uint64_t bytes = CaptureWriter::most_bytes_of(record);
  if (const Result<void> room = files_->make_room(bytes); !room) {
    ++lost_;
    return end(room.error());
  }
  const uint64_t before = writer().file_bytes();
  const uint64_t events = writer().events();
  const Result<void> done = writer().write(record);
  if (!done) ++lost_;
  check(done);
  if (!failure_ && writer().file_bytes() != before) safe_ = events;
}

void CaptureLog::flush_now_and_then() {
  if (failure_ || !files_->has_current() || writer().events() == written_at_flush_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - flushed_ < kFlushPause) return;
  flushed_ = now;
  written_at_flush_ = writer().events();
  check(writer().flush());
  if (!failure_) safe_ = written_at_flush_;
}

void CaptureLog::close() {
  if (!files_->has_current()) return;
  if (!failure_) check(writer().close());
  forget_file();
  files_->leave_current();
}

// What is counted per file: the current one is done with.
void CaptureLog::forget_file() {
  events_ += sound_events();
  safe_ = written_at_flush_ = begin_bytes_ = 0;
}

void CaptureLog::next_file(uint64_t ts_ns) {
  // The next one begins with about as much as this one did.
  if (const Result<void> room = files_->make_room(begin_bytes_); !room) return end(room.error());
  check(writer().close());
  if (failure_) return;
  forget_file();
  check(files_->begin_next(ts_ns));
}

void CaptureLog::begin_file(const std::string& path, uint64_t bytes) {
  failure_.reset();
  check(files_->make_room(bytes));
  if (!failure_) check(files_->begin(path));
}

uint64_t CaptureLog::sound_events() const {
  if (!files_->has_current()) return 0;
  return failure_ ? safe_ : files_->writer().events();
}

RecordingCounters CaptureLog::counts() const {
  const bool has_current = files_->has_current();
  return {
      .events = events_ + sound_events(),
      .lost = lost_,
      .file_bytes = files_->closed_bytes() + (has_current ? files_->writer().file_bytes() : 0),
      .texts_cut = files_->closed_texts_cut() + (has_current ? files_->writer().texts_cut() : 0),
      .files = files_->made(),
      .files_deleted = files_->deleted()};
}

}  // namespace gyr
