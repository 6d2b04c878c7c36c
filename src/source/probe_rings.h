// SPDX-License-Identifier: Apache-2.0
// The rings of the probe: for each group of CPUs one for bulk events and one for critical ones
// (schema/critical.def). That for bulk events is in parts, one for each CPU of the group where they
// are large enough: CPUs that write to one ring at a time wait for each other. A CPU whose part is
// full goes on in the others, so the group's memory is there for whichever CPU needs it. Makes
// them, tells the probe which CPU uses which, and opens them for reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "source/ring_order.h"
#include "source/ring_reader.h"

struct gyr_cpu;

namespace gyr {

struct RingLayout {
  size_t groups = 1;
  uint64_t bulk_bytes = 0;      // of a group; powers of two, at least a page
  uint64_t critical_bytes = 0;  // of a group
  RingOrder order;              // with a power of two as parts
};

// Of CPUs that run; `cpus_per_ring`: 0 if all share.
size_t ring_groups(size_t online, uint32_t cpus_per_ring);
// Both counted from 0.
struct CpuPlace {
  uint32_t group = 0;
  uint32_t within = 0;
  bool operator==(const CpuPlace&) const = default;
};
// `online`: numbers of the CPUs that run now. The place of each possible CPU; those that come to
// life later share with others.
std::vector<CpuPlace> place_cpus(std::span<const uint32_t> online, size_t possible,
                                 uint32_t cpus_per_ring);
// Of a ring of so many bytes that so many CPUs share: one for each CPU, none below a MiB.
uint32_t ring_parts(uint64_t bulk_bytes, size_t cpus);
// Which rings the CPU at that place writes to, of those that ProbeRings makes.
void assign_rings(const CpuPlace& place, RingOrder order, gyr_cpu* cpu);
// Numbers of the CPUs in a list as the kernel writes it: "0-3,8".
std::vector<uint32_t> parse_cpu_list(std::string_view text);
// Of those that run now; 0 alone where the kernel does not tell.
std::vector<uint32_t> online_cpus();

// Whether the kernel has memory for a ring of so many bytes, now.
bool can_make_ring(uint64_t bytes);

class ProbeRings {
 public:
  ProbeRings() = default;
  ~ProbeRings();
  ProbeRings(ProbeRings&&) = delete;

  // Makes the rings, puts them into the map of maps `outer_fd`; none after an error.
  Result<void> make(int outer_fd, const RingLayout& layout);
  Result<std::vector<RingReader>> open_readers() const;
  // Waits until a record wakes a sleeper, at most `ms`.
  bool wait(int ms) const;

 private:
  struct Ring {
    int fd;
    uint64_t bytes;
  };
  Result<void> make_all(int outer_fd, const RingLayout& layout);
  std::vector<Ring> rings_;
};

}  // namespace gyr
