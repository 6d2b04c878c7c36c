// SPDX-License-Identifier: Apache-2.0
// How much memory live detection may come to need, from its bounds, and whether the control group
// allows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/detect.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "base/system.h"

namespace gyr::app {

// Bytes. What is bounded by a setting, each at its bound.
struct MemoryBounds {
  uint64_t rings = 0;
  uint64_t queues = 0;   // of all outputs
  uint64_t history = 0;  // events before an alert
  uint64_t threads = 0;  // their number is bounded, not what each one takes: kThreadBytes
  uint64_t rest = 0;     // kDetectionBytes

  uint64_t total() const { return rings + queues + history + threads + rest; }
  std::string text() const;
};

// What a thread takes while the start lists all of them, and later in a table, both with what it
// says of its process: measured (docs/performance.md#memory-under-limits) and rounded up. One whose
// process has a huge environment or thousands of descriptors takes more.
inline constexpr uint64_t kThreadBytes = 4096;
inline constexpr uint64_t kThreadKeptBytes = 1024;

// A warning with what to change when the bounds exceed the limit, else a line for whoever asks.
struct MemoryVerdict {
  std::string text;
  bool fits = true;
};
MemoryVerdict judge_memory(const MemoryBounds& bounds, const MemoryLimit& limit);

// The most threads that this host can have: pid_max and threads-max. UINT64_MAX when it is not
// told.
uint64_t most_threads(const Files& own);

// Says the verdict, where there is a limit; the warning to everybody, the line with log_level
// debug.
void say_memory_bounds(const DetectSettings& settings, uint64_t queue_bytes, const Logger& logger);

}  // namespace gyr::app
