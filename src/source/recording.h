// SPDX-License-Identifier: Apache-2.0
// A source that hands on the events of another one and writes them, with the state at their start,
// to a capture file on the way, or to one file after the other, each of which is a capture of its
// own: it begins with the state as of its first event.
//
// Guarantees: the file's replay gives the same state as the recorded run at every event, because
// what the run's state learns from outside (found()) stands in front of the event that needed it;
// events keep their order and, within a file, their numbers. A write that fails or a limit that is
// reached ends the recording, not the source: it is logged once and what is not recorded from then
// on is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "event/event_view.h"
#include "source/capture_log.h"
#include "source/source.h"

namespace gyr {

class Recording final : public ForwardingSource {
 public:
  // Creates the first file. `inner` must outlive the recording. Errors name the file.
  static Result<std::unique_ptr<Recording>> start(Source& inner, const RecordingSettings& settings,
                                                  const Logger& logger);

  Result<Snapshot> take_snapshot() override;
  SourceStatus next(Record* record) override;
  Finding take_finding() override;
  Error damaged_event() override {
    has_pending_ = false;  // the file takes sound events only
    return inner_.damaged_event();
  }

  // Tells the state that the events are given to, as of the event that comes next. Without it there
  // is one file. To be given before the first event.
  void on_next_file(std::function<Snapshot()> take) { take_state_ = std::move(take); }
  // For StateSettings::on_finding of the state that the events are given to.
  void found(const Finding& finding);
  // What becomes of the event handed out last. Whole unless said otherwise before the next one.
  enum class Keep : uint8_t { Whole, StateOnly, Nothing };
  void keep(Keep keep) { keep_ = keep; }

  // Completes the file: it can be replayed. The error that ended the recording, if one did.
  Result<void> finish();
  RecordingCounters counts() const { return log_.counts(); }
  const std::string& path() const { return log_.files().path(); }  // of the last file
  bool has_failed() const { return log_.has_failed(); }

 private:
  Recording(Source& inner, std::unique_ptr<CaptureFiles> files, const RotationSettings& rotation,
            const Logger& logger);
  bool is_next_file_due(const Record& record) const;
  void begin_next_file(uint64_t ts_ns);
  void end_leading(uint64_t ts_ns);
  void write_pending();

  CaptureLog log_;
  RotationSettings rotation_;
  std::function<Snapshot()> take_state_;
  EventBuilder builder_;
  Record pending_;  // handed out, still to be written
  bool has_pending_ = false;
  Keep keep_ = Keep::Whole;
  // Of the current file.
  std::optional<uint64_t> begin_ts_ns_;  // its first event's
  uint64_t shown_ = 0;                   // events that were kept whole
};

}  // namespace gyr
