// SPDX-License-Identifier: Apache-2.0
// All rings of the probe as one stream in order of time, without a guessed margin. Each CPU
// publishes that it builds a record, and of which time, before it does (gyr_cpu::busy). A round of
// reading notes the time, then what the CPUs build, then how far each ring is filled: once all that
// has been taken in, nothing older than these times can come.
//
// Guarantees: records come in order of their times (late() counts any that do not: none are known);
// memory is bounded by the rings; no CPU that is slow to finish a record holds up what is older.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "event/event_view.h"
#include "source/ring_order.h"
#include "source/ring_reader.h"

struct gyr_cpu;

namespace gyr {

class RingMerge {
 public:
  // `cpus`: memory shared with the probe, which must outlive this. `boot_to_epoch_ns` as there.
  RingMerge(std::vector<RingReader> rings, RingOrder order, std::span<const gyr_cpu> cpus,
            uint64_t boot_to_epoch_ns);

  // Takes in what the rings hold; how many records that were.
  size_t drain();
  // Time of the next record if it is certain that none comes before it, else kNever.
  static constexpr uint64_t kNever = RingReader::kNever;
  uint64_t next_ns();
  // That record, valid until next_ns() or drain() is called the next time.
  Record take();
  // Everything that happened until then has been taken in.
  uint64_t bound_ns() const { return bound_ns_; }
  // All that was taken in has been given out and released. Then a ring's descriptor becomes
  // readable with the next record that wakes (poll(2)).
  bool is_empty();
  uint64_t late() const { return late_; }
  // Largest share of a ring, all its parts together, that was in use at a drain since this was
  // asked last, 0 to 1.
  double take_peak_fill();

 private:
  struct Head {
    uint64_t ts_ns;
    size_t ring;
  };
  void release();
  void note_fill();
  bool begin_round();
  bool is_round_complete() const;
  void build_heap();
  void sift_down(size_t at);

  std::vector<RingReader> rings_;
  RingOrder order_;
  std::span<const gyr_cpu> cpus_;
  uint64_t boot_to_epoch_ns_;
  std::vector<Head> heap_;  // of the rings that hold records, the oldest first
  bool lent_ = false;       // the first head's record is in the caller's hands
  bool in_round_ = false;
  uint64_t round_bound_ns_ = 0;
  std::vector<uint64_t> round_ends_;  // of each ring
  uint64_t bound_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t late_ = 0;
  double peak_fill_ = 0;
};

}  // namespace gyr
