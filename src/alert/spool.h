// SPDX-License-Identifier: Apache-2.0
// Alerts on disk that wait for an output: a folder of segments, oldest first. Survives the end of
// the process at any moment: frames have a length and a checksum, what is damaged is skipped and
// counted, and a cursor says what has been sent already (after a kill some alerts may be sent
// twice, with the same id). Written with write(2); the disk itself is asked at most once a second,
// so a crash of the machine may cost the last second.
//
// Frame: "gyS1", length of the rest (u32), XXH3-64 of the rest, then priority (u8), length of the
// id (u8), id, line. Numbers as the machine has them: a spool does not travel.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/sink.h"
#include "base/result.h"

namespace gyr {

class Spool {
 public:
  struct Entry {
    std::string line;
    std::string id;
    Priority priority = Priority::Debug;
    uint64_t next_segment = 0;  // where the one behind it begins
    uint64_t next_offset = 0;
    uint64_t damaged_before = 0;  // places that were skipped to get here
  };
  enum class Appended : uint8_t { Yes, Full, Failed };
  static constexpr size_t kMaxLine = 16u << 20;

  // Makes the folder (0700) if it is not there. An error: it can't be made or read, others may
  // write to it, it is a symbolic link, or another process uses it.
  static Result<std::unique_ptr<Spool>> open(const std::string& folder, uint64_t max_bytes);
  // What open() would find wrong, without making or locking anything.
  static Result<void> check(const std::string& folder);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Full: at its limit. Failed: reason() says why; what was written of it is taken back.
  Appended append(const Outgoing& alert);
  // The oldest ones, at most `limits` but at least one if there is one; valid until drop() or
  // append(). What is damaged on the way is skipped and counted.
  const std::vector<Entry>& peek(const BatchLimits& limits);
  // The first so many of peek() are done with.
  void drop(size_t count);
  // Asks the disk to keep what was appended, at most once a second.
  void sync(uint64_t now_ns);

  bool empty() const { return alerts_ == 0; }
  uint64_t alerts() const { return alerts_; }
  uint64_t bytes() const { return bytes_; }
  // Damaged places since the last call; each is one alert at least.
  uint64_t take_damaged();
  const std::string& reason() const { return reason_; }

 private:
  struct Segment {
    uint64_t number;
    uint64_t bytes;
  };
  Spool(std::string folder, uint64_t max_bytes);
  Result<void> open_folder();
  Result<void> check_owner(const struct stat& about) const;
  Result<void> scan();
  void read_cursor();
  void write_cursor();
  void forget_sent_segments();
  void count_alerts();
  bool open_tail();
  bool open_head(uint64_t number);
  uint64_t size_of(uint64_t number) const;
  // The good frame at `offset` of head_fd_; where it ends, or 0.
  uint64_t read_frame(uint64_t offset, Entry* entry);
  uint64_t next_good_frame(uint64_t offset, uint64_t end);
  // The next alert at or behind (segment, offset), which move behind it.
  bool read_next(uint64_t* segment, uint64_t* offset, Entry* entry);
  void pass_damage(uint64_t segment, uint64_t offset, uint64_t places);
  std::string fault(std::string_view what) const;

  std::string folder_;
  uint64_t max_bytes_;
  uint64_t segment_bytes_;
  int folder_fd_ = -1;
  int lock_fd_ = -1;
  int cursor_fd_ = -1;
  int tail_fd_ = -1;
  int head_fd_ = -1;
  uint64_t head_number_ = 0;       // of head_fd_
  std::vector<Segment> segments_;  // oldest first; the last one is written to if tail_fd_ is open
  uint64_t next_number_ = 1;
  uint64_t read_segment_ = 0;  // where the oldest unsent alert is
  uint64_t read_offset_ = 0;
  uint64_t alerts_ = 0;
  uint64_t bytes_ = 0;
  uint64_t damaged_ = 0;
  uint64_t synced_ns_ = 0;
  bool unsynced_ = false;
  std::vector<Entry> peeked_;
  std::string reason_;
};

}  // namespace gyr
