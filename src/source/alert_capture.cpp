// SPDX-License-Identifier: Apache-2.0
#include "source/alert_capture.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/capabilities.h"
#include "base/sandbox.h"
#include "base/system.h"
#include "capture/findings.h"

namespace gyr {
namespace {

constexpr uint64_t kStillToCome = 1'000'000'000;  // an idle source may yet give events so old
constexpr size_t kDigits = 20;
constexpr std::string_view kEnding = ".scap";
constexpr size_t kMostEarlierFiles = 100'000;  // are looked at

uint64_t sum_at_most(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

std::string name_of(const std::string& prefix, const CaptureTrigger& trigger) {
  return fmt::format("{}_{:020}_{:020}{}", prefix, trigger.ts_ns, trigger.number, kEnding);
}

// What stands behind the prefix, as name_of() makes it.
bool is_name_end(std::string_view end) {
  const auto is_number = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return end.size() == 2 + 2 * kDigits + kEnding.size() && end[0] == '_' &&
         is_number(end.substr(1, kDigits)) && end[1 + kDigits] == '_' &&
         is_number(end.substr(2 + kDigits, kDigits)) && end.ends_with(kEnding);
}

// Captures of earlier runs count for the limits, in the order of their events. Only files of ours:
// others could fill a folder that all may write to with names like these.
std::deque<CaptureFiles::Closed> earlier_files(const std::string& prefix) {
  const std::string stem = std::filesystem::path(prefix).filename();
  std::deque<CaptureFiles::Closed> files;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(folder_of(prefix), failed), end;
       !failed && at != end && files.size() < kMostEarlierFiles; at.increment(failed)) {
    const std::string name = at->path().filename();
    struct stat found {};
    if (!name.starts_with(stem) || !is_name_end(std::string_view(name).substr(stem.size())) ||
        lstat(at->path().c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_uid != geteuid()) {
      continue;
    }
    files.push_back({at->path(), static_cast<uint64_t>(found.st_size)});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

RecordingSettings file_settings(const AlertCaptureSettings& settings) {
  return {.path = settings.path_prefix,
          .source_path = settings.source_path,
          .compression = settings.compression,
          .if_there = settings.if_there,
          .rotation = {.files = settings.keep_files},
          .disk = settings.disk};
}

}  // namespace

Result<std::unique_ptr<AlertCapture>> AlertCapture::create(Source& inner,
                                                           const AlertCaptureSettings& settings,
                                                           const Logger& logger) {
  const std::string folder = folder_of(settings.path_prefix);
  if (!may_use(folder, W_OK | X_OK)) {
    return Error{fmt::format("captures with the prefix {} cannot be made: {}: {}",
                             settings.path_prefix, folder, std::strerror(errno))};
  }
  auto files =
      CaptureFiles::for_later(file_settings(settings), earlier_files(settings.path_prefix));
  return std::unique_ptr<AlertCapture>(new AlertCapture(inner, settings, std::move(files), logger));
}

AlertCapture::AlertCapture(Source& inner, const AlertCaptureSettings& settings,
                           std::unique_ptr<CaptureFiles> files, const Logger& logger)
    : ForwardingSource(inner),
      settings_(settings),
      log_(std::move(files), [this](const Error& why) { say_failure(why); }),
      logger_(logger) {}

void AlertCapture::watch_with(const StateSettings& state, StrPool& strings,
                              std::function<Snapshot()> take) {
  take_state_ = std::move(take);
  if (settings_.before.bytes == 0 || settings_.before.period_ns == 0) return;
  history_ = std::make_unique<EventHistory>(settings_.before, state, strings);
}

// Said once, until a file was completed again: every alert may fail in the same way.
void AlertCapture::say_failure(const Error& why) {
  ++failed_;
  if (std::exchange(is_failing_, true)) return;
  logger_->error("{}: the capture ends here", why.message);
}

Result<Snapshot> AlertCapture::take_snapshot() {
  write_pending();
  if (log_.is_leading()) log_.end_leading(last_ts_ns_);
  Result<Snapshot> snapshot = inner_.take_snapshot();
  if (!snapshot) return snapshot;
  if (history_) history_->begin_section(*snapshot);
  if (phase_ == Phase::Running) log_.begin_section(*snapshot);
  return snapshot;
}

SourceStatus AlertCapture::next(Record* record) {
  write_pending();
  const SourceStatus status = inner_.next(record);
  if (status == SourceStatus::Event) {
    last_ts_ns_ = load<uint64_t>(record->bytes.data());
    if (phase_ != Phase::Waiting) note_end(last_ts_ns_);
    if (phase_ == Phase::Due) begin_behind(last_ts_ns_);
    if (log_.is_leading()) log_.end_leading(last_ts_ns_);
    pending_ = *record;
    has_pending_ = true;
  } else if (status == SourceStatus::Idle) {
    if (history_) history_->tidy(last_ts_ns_);
    if (phase_ == Phase::Waiting) return status;
    if (inner_.is_live()) {
      const uint64_t now_ns = clock_ns(CLOCK_REALTIME);
      note_end(now_ns - std::min(now_ns, kStillToCome));
    }
    log_.flush_now_and_then();
  }
  return status;
}

Finding AlertCapture::take_finding() {
  Finding finding = inner_.take_finding();
  found(finding);
  return finding;
}

// In the time of the events: a wall clock is far from a replay's.
void AlertCapture::found(const Finding& finding) {
  if (history_) history_->learn(finding, last_ts_ns_);
  if (phase_ != Phase::Running) return;
  if (log_.is_leading()) return log_.lead(finding);
  write(capture::finding_record(finding, last_ts_ns_, builder_));
}

void AlertCapture::write_pending() {
  if (!std::exchange(has_pending_, false)) return;
  if (phase_ == Phase::Running) write(pending_);
  if (history_) history_->push(pending_);
}

void AlertCapture::write(const Record& record) {
  const uint64_t most = settings_.max_file_bytes;
  if (most > 0 && !log_.has_failed() &&
      log_.files().writer().most_bytes() + CaptureWriter::most_bytes_of(record) > most) {
    return end_at_limit();
  }
  log_.write(record);
  if (log_.has_failed()) end(Phase::Over);
}

void AlertCapture::end_at_limit() {
  ++size_limited_;
  const uint64_t before = log_.files().closed_bytes();
  end(Phase::Over);
  if (tell_limit_) tell_limit_(log_.files().closed_bytes() - before);
}

void AlertCapture::alert(const CaptureTrigger& trigger) {
  const uint64_t deadline_ns = sum_at_most(trigger.ts_ns, trigger.duration_ns);
  switch (phase_) {
    case Phase::Waiting:
      deadline_ns_ = deadline_ns;
      return begin(trigger);
    case Phase::Due:
    case Phase::Running:
      ++prolonged_;
      deadline_ns_ = std::max(deadline_ns_, deadline_ns);
      return;
    case Phase::Over:
      ++refused_;
      return;
  }
}

void AlertCapture::begin(const CaptureTrigger& trigger) {
  path_ = name_of(settings_.path_prefix, trigger);
  if (!history_) {
    logger_->info("rule '{}': the events behind the alert go to {}", trigger.rule, path_);
    phase_ = Phase::Due;
    return;
  }
  phase_ = Phase::Running;
  log_.begin_file(path_, history_->bytes());
  if (log_.has_failed()) return end(Phase::Over);
  write_history(trigger);
}

void AlertCapture::write_history(const CaptureTrigger& trigger) {
  const uint64_t first_ns = history_->empty() ? trigger.ts_ns : history_->oldest_ts_ns();
  logger_->info(
      "rule '{}': captured in {}, from {:.1f} s before the alert{}", trigger.rule, path_,
      static_cast<double>(trigger.ts_ns - std::min(first_ns, trigger.ts_ns)) / 1e9,
      history_->is_short_of_room() ? " (gyr.capture.before_mb has room for no more)" : "");
  log_.begin_section(history_->state_before());
  log_.end_leading(first_ns);
  history_->for_each([&](const Record& record) {
    if (phase_ == Phase::Running) write(record);
  });
}

void AlertCapture::begin_behind(uint64_t ts_ns) {
  phase_ = Phase::Running;
  log_.begin_file(path_, 0);
  if (log_.has_failed()) return end(Phase::Over);
  log_.begin_section(take_state_());
  log_.end_leading(ts_ns);
  if (log_.has_failed()) end(Phase::Over);
}

void AlertCapture::note_end(uint64_t now_ns) {
  if (now_ns <= deadline_ns_) return;
  end(Phase::Waiting);
}

void AlertCapture::end(Phase next) {
  const bool was_running = phase_ == Phase::Running;
  phase_ = next;
  if (!was_running) return;
  // A section of which no event was written is completed too.
  if (log_.is_leading()) log_.end_leading(last_ts_ns_);
  log_.close();
  if (log_.has_failed()) return;
  is_failing_ = false;
  logger_->info("{} is complete", path_);
}

void AlertCapture::finish() {
  write_pending();
  end(Phase::Waiting);
  if (history_) history_counters_ = history_->counters();
  history_.reset();
}

AlertCaptureCounters AlertCapture::counts() const {
  return {.written = log_.counts(),
          .prolonged = prolonged_,
          .failed = failed_,
          .size_limited = size_limited_,
          .refused = refused_,
          .history = history_ ? history_->counters() : history_counters_};
}

}  // namespace gyr
