// SPDX-License-Identifier: Apache-2.0
// Captures on alert: a source that hands on the events of another one and, when told of an alert,
// writes them to a capture file: those of the last seconds, with the state as of the oldest of
// them, and those that follow until a time is over.
//
// Guarantees: a file replays by itself, and with a history the replay gives the alert again, with
// the same fields. One file is written at a time; a further alert prolongs it. A file that cannot
// be written or reaches a limit ends, complete where the disk allows; detection goes on, and until
// that capture would have ended no other one begins, so that a storm of alerts costs no more than
// one attempt in that time. What is not written is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "source/capture_log.h"
#include "source/event_history.h"
#include "source/source.h"

namespace gyr {

struct AlertCaptureSettings {
  std::string path_prefix;
  std::string source_path{};    // capture file that the events come from; never written to
  uint64_t max_file_bytes = 0;  // 0: no limit
  HistorySettings before{};     // either 0: the file begins behind the alert
  Compression compression = Compression::None;
  capture::IfThere if_there = capture::IfThere::Refuse;
  uint32_t keep_files = 0;  // the newest so many of that prefix; 0: all
  DiskLimits disk{};        // of all files of that prefix
};

// An event that a rule fits which captures.
struct CaptureTrigger {
  std::string_view rule;
  uint64_t ts_ns = 0;
  uint64_t number = 0;
  uint64_t duration_ns = 0;
};

struct AlertCaptureCounters {
  RecordingCounters written;
  uint64_t prolonged = 0;     // alerts that came while a file was written
  uint64_t failed = 0;        // files that could not be begun or completed
  uint64_t size_limited = 0;  // files that ended at max_file_bytes
  uint64_t refused = 0;       // alerts that began none, because the one before had ended early
  HistoryCounters history;
};

class AlertCapture final : public ForwardingSource {
 public:
  // Finds out whether files can be made there. `inner` must outlive the capture.
  static Result<std::unique_ptr<AlertCapture>> create(Source& inner,
                                                      const AlertCaptureSettings& settings,
                                                      const Logger& logger);

  Result<Snapshot> take_snapshot() override;
  SourceStatus next(Record* record) override;
  Finding take_finding() override;
  Error damaged_event() override {
    has_pending_ = false;
    return inner_.damaged_event();
  }

  // Before the first event: the settings and strings of the state that the events are given to, and
  // how to get that state as of the event that comes next. The strings must live until finish().
  void watch_with(const StateSettings& state, StrPool& strings, std::function<Snapshot()> take);
  // For StateSettings::on_finding of that state.
  void found(const Finding& finding);
  // Told of a file that ended at max_file_bytes, and its size.
  void on_size_limit(std::function<void(uint64_t bytes)> tell) { tell_limit_ = std::move(tell); }
  // The event handed out last raised an alert.
  void alert(const CaptureTrigger& trigger);

  // Completes the file that is being written and forgets the history. Again: nothing.
  void finish();
  AlertCaptureCounters counts() const;

 private:
  enum class Phase : uint8_t {
    Waiting,
    Due,      // the file begins with the next event: there is no history
    Running,  // into a file
    Over,     // ended before its time
  };

  AlertCapture(Source& inner, const AlertCaptureSettings& settings,
               std::unique_ptr<CaptureFiles> files, const Logger& logger);
  void begin(const CaptureTrigger& trigger);
  void write_history(const CaptureTrigger& trigger);
  void begin_behind(uint64_t ts_ns);
  void note_end(uint64_t now_ns);
  void end(Phase next);
  void end_at_limit();
  void write_pending();
  void write(const Record& record);
  void say_failure(const Error& why);

  AlertCaptureSettings settings_;
  CaptureLog log_;
  Logger logger_;
  std::unique_ptr<EventHistory> history_;
  std::function<Snapshot()> take_state_;
  std::function<void(uint64_t)> tell_limit_;
  EventBuilder builder_;
  Record pending_;  // handed out, still to be kept
  bool has_pending_ = false;
  Phase phase_ = Phase::Waiting;
  uint64_t deadline_ns_ = 0;  // of the capture, in the time of events
  uint64_t last_ts_ns_ = 0;   // of the event handed out last
  std::string path_;          // of the capture
  bool is_failing_ = false;   // the last file failed, which was said
  uint64_t prolonged_ = 0, failed_ = 0, size_limited_ = 0, refused_ = 0;
  HistoryCounters history_counters_;  // after finish()
};

}  // namespace gyr
