// SPDX-License-Identifier: Apache-2.0
// From the engine to one lane: bounded in alerts that wait and in bytes that are held, those that
// are just being sent included.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "alert/message.h"
#include "alert/sink.h"

namespace gyr {

struct QueuedMessage {
  MessagePtr message;
  uint64_t since_ns = 0;  // monotonic
};

class MessageQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  MessageQueue(size_t alerts, size_t bytes) : max_alerts_(alerts), max_bytes_(bytes) {}

  // False when there is no room, or closed. A message beyond all bounds fits when nothing is held.
  bool try_push(const QueuedMessage& item) {
    const std::lock_guard lock(mutex_);
    return add(item);
  }
  // Waits for room at most this long.
  bool push_for(const QueuedMessage& item, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    room_.wait_for(lock, timeout, [&] { return closed_ || fits(item); });
    return add(item);
  }

  // Waits until there is a message, the queue is closed or poked, or until `deadline`.
  void wait_message(std::optional<Time> deadline) {
    std::unique_lock lock(mutex_);
    hungry_ = true;
    wait(lock, deadline, [&] { return !items_.empty(); });
    hungry_ = false;
  }
  // The same, but does not care for messages.
  void wait_time(Time deadline) {
    std::unique_lock lock(mutex_);
    wait(lock, deadline, [] { return false; });
  }
  // Moves messages to the end of `batch` until it has reached the limits; they stay held.
  void take(size_t alerts, std::vector<QueuedMessage>* batch) {
    const std::lock_guard lock(mutex_);
    while (!items_.empty() && batch->size() < alerts) {
      batch->push_back(std::move(items_.front()));
      items_.pop_front();
    }
    room_.notify_all();
  }
  // Removes messages older than `since_ns`; how many.
  size_t drop_older(uint64_t since_ns) {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (; !items_.empty() && items_.front().since_ns <= since_ns; ++count) {
      held_bytes_ -= items_.front().message->weight();
      items_.pop_front();
    }
    room_.notify_all();
    return count;
  }
  // What was taken is gone for good.
  void release(size_t bytes) {
    const std::lock_guard lock(mutex_);
    held_bytes_ -= bytes;
    room_.notify_all();
  }
  // Ends the wait that is going on, or the next one.
  void poke() {
    const std::lock_guard lock(mutex_);
    poked_ = true;
    changed_.notify_all();
  }
  // No more pushes; take() still gives what is queued.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    poked_ = true;
    changed_.notify_all();
    room_.notify_all();
  }
  bool is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  size_t held_bytes() const {
    const std::lock_guard lock(mutex_);
    return held_bytes_;
  }

 private:
  bool fits(const QueuedMessage& item) const {
    if (held_bytes_ == 0) return true;
    return items_.size() < max_alerts_ && held_bytes_ + item.message->weight() <= max_bytes_;
  }
  bool add(const QueuedMessage& item) {
    if (closed_ || !fits(item)) return false;
    held_bytes_ += item.message->weight();
    items_.push_back(item);
    if (hungry_) changed_.notify_all();
    return true;
  }
  template <class Ready>
  void wait(std::unique_lock<std::mutex>& lock, std::optional<Time> deadline, Ready ready) {
    const auto done = [&] { return poked_ || ready(); };
    if (deadline) {
      changed_.wait_until(lock, *deadline, done);
    } else {
      changed_.wait(lock, done);
    }
    poked_ = false;
  }

  const size_t max_alerts_;
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable room_;
  std::deque<QueuedMessage> items_;
  size_t held_bytes_ = 0;
  bool closed_ = false;
  bool poked_ = false;
  bool hungry_ = false;
};

}  // namespace gyr
