// SPDX-License-Identifier: Apache-2.0
// How the probe's rings are numbered, from 0: of each group of CPUs the parts of its ring for bulk
// events, then its ring for critical ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gyr {

struct RingOrder {
  uint32_t parts = 1;  // of each ring for bulk events
  constexpr uint32_t of_group() const { return parts + 1; }
  constexpr uint32_t bulk(uint32_t group) const { return group * of_group(); }  // its first part
  constexpr uint32_t critical(uint32_t group) const { return bulk(group) + parts; }
  constexpr bool is_critical(size_t ring) const { return ring % of_group() == parts; }
};

}  // namespace gyr
