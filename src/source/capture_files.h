// SPDX-License-Identifier: Apache-2.0
// The files of one recording, or of captures on alert: their names, how many are kept, and how much
// of the disk they take. Which event begins a file is the caller's decision (recording.h,
// alert_capture.h).
//
// Names of a recording are as sysdig makes them: without rotation the path itself; with rotation
// the path and a number from 0 on, as wide as the highest, which starts again at 0 when only so
// many files are kept; where files change with time and the path has a %, strftime() of the time
// the file begins.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "capture/writer.h"

namespace gyr {

// When the next file begins; 0 never. Whatever comes first counts.
struct RotationSettings {
  uint64_t bytes = 0;      // this one has more
  uint64_t period_ns = 0;  // its first event is so old
  uint64_t events = 0;     // it shows so many
  uint32_t files = 0;      // keep only the newest so many; 0: all
  bool is_on() const { return bytes > 0 || period_ns > 0 || events > 0; }
};

struct DiskLimits {
  uint64_t total_bytes = 0;   // of all files of the recording; 0: no limit
  uint32_t free_percent = 5;  // of the file system stay free
};

struct RecordingSettings {
  std::string path;
  std::string source_path{};  // capture file that the events come from; never written to
  Compression compression = Compression::None;  // see compression_of()
  capture::IfThere if_there = capture::IfThere::Refuse;
  RotationSettings rotation{};
  DiskLimits disk{};
};

// Gzip when the name ends in ".gz".
Compression compression_of(std::string_view path);

class CaptureFiles {
 public:
  // One that is there already and counts among those that are kept and in their total size.
  struct Closed {
    std::string path;
    uint64_t bytes;
  };

  // Creates the first one. Errors name the file.
  static Result<std::unique_ptr<CaptureFiles>> create(const RecordingSettings& settings);
  // Makes none yet: begin() does, by names of their own. `earlier`: the oldest first.
  static std::unique_ptr<CaptureFiles> for_later(const RecordingSettings& settings,
                                                 std::deque<Closed> earlier);

  // Of the current file, which must be there.
  CaptureWriter& writer() { return *writer_; }
  const CaptureWriter& writer() const { return *writer_; }
  bool has_current() const { return writer_ != nullptr; }
  // The current one is complete (closed); the next one begins at this time. Deletes the oldest one
  // where only so many are kept. After an error there is no current one.
  Result<void> begin_next(uint64_t ts_ns);
  // The same with a name.
  Result<void> begin(const std::string& path);
  // The current one is complete, or no more is to be written to it: there is none now.
  void leave_current();
  // Room for so many bytes more, for which the oldest files go where only some are kept. The error
  // says which limit is reached. What it costs does not grow with the number of calls: the file
  // system is asked once per `kBytesBetweenLooks`.
  Result<void> make_room(uint64_t bytes);

  const std::string& path() const { return path_; }  // of the current or the last one
  uint64_t made() const { return made_; }
  uint64_t deleted() const { return deleted_; }
  uint64_t closed_bytes() const {
    return closed_bytes_;
  }  // of those before the current one, deleted too
  uint64_t closed_texts_cut() const { return closed_texts_cut_; }

 private:
  explicit CaptureFiles(const RecordingSettings& settings) : settings_(settings) {}
  static constexpr uint64_t kBytesBetweenLooks = 1u << 20;

  Result<void> open();
  std::string name_at(uint64_t ts_ns) const;
  bool is_over_total(uint64_t bytes) const;
  const std::string& some_path() const;
  bool leaves_too_little() const;
  Result<void> delete_oldest();

  RecordingSettings settings_;
  std::unique_ptr<CaptureWriter> writer_;
  std::string path_;
  std::deque<Closed> closed_;  // that still are there, the oldest first; not the current one
  uint64_t made_ = 0, deleted_ = 0;
  uint64_t kept_bytes_ = 0;  // of closed_
  uint64_t closed_bytes_ = 0, closed_texts_cut_ = 0;
  uint64_t next_look_ = 0;  // at this offset of the current file
};

}  // namespace gyr
