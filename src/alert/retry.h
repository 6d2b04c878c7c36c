// SPDX-License-Identifier: Apache-2.0
// When a failed output is tried again: exponential backoff with jitter, the peer's own wish within
// a bound. Pure: time and chance come from the caller.
#pragma once

#include <cstdint>
#include <random>

namespace gyr {

struct RetryPolicy {
  uint64_t first_ms = 250;
  uint64_t max_ms = 30'000;       // of one pause, a peer's wish included
  uint64_t give_up_ms = 300'000;  // age at which an alert for a failing output is lost; 0: at once
  uint32_t max_timeouts = UINT32_MAX;  // in a row; one more and the alert is lost
};

class Retry {
 public:
  Retry(const RetryPolicy& policy, uint64_t seed) : policy_(policy), random_(seed) {}

  // An attempt failed at `now_ns` (monotonic). `wish_ms`: what the peer asked for, 0: nothing.
  void failed(uint64_t now_ns, uint64_t wish_ms, bool timed_out);
  void succeeded();
  bool is_failing() const { return failures_ > 0; }
  // Earliest time of the next attempt, 0 when nothing failed.
  uint64_t next_ns() const { return next_ns_; }
  bool is_due(uint64_t now_ns) const { return now_ns >= next_ns_; }
  // The output has failed for give_up_ms, all of which the alert queued at `since_ns` has waited;
  // or it timed out too often.
  bool gives_up(uint64_t now_ns, uint64_t since_ns) const;
  // The same, timeouts aside.
  bool gives_up_by_time(uint64_t now_ns, uint64_t since_ns) const;
  // From now on pauses are short: the program ends.
  void hurry() {
    hurried_ = true;
    next_ns_ = 0;
  }
  // The alert that timed out too often is gone; the next one is counted anew.
  void forget_timeouts_if_exceeded() {
    if (timeouts_ > policy_.max_timeouts) timeouts_ = 0;
  }

 private:
  static constexpr uint64_t kHurriedPauseMs = 200;

  RetryPolicy policy_;
  std::minstd_rand random_;
  uint32_t failures_ = 0;
  uint32_t timeouts_ = 0;
  uint64_t next_ns_ = 0;
  uint64_t failing_since_ns_ = 0;
  bool hurried_ = false;
};

}  // namespace gyr
