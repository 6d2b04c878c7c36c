// SPDX-License-Identifier: Apache-2.0
#include "source/recording.h"

#include <time.h>

#include <utility>

#include "capture/findings.h"

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

Compression compression_of(std::string_view path) {
  return path.ends_with(".gz") ? Compression::Gzip : Compression::None;
}

Result<std::unique_ptr<Recording>> Recording::start(Source& inner,
                                                    const RecordingSettings& settings,
                                                    Logger logger) {
  auto writer = CaptureWriter::create(settings.path, settings.compression);
  if (!writer) return writer.error();
  return std::unique_ptr<Recording>(new Recording(inner, *std::move(writer), std::move(logger)));
}

void Recording::check(const Result<void>& done) {
  if (done || failed_) return;
  failed_ = true;
  lost_ += writer_->events() - safe_;  // what the buffer held is not in the file, or only in part
  failure_ = done.error();
  logger_->error("{}: the recording ends here", failure_.message);
}

Result<Snapshot> Recording::take_snapshot() {
  write_pending();
  if (is_leading_) write_leading(now_ns());
  Result<Snapshot> snapshot = inner_.take_snapshot();
  if (!snapshot) return snapshot;
  if (!failed_) check(writer_->begin_section(*snapshot));
  is_leading_ = true;
  supplemented_ = Snapshot();
  for (const SnapshotThread& thread : snapshot->threads) {
    SnapshotThread& copy = supplemented_.threads.emplace_back();
    copy.tid = thread.tid;
    copy.clone_ts_ns = thread.clone_ts_ns;
    copy.as_of_ns = thread.as_of_ns;
  }
  for (const SnapshotFd& fd : snapshot->fds) {
    SnapshotFd& copy = supplemented_.fds.emplace_back();
    copy.tid = fd.tid;
    copy.fd = fd.fd;
    copy.kind = fd.kind;
    copy.open_flags = fd.open_flags;
    copy.dev = fd.dev;
  }
  return snapshot;
}

SourceStatus Recording::next(Record* record) {
  write_pending();
  const SourceStatus status = inner_.next(record);
  if (status == SourceStatus::Event) {
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
  write(capture::supplement_record(supplemented_, ts_ns, builder_));
  for (const Finding& finding : std::exchange(leading_, {})) {
    write(capture::finding_record(finding, ts_ns, builder_));
  }
  supplemented_ = Snapshot();
}

void Recording::write_pending() {
  if (!has_pending_) return;
  has_pending_ = false;
  if (keep_ == Keep::Nothing) return;
  if (keep_ == Keep::StateOnly) pending_.flags |= kStateOnly;
  write(pending_);
}

void Recording::write(const Record& record) {
  if (failed_) {
    ++lost_;
    return;
  }
  const uint64_t before = writer_->file_bytes();
  const uint64_t events = writer_->events();
  const Result<void> done = writer_->write(record);
  if (!done) ++lost_;
  check(done);
  if (!failed_ && writer_->file_bytes() != before) safe_ = events;
}

void Recording::flush_now_and_then() {
  if (failed_ || writer_->events() == written_at_flush_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - flushed_ < kFlushPause) return;
  flushed_ = now;
  written_at_flush_ = writer_->events();
  check(writer_->flush());
  if (!failed_) safe_ = written_at_flush_;
}

Result<void> Recording::finish() {
  write_pending();
  if (is_leading_) write_leading(now_ns());
  if (!failed_) check(writer_->close());
  if (failed_) return failure_;
  return {};
}

RecordingCounters Recording::counts() const {
  return {.events = failed_ ? safe_ : writer_->events(),
          .lost = lost_,
          .file_bytes = writer_->file_bytes(),
          .texts_cut = writer_->texts_cut()};
}

}  // namespace gyr
