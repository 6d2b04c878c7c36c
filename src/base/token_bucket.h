// SPDX-License-Identifier: Apache-2.0
// Limits how often something is done: so many times a second, and some more at once after a pause.
//
// Time comes from a clock that only goes forward: CLOCK_MONOTONIC, which nobody can set, or the
// time of events in a replay. Whole nanoseconds are counted, so nothing is lost or won by rounding
// however often it is asked. If the clock goes back all the same, no token is added or taken: after
// a step of up to a second refilling waits until the clock has caught up, as readings of two CPUs
// may differ; after a longer one it goes on from there, so that nothing is refused for a year.
// A clock that passes 2^64 goes on at 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gyr {

class TokenBucket {
 public:
  // `rate`: tokens a second, 0 or less: none are added. `burst`: the most it holds, and what it
  // begins with.
  TokenBucket(double rate, uint64_t burst) : cost_ns_(cost(rate)), burst_(burst), tokens_(burst) {}

  // Takes a token if there is one.
  bool take(uint64_t now_ns) {
    refill(now_ns);
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }
  uint64_t tokens() const { return tokens_; }

 private:
  static constexpr int64_t kClockNoiseNs = 1'000'000'000;
  static constexpr uint64_t kNever = 0;
  static constexpr double kLongestNs = 4e18;  // 127 years; sums of two such numbers fit

  // Nanoseconds that a token takes.
  static uint64_t cost(double rate) {
    if (!(rate > 0)) return kNever;
    return static_cast<uint64_t>(std::llround(std::clamp(1e9 / rate, 1.0, kLongestNs)));
  }

  void refill(uint64_t now_ns) {
    // The difference is right across 2^64 too.
    const auto passed = static_cast<int64_t>(now_ns - last_ns_);
    if (!started_ || passed < -kClockNoiseNs) {
      started_ = true;
      last_ns_ = now_ns;
      return;
    }
    if (passed <= 0) return;
    last_ns_ = now_ns;
    if (cost_ns_ == kNever) return;
    rest_ns_ += static_cast<uint64_t>(passed);
    const uint64_t more = rest_ns_ / cost_ns_;
    rest_ns_ %= cost_ns_;
    tokens_ = more >= burst_ - tokens_ ? burst_ : tokens_ + more;
    if (tokens_ == burst_) rest_ns_ = 0;
  }

  uint64_t cost_ns_;
  uint64_t burst_;
  uint64_t tokens_;
  uint64_t rest_ns_ = 0;  // passed since the last token was added, less than cost_ns_
  uint64_t last_ns_ = 0;
  bool started_ = false;
};

}  // namespace gyr
