// SPDX-License-Identifier: Apache-2.0
#include "alert/retry.h"

#include <algorithm>

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint32_t kDoublings = 20;  // 250 ms doubled so often is days

}  // namespace

void Retry::failed(uint64_t now_ns, uint64_t wish_ms, bool timed_out) {
  const uint32_t doublings = std::min(failures_, kDoublings);
  if (failures_++ == 0) failing_since_ns_ = now_ns;
  timeouts_ = timed_out ? timeouts_ + 1 : 0;
  uint64_t pause_ns = std::min(policy_.first_ms << doublings, policy_.max_ms) * kMillisecond;
  // Between half and all of it, so that a thousand hosts do not come back in the same moment.
  pause_ns -= std::uniform_int_distribution<uint64_t>(0, pause_ns / 2)(random_);
  if (wish_ms > 0) pause_ns = std::max(pause_ns, std::min(wish_ms, policy_.max_ms) * kMillisecond);
  if (hurried_) pause_ns = std::min(pause_ns, kHurriedPauseMs * kMillisecond);
  next_ns_ = now_ns + pause_ns;
}

void Retry::succeeded() {
  failures_ = 0;
  timeouts_ = 0;
  next_ns_ = 0;
}

bool Retry::gives_up(uint64_t now_ns, uint64_t since_ns) const {
  return (failures_ > 0 && timeouts_ > policy_.max_timeouts) || gives_up_by_time(now_ns, since_ns);
}

bool Retry::gives_up_by_time(uint64_t now_ns, uint64_t since_ns) const {
  if (failures_ == 0) return false;
  const uint64_t waited_since = std::max(since_ns, failing_since_ns_);
  return now_ns - std::min(now_ns, waited_since) >= policy_.give_up_ms * kMillisecond;
}

}  // namespace gyr
