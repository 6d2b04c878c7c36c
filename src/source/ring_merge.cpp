// SPDX-License-Identifier: Apache-2.0
#include "source/ring_merge.h"

#include <time.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "shared.h"
//
#include "base/system.h"

namespace gyr {
namespace {

// The clocks of kernel and user space may disagree by some nanoseconds while time is adjusted, and
// a CPU's "one is being built" may be seen a little after it read the clock (docs/live.md#order).
constexpr uint64_t kClockMarginNs = 20'000;
// A CPU is about to take the time for some ten nanoseconds, unless the host took it away meanwhile.
constexpr int kLooksAtBusy = 1000;

// The time of the record that the CPU builds, 0: it builds none. Nothing if it does not tell.
std::optional<uint64_t> time_of_record(const gyr_cpu& cpu) {
  for (int i = 0; i < kLooksAtBusy; ++i) {
    const uint64_t busy = __atomic_load_n(&cpu.busy, __ATOMIC_ACQUIRE);
    if (busy != 1) return busy;
  }
  return std::nullopt;
}

}  // namespace

RingMerge::RingMerge(std::vector<RingReader> rings, RingOrder order, std::span<const gyr_cpu> cpus,
                     uint64_t boot_to_epoch_ns)
    : rings_(std::move(rings)), order_(order), cpus_(cpus), boot_to_epoch_ns_(boot_to_epoch_ns) {
  heap_.reserve(rings_.size());
  round_ends_.resize(rings_.size());
}

// False: one of the CPUs does not tell which time its record will carry.
bool RingMerge::begin_round() {
  uint64_t bound = clock_ns(CLOCK_BOOTTIME) + boot_to_epoch_ns_ - kClockMarginNs;
  for (const gyr_cpu& cpu : cpus_) {
    const std::optional<uint64_t> busy = time_of_record(cpu);
    if (!busy) return false;
    if (*busy != 0) bound = std::min(bound, *busy - 1);
  }
  round_bound_ns_ = std::max(bound, bound_ns_);
  for (size_t i = 0; i < rings_.size(); ++i) round_ends_[i] = rings_[i].end();
  return true;
}

bool RingMerge::is_round_complete() const {
  for (size_t i = 0; i < rings_.size(); ++i) {
    if (rings_[i].position() < round_ends_[i]) return false;
  }
  return true;
}

void RingMerge::note_fill() {
  for (size_t i = 0; i < rings_.size();) {
    const size_t end = std::min(i + (order_.is_critical(i) ? 1 : order_.parts), rings_.size());
    uint64_t used = 0, bytes = 0;
    for (; i < end; ++i) {
      used += rings_[i].bytes_in_use();
      bytes += rings_[i].bytes();
    }
    peak_fill_ = std::max(peak_fill_, static_cast<double>(used) / static_cast<double>(bytes));
  }
}

size_t RingMerge::drain() {
  if (lent_) release();
  if (!in_round_) in_round_ = begin_round();
  size_t count = 0;
  note_fill();
  for (RingReader& ring : rings_) count += ring.take_in();
  if (in_round_ && is_round_complete()) {
    bound_ns_ = round_bound_ns_;
    in_round_ = false;
  }
  build_heap();
  return count;
}

void RingMerge::build_heap() {
  heap_.clear();
  for (size_t i = 0; i < rings_.size(); ++i) {
    if (!rings_[i].empty()) heap_.push_back({rings_[i].oldest_ns(), i});
  }
  for (size_t at = heap_.size() / 2; at-- > 0;) sift_down(at);
}

void RingMerge::sift_down(size_t at) {
  for (;;) {
    size_t least = at;
    for (const size_t child : {2 * at + 1, 2 * at + 2}) {
      if (child < heap_.size() && heap_[child].ts_ns < heap_[least].ts_ns) least = child;
    }
    if (least == at) return;
    std::swap(heap_[at], heap_[least]);
    at = least;
  }
}

void RingMerge::release() {
  lent_ = false;
  RingReader& ring = rings_[heap_.front().ring];
  ring.release();
  if (ring.empty()) {
    heap_.front() = heap_.back();
    heap_.pop_back();
  } else {
    heap_.front().ts_ns = ring.oldest_ns();
  }
  sift_down(0);
}

uint64_t RingMerge::next_ns() {
  if (lent_) release();
  if (heap_.empty() || heap_.front().ts_ns > bound_ns_) return kNever;
  return heap_.front().ts_ns;
}

Record RingMerge::take() {
  lent_ = true;
  const Head& head = heap_.front();
  if (head.ts_ns < last_ns_) ++late_;
  last_ns_ = std::max(last_ns_, head.ts_ns);
  return rings_[head.ring].oldest();
}

bool RingMerge::is_empty() {
  if (lent_) release();
  return heap_.empty();
}

double RingMerge::take_peak_fill() { return std::exchange(peak_fill_, 0.0); }

}  // namespace gyr
