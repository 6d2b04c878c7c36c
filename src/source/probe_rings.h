// SPDX-License-Identifier: Apache-2.0
// The rings of the probe: for each group of CPUs one for bulk events and one for critical ones
// (schema/critical.def). Makes them, tells the probe which CPU uses which, and opens them for
// reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "source/ring_reader.h"

struct gyr_cpu;

namespace gyr {

struct RingLayout {
  uint64_t bulk_bytes = 0;      // of one ring; powers of two, at least a page
  uint64_t critical_bytes = 0;  // of one ring
  uint32_t cpus_per_ring = 1;   // 0: all CPUs share
};

// `online`: numbers of the CPUs that run now. Of each possible CPU the group it belongs to, counted
// from 0; those that come to life later share with others.
std::vector<uint32_t> group_cpus(std::span<const uint32_t> online, size_t possible,
                                 uint32_t cpus_per_ring);
// Numbers of the CPUs in a list as the kernel writes it: "0-3,8".
std::vector<uint32_t> parse_cpu_list(std::string_view text);

// Whether the kernel has memory for a ring of so many bytes, now.
bool can_make_ring(uint64_t bytes);

class ProbeRings {
 public:
  ProbeRings() = default;
  ~ProbeRings();
  ProbeRings(ProbeRings&&) = delete;

  // Makes the rings, puts them into the map of maps `outer_fd`; none after an error.
  Result<void> make(int outer_fd, size_t groups, const RingLayout& layout);
  Result<std::vector<RingReader>> open_readers() const;
  // Waits until a record wakes a sleeper, at most `ms`.
  bool wait(int ms) const;

 private:
  struct Ring {
    int fd;
    uint64_t bytes;
  };
  Result<void> make_all(int outer_fd, size_t groups, const RingLayout& layout);
  std::vector<Ring> rings_;
};

}  // namespace gyr
