// SPDX-License-Identifier: Apache-2.0
// Lines to a file descriptor through a bounded buffer; what stdout and file sinks share.
#pragma once

#include <string>
#include <string_view>

#include "alert/sink.h"

namespace gyr {

class FdWriter {
 public:
  // The descriptor is borrowed. Replaces the one before; what is buffered goes to the new one.
  void use(int fd) { fd_ = fd; }
  void add_line(std::string_view line);
  // For those who build their lines in place.
  std::string& buffer() { return buffer_; }
  bool full() const { return buffer_.size() >= kLimit; }
  bool empty() const { return buffer_.empty(); }
  // Writes everything; after a failure the buffer is dropped, its lines are lost. When a line was
  // cut in the middle, the next one begins on a line of its own.
  SinkStatus flush(std::string* reason);
  void drop() { buffer_.clear(); }

 private:
  static constexpr size_t kLimit = 65536;
  std::string buffer_;
  int fd_ = -1;
  bool cut_ = false;  // the last byte that was written ends no line
};

}  // namespace gyr
