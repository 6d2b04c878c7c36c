// SPDX-License-Identifier: Apache-2.0
// Hands samples from the engine's thread, which alone can take them, to threads that show them, and
// tells them whether that thread moves. The engine's thread takes the lock only when a sample was
// asked for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "metrics/sample.h"

namespace gyr {

class SampleHub {
 public:
  using Sample = std::shared_ptr<const MetricsSample>;

  // Of the engine's thread, between two events. `now_ns` is of the monotonic clock.
  void beat(uint64_t now_ns) { beat_ns_.store(now_ns, std::memory_order_relaxed); }
  bool is_wanted() const { return wanted_.load(std::memory_order_relaxed); }
  void publish(Sample sample) {
    {
      const std::lock_guard lock(mutex_);
      newest_ = std::move(sample);
      wanted_.store(false, std::memory_order_relaxed);
    }
    published_.notify_all();
  }
  // The source is open and events are taken from it; "" as long as that is so, else why not.
  void set_trouble(std::string why) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(why);
  }

  // Any thread. When the event loop moved last, 0: never.
  uint64_t beat_ns() const { return beat_ns_.load(std::memory_order_relaxed); }
  std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }
  // A sample that is no older than `age_ns` at `now_ns`: the one at hand, or a new one. When none
  // has come after `patience` the one at hand, which is null before the first.
  template <class Duration>
  Sample get(uint64_t now_ns, uint64_t age_ns, Duration patience) {
    std::unique_lock lock(mutex_);
    const auto is_fresh = [&] { return newest_ && newest_->monotonic_ns + age_ns >= now_ns; };
    if (!is_fresh()) {
      wanted_.store(true, std::memory_order_relaxed);
      published_.wait_for(lock, patience, is_fresh);
    }
    return newest_;
  }

 private:
  std::atomic<uint64_t> beat_ns_{0};
  std::atomic<bool> wanted_{false};
  mutable std::mutex mutex_;
  std::condition_variable published_;
  Sample newest_;
  std::string trouble_ = "starting";
};

}  // namespace gyr
