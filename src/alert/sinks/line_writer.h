// SPDX-License-Identifier: Apache-2.0
// Lines to a file descriptor; what outputs share that write to one.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "alert/sink.h"

namespace gyr {

class LineWriter {
 public:
  // The descriptor is borrowed. Replaces the one before. `fresh`: nothing was written to it yet, so
  // that no line of it is cut.
  void use(int fd, bool fresh = false) {
    fd_ = fd;
    if (fresh) cut_ = false;
  }
  // Writes every line. When a line was cut in the middle by a failure, the next one begins on a
  // line of its own. The reason of a failure is the system's word only; of a closed pipe it is
  // Closed. A descriptor that does not block and takes nothing for `patience_ms` is Busy; the rest
  // of a line that was begun is then the first thing that the next call writes.
  SinkResult write(std::span<const Outgoing> batch, int patience_ms = -1);
  // Bytes written in all.
  uint64_t written() const { return written_; }
  // What is left of a line that was begun.
  bool has_rest() const { return !rest_.empty(); }
  void forget_rest() { rest_.clear(); }

 private:
  std::string rest_;
  int fd_ = -1;
  uint64_t written_ = 0;
  bool cut_ = false;  // the last byte that was written ends no line
};

}  // namespace gyr
