// SPDX-License-Identifier: Apache-2.0
#include "source/recording.h"

#include <utility>

#include "base/system.h"
#include "capture/findings.h"

namespace gyr {

Recording::Recording(Source& inner, std::unique_ptr<CaptureFiles> files,
                     const RotationSettings& rotation, const Logger& logger)
    : ForwardingSource(inner),
      log_(std::move(files),
           [logger](const Error& why) {
             logger->error("{}: the recording ends here", why.message);
           }),
      rotation_(rotation) {}

Result<std::unique_ptr<Recording>> Recording::start(Source& inner,
                                                    const RecordingSettings& settings,
                                                    const Logger& logger) {
  auto files = CaptureFiles::create(settings);
  if (!files) return files.error();
  return std::unique_ptr<Recording>(
      new Recording(inner, *std::move(files), settings.rotation, logger));
}

Result<Snapshot> Recording::take_snapshot() {
  write_pending();
  if (log_.is_leading()) end_leading(clock_ns(CLOCK_REALTIME));
  Result<Snapshot> snapshot = inner_.take_snapshot();
  if (snapshot) log_.begin_section(*snapshot);
  return snapshot;
}

// A file has at least as many bytes of events as stand before them: whatever was asked for, what is
// written stays in proportion to what happened. Meta events come first in no file, for there a
// replay takes them for a part of the state.
bool Recording::is_next_file_due(const Record& record) const {
  if (log_.has_failed() || !take_state_ || !begin_ts_ns_) return false;
  const CaptureWriter& file = log_.files().writer();
  const auto ts_ns = load<uint64_t>(record.bytes.data());
  const auto is_due = [&] {
    if (rotation_.events > 0 && shown_ >= rotation_.events) return true;
    if (rotation_.period_ns > 0 && ts_ns >= *begin_ts_ns_ + rotation_.period_ns) return true;
    if (rotation_.bytes == 0 || file.offset() < 2 * log_.begin_bytes()) return false;
    return file.closed_bytes() > rotation_.bytes;
  };
  if (!is_due()) return false;
  const auto type = load<uint16_t>(record.bytes.data() + 20);
  return type < kEventCount && event_info(static_cast<Ev>(type)).source != EventSource::Meta;
}

void Recording::begin_next_file(uint64_t ts_ns) {
  log_.next_file(ts_ns);
  if (log_.has_failed()) return;
  shown_ = 0;
  begin_ts_ns_.reset();
  log_.begin_section(take_state_());
}

SourceStatus Recording::next(Record* record) {
  write_pending();
  const SourceStatus status = inner_.next(record);
  if (status == SourceStatus::Event) {
    if (is_next_file_due(*record)) begin_next_file(load<uint64_t>(record->bytes.data()));
    if (log_.is_leading()) end_leading(load<uint64_t>(record->bytes.data()));
    pending_ = *record;
    has_pending_ = true;
    keep_ = Keep::Whole;
  } else if (status == SourceStatus::Idle) {
    log_.flush_now_and_then();
  }
  return status;
}

Finding Recording::take_finding() {
  Finding finding = inner_.take_finding();
  found(finding);
  return finding;
}

void Recording::found(const Finding& finding) {
  if (log_.is_leading()) return log_.lead(finding);
  const uint64_t ts_ns =
      has_pending_ ? load<uint64_t>(pending_.bytes.data()) : clock_ns(CLOCK_REALTIME);
  log_.write(capture::finding_record(finding, ts_ns, builder_));
}

void Recording::end_leading(uint64_t ts_ns) {
  log_.end_leading(ts_ns);
  if (!begin_ts_ns_) begin_ts_ns_ = ts_ns;
}

void Recording::write_pending() {
  if (!has_pending_) return;
  has_pending_ = false;
  if (keep_ == Keep::Nothing) return;
  if (keep_ == Keep::StateOnly) pending_.flags |= kStateOnly;
  if ((pending_.flags & kStateOnly) == 0) ++shown_;
  log_.write(pending_);
}

Result<void> Recording::finish() {
  write_pending();
  if (log_.is_leading()) end_leading(clock_ns(CLOCK_REALTIME));
  log_.close();
  if (log_.has_failed()) return *log_.failure();
  return {};
}

}  // namespace gyr
