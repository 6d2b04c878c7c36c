// SPDX-License-Identifier: Apache-2.0
// Events as lines of text: what `gyr read` does. A line is the format with its fields filled in;
// missing values are <NA>; in values a newline is \n and other control characters except tab are
// \xhh, so that one event is one line whatever it carries. As JSON a line is an object of the
// format's fields with the types that alerts give them.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"
#include "engine/event_filter.h"
#include "engine/event_stream.h"
#include "lang/output.h"

namespace gyr {

struct PrintRequest {
  const OutputTemplate& format;
  EventFilter* filter = nullptr;  // null: every event
  bool json = false;
  uint64_t limit = 0;  // lines, 0: no limit
  int fd = 1;
};

// Until the stream ends, `stop` is set, the limit is reached (Finished) or nobody reads. What was
// printed before a fault is written.
struct PrintResult {
  RunEnd end = RunEnd::Finished;
  uint64_t lines = 0;
  std::string reason;  // after Failed
};
PrintResult print_events(EventStream& stream, const PrintRequest& request,
                         const std::atomic<bool>& stop);

}  // namespace gyr
