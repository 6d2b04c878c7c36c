// SPDX-License-Identifier: Apache-2.0
// Sections and records on their way to the files of CaptureFiles: for recordings (recording.h) and
// captures on alert (alert_capture.h).
//
// Guarantees: a file is a capture of its own, because what stands between the lists of a section
// and its first event is written too. The first write that fails, or limit of the disk that is
// reached, ends the current file: the owner is told once, and what is not written from then on is
// counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "event/event_view.h"
#include "event/snapshot.h"
#include "source/capture_files.h"

namespace gyr {

struct RecordingCounters {
  uint64_t events = 0;      // written; hidden ones that only feed state too
  uint64_t lost = 0;        // not written, because the file could not take them (or not surely)
  uint64_t file_bytes = 0;  // in the files so far
  uint64_t texts_cut = 0;   // of the state, that were longer than the format allows
  uint64_t files = 0;
  uint64_t files_deleted = 0;  // to make room, or because only so many are kept
};

class CaptureLog {
 public:
  CaptureLog(std::unique_ptr<CaptureFiles> files, std::function<void(const Error&)> on_failure)
      : files_(std::move(files)), on_failure_(std::move(on_failure)) {}

  // The state before the events that follow. Then lead() as often as needed and end_leading().
  void begin_section(const Snapshot& snapshot);
  // What was learnt since, before the first event of the section.
  void lead(const Finding& finding) { leading_.push_back(finding); }
  bool is_leading() const { return is_leading_; }
  // `ts_ns`: of the first event. What stands before it has its time, so that the file's duration is
  // that of its events.
  void end_leading(uint64_t ts_ns);
  void write(const Record& record);
  // Hands what was written to the operating system, at most once a second.
  void flush_now_and_then();

  // Room for what the next file begins with; closes the current one, and begins the next by the
  // names of a recording.
  void next_file(uint64_t ts_ns);
  // Begins a file of that name for which there must be room of so many bytes; a failure of the one
  // before, which is closed, counts no more.
  void begin_file(const std::string& path, uint64_t bytes);
  // Completes the current file, unless it failed. There is none afterwards.
  void close();

  bool has_failed() const { return failure_.has_value(); }
  const std::optional<Error>& failure() const { return failure_; }
  const CaptureFiles& files() const { return *files_; }
  // Of the current file, as far as it is uncompressed: what stands before its first event, all.
  uint64_t begin_bytes() const { return begin_bytes_; }
  RecordingCounters counts() const;

 private:
  CaptureWriter& writer() { return files_->writer(); }
  void check(const Result<void>& done);
  void end(const Error& why);
  void forget_file();
  uint64_t sound_events() const;  // of the current file

  std::unique_ptr<CaptureFiles> files_;
  std::function<void(const Error&)> on_failure_;
  std::optional<Error> failure_;
  bool is_leading_ = false;
  std::vector<Finding> leading_;
  Snapshot supplemented_;  // without its texts
  EventBuilder builder_;
  uint64_t events_ = 0;  // in files before the current one
  uint64_t lost_ = 0;
  uint64_t begin_bytes_ = 0;
  uint64_t safe_ = 0;  // events of the current file that have left the writer's buffer
  uint64_t written_at_flush_ = 0;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace gyr
