// SPDX-License-Identifier: Apache-2.0
// Reads the probe's ring buffer in order of time, in place. What makes the order exact: each CPU
// publishes that it builds a record, and of which time, before it does (struct gyr_progress). A
// round of reading notes the time, then what the CPUs build, then drains the ring; nothing older
// than all of these can come after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "event/event_view.h"
#include "source/time_order.h"

namespace gyr {

class RingReader {
 public:
  // Descriptors of the ring and of the progress map, which stay the caller's. `boot_to_epoch_ns` as
  // in the probe.
  static Result<std::unique_ptr<RingReader>> open(int ring_fd, size_t ring_bytes, int progress_fd,
                                                  size_t cpus, uint64_t boot_to_epoch_ns);
  ~RingReader();
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;

  // Takes in what the ring holds; how many records that were.
  size_t drain();
  // The next record in order of time, if it is certain that none comes before it. Valid until the
  // next call.
  bool next(Record* record);
  uint64_t late() const { return order_.late(); }
  // Everything that was taken in has been released too. Then the ring's descriptor becomes readable
  // with the next record that wakes (poll(2)).
  bool is_empty() const { return order_.empty() && !lent_; }

 private:
  RingReader() = default;
  uint64_t safe_time() const;
  void give_back(uint64_t position);

  struct Mapping {
    void* at = nullptr;
    size_t size = 0;
  };
  static Result<void> map(Mapping* mapping, int fd, size_t size, int protection, size_t offset);

  Mapping consumer_, producer_, progress_;
  size_t ring_bytes_ = 0;
  size_t cpus_ = 0;
  uint64_t boot_to_epoch_ns_ = 0;
  uint64_t position_ = 0;  // of the next record to take in
  uint64_t given_back_ = 0;
  uint64_t bound_ns_ = 0;
  bool lent_ = false;  // the oldest record of order_ is in the caller's hands
  TimeOrder order_;
};

}  // namespace gyr
