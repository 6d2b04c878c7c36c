// SPDX-License-Identifier: Apache-2.0
// Writes capture files of the current format (1.2), plain or gzip. Event records are stored as they
// are, so a capture that is read and written again keeps its event blocks byte by byte.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "capture/entry.h"
#include "capture/output.h"
#include "event/event_view.h"
#include "event/snapshot.h"

namespace gyr {

enum class Compression : uint8_t { None, Gzip };

// Errors (disk full, broken pipe …) name the file and the reason; after the first one every call
// gives it again. A pipe whose reader is gone raises SIGPIPE unless the program ignores that
// signal.
class CaptureWriter {
 public:
  // Creates the file (see capture::Output). begin_section() must follow.
  static Result<std::unique_ptr<CaptureWriter>> create(const std::string& path,
                                                       Compression compression,
                                                       capture::IfThere if_there);
  // The same, in the place of whatever is there, with the state before the first event.
  static Result<std::unique_ptr<CaptureWriter>> create(const std::string& path,
                                                       Compression compression,
                                                       const Snapshot& snapshot);
  // Starts another section, as a capture appended to this one would.
  Result<void> begin_section(const Snapshot& snapshot);
  // The record must be sound (EventView::decode() accepts it). One that no block can hold is an
  // error of its own: it is not written, and the file stays good.
  Result<void> write(const Record& record);
  // At most so many bytes become of it in the file, its note and what stands around both included.
  static uint64_t most_bytes_of(const Record& record) {
    constexpr uint64_t kBlock = 64;  // more than stands around a record
    const uint64_t note = record.note.empty() ? 0 : record.note.size() + 2 * kBlock;
    return record.bytes.size() + kBlock + note;
  }
  // Hands all that was written to the operating system.
  Result<void> flush();
  // Completes the file. To be called: the destructor does not flush.
  Result<void> close();

  uint64_t events() const { return events_; }
  uint64_t file_bytes() const { return output_.file_bytes(); }
  uint64_t offset() const { return output_.offset(); }  // of the uncompressed stream
  // Of the file if it is closed now: about, and at most.
  uint64_t closed_bytes() const { return output_.closed_bytes(); }
  uint64_t most_bytes() const { return output_.most_bytes(); }
  // Texts of the state that were longer than the format allows and were cut.
  uint64_t texts_cut() const { return entry_.texts_cut(); }

 private:
  CaptureWriter(capture::Output output, std::string path)
      : output_(std::move(output)), path_(std::move(path)) {}

  template <class Each>
  Result<void> write_list(uint32_t number, Each each);
  Result<void> write_section_header();
  Result<void> write_machine(const MachineInfo& machine);
  Result<void> write_fds(const Snapshot& snapshot);
  Result<void> begin_block(uint32_t number, uint64_t body);
  Result<void> end_block(uint64_t body);
  Result<void> put(Bytes bytes);
  Result<void> write_event(const Record& record);

  capture::Output output_;
  std::string path_;
  capture::EntryWriter entry_;
  EventBuilder builder_;  // of notes
  uint64_t events_ = 0;
};

}  // namespace gyr
