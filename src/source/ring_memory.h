// SPDX-License-Identifier: Apache-2.0
// How large the probe's rings may be where a control group limits memory: they are taken at once
// and never given back, so they must leave room for all that grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/memory_limit.h"
#include "base/result.h"

namespace gyr {

inline constexpr uint64_t kRingBytesMin = 64ul * 1024;
inline constexpr uint64_t kRingBytesMax = 1ull << 30;
// What live detection takes besides its rings before it has seen anything: the program, its rules,
// the probe with its maps, and what the kernel's verifier needs for a moment: 27 MiB were measured
// (docs/performance.md#memory-under-limits); the rest is for libraries of outputs and for names.
inline constexpr uint64_t kDetectionBytes = 40ull << 20;

// A ring for critical events has a quarter of one for bulk events.
uint64_t critical_ring_bytes(uint64_t bulk_bytes);
// The next power of two within the bounds above.
uint64_t whole_ring_bytes(uint64_t wanted);

struct RingRequest {
  uint64_t ring_bytes = 0;     // of one for bulk events
  uint32_t cpus_per_ring = 1;  // 0: all share
  size_t cpus = 1;             // that run
};
// Of all rings together.
uint64_t memory_of_rings(const RingRequest& request);

struct RingFit {
  uint64_t ring_bytes = 0;  // what to ask for
  std::string warning;      // when that is less than was wanted
};
// Rings take at most half of what the limit leaves. An error when even the smallest do not fit: it
// names the limit, what is needed and what to change.
Result<RingFit> fit_rings(const RingRequest& wanted, const std::optional<MemoryLimit>& limit);

// "24 MiB", "64 KiB".
std::string in_binary_units(uint64_t bytes);

}  // namespace gyr
