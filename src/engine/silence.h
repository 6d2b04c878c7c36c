// SPDX-License-Identifier: Apache-2.0
// Notices that a live source has had nothing for many rounds in a row: on a host where programs
// start and files are opened that is a sign that collection does not work.
#pragma once

#include <cstdint>

namespace gyr {

class Silence {
 public:
  // `limit`: rounds; 0: never noticed. A round of the probe without events waits for up to 100 ms.
  explicit Silence(uint64_t limit) : limit_(limit) {}

  // After a round without an event; `events` is the number of all so far. True once per silence,
  // when the limit is reached.
  bool note(uint64_t events) {
    if (events != events_) {
      events_ = events;
      rounds_ = 0;
    }
    return limit_ != 0 && ++rounds_ == limit_;
  }

 private:
  uint64_t limit_;
  uint64_t events_ = 0;
  uint64_t rounds_ = 0;
};

}  // namespace gyr
