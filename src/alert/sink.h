// SPDX-License-Identifier: Apache-2.0
// Where alerts go. A sink is used by one thread, the one of its queue (alert/outputs.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "alert/alert.h"
#include "base/result.h"

namespace gyr {

enum class SinkStatus : uint8_t {
  Ok,
  Failed,  // what was written since the last good flush() may be lost; reason() says why
  Closed,  // nobody reads the output any more: the program ends quietly
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string_view name() const = 0;  // as the configuration calls it, e.g. "file_output"
  // Called once before anything else, from the thread that configures; an error ends the start.
  virtual Result<void> open() = 0;
  // `line` is the formatted alert without newline. May keep it until flush().
  virtual SinkStatus write(const Alert& alert, std::string_view line) = 0;
  virtual SinkStatus flush() = 0;
  // Opens the destination anew (rotated files).
  virtual void reopen() {}
  virtual const std::string& reason() const = 0;  // after Failed
};

}  // namespace gyr
