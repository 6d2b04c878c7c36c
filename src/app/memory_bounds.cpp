// SPDX-License-Identifier: Apache-2.0
#include "app/memory_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "source/probe_rings.h"
#include "source/ring_memory.h"

namespace gyr::app {

std::string MemoryBounds::text() const {
  return fmt::format(
      "{} (rings {}, alerts that wait {}, events before an alert {}, threads {}, the rest {})",
      in_binary_units(total()), in_binary_units(rings), in_binary_units(queues),
      in_binary_units(history), in_binary_units(threads), in_binary_units(rest));
}

MemoryVerdict judge_memory(const MemoryBounds& bounds, const MemoryLimit& limit) {
  const std::string allowed =
      fmt::format("the control group allows {} ({})", in_binary_units(limit.bytes), limit.file);
  if (bounds.total() <= limit.bytes) {
    return {fmt::format("memory: at most {}; {}", bounds.text(), allowed), true};
  }
  return {
      fmt::format(
          "memory: with all tables and queues full {}, but {}: the kernel may end gyr on a busy "
          "host; raise the limit, or lower gyr.outputs.NAME.queue_mb, "
          "engine.modern_ebpf.buf_size_preset, gyr.capture.before_mb or "
          "falco_libs.thread_table_size",
          bounds.text(), allowed),
      false};
}

uint64_t most_threads(const Files& own) {
  constexpr size_t kFileLimit = 64;
  uint64_t most = UINT64_MAX;
  for (const char* path : {"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"}) {
    const auto text = own.read(path, kFileLimit);
    if (!text) continue;
    const std::string_view number = trim(*text);
    uint64_t value = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    if (read.ec == std::errc{} && value > 0) most = std::min(most, value);
  }
  return most;
}

void say_memory_bounds(const DetectSettings& settings, uint64_t queue_bytes, const Logger& logger) {
  const auto own = system_files("");
  const auto limit = memory_limit(*own);
  if (!limit) return;
  RingRequest rings{.ring_bytes = settings.ring_bytes,
                    .cpus_per_ring = settings.cpus_per_ring,
                    .cpus = online_cpus().size()};
  if (const auto fit = fit_rings(rings, limit)) rings.ring_bytes = fit->ring_bytes;
  const uint64_t threads = std::min<uint64_t>(settings.thread_limit, most_threads(*own));
  const uint64_t history = settings.captures ? settings.captures->before.bytes : 0;
  // The events before an alert keep a state of their own, as of the oldest of them.
  const bool has_history = history > 0 && settings.captures->before.period_ns > 0;
  const uint64_t each = kThreadBytes + (has_history ? kThreadKeptBytes : 0);
  const MemoryVerdict verdict = judge_memory({.rings = memory_of_rings(rings),
                                              .queues = queue_bytes,
                                              .history = history,
                                              .threads = threads * each,
                                              .rest = kDetectionBytes},
                                             *limit);
  logger->log(verdict.fits ? spdlog::level::debug : spdlog::level::warn, "{}", verdict.text);
}

}  // namespace gyr::app
