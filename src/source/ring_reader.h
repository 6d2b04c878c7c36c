// SPDX-License-Identifier: Apache-2.0
// One of the probe's ring buffers, read in place: takes in what the kernel has put there, hands it
// out in order of time and gives the memory back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "event/event_view.h"
#include "source/time_order.h"

namespace gyr {

// Memory that the probe shares with us; unmapped at the end.
class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping&& other) noexcept : at_(other.at_), size_(other.size_) { other.at_ = nullptr; }
  Mapping& operator=(Mapping&&) = delete;
  // `size` bytes of the map with descriptor `fd`, from `offset`, a multiple of the page size, on.
  Result<void> open(int fd, size_t size, bool writable, size_t offset);
  void* at() const { return at_; }

 private:
  void* at_ = nullptr;
  size_t size_ = 0;
};

class RingReader {
 public:
  // `fd`: of the ring of `bytes`, a power of two; it stays the caller's.
  static Result<RingReader> open(int fd, size_t bytes);

  // How far the kernel has put records. They may be unfinished.
  uint64_t end() const;
  // Takes in finished records up to the first unfinished one; how many these were.
  size_t take_in();
  // Of the first record that is not taken in.
  uint64_t position() const { return position_; }

  // The oldest record that was taken in and not released; none: kNever.
  static constexpr uint64_t kNever = ~uint64_t{0};
  uint64_t oldest_ns() const { return order_.empty() ? kNever : order_.oldest()->ts_ns; }
  Record oldest() const;
  // The memory of the oldest record may be written to again.
  void release();
  bool empty() const { return order_.empty(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_in_use() const { return end() - given_back_; }

 private:
  RingReader() = default;
  Mapping consumer_, producer_;
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  uint64_t position_ = 0;
  uint64_t given_back_ = 0;
  TimeOrder order_;
};

}  // namespace gyr
