// SPDX-License-Identifier: Apache-2.0
// The way to one sink: a bounded queue, a thread, attempts until one succeeds, a spool when there
// is one. Alerts stay in order. With a spool, alerts go through it from the first failure on until
// it is empty again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "alert/message_queue.h"
#include "alert/output_counters.h"
#include "alert/retry.h"
#include "alert/sink.h"
#include "alert/spool.h"
#include "base/log.h"

namespace gyr {

struct LaneSettings {
  LineForm form = LineForm::Configured;
  Priority priority = Priority::Debug;  // less serious alerts are not for this output
  bool wants_ids = false;               // spools do too
  RetryPolicy retry{};
  size_t queue_bytes = 64u << 20;
  std::string spool_folder{};  // empty: none
  uint64_t spool_bytes = 256u << 20;
};

// What all lanes have in common.
struct LaneContext {
  Logger logger;
  size_t queue_alerts = 1u << 20;
  bool buffered =
      false;  // batches as they come; else one alert an attempt, unless the sink batches
  uint64_t finish_timeout_ms = 2000;
  uint64_t blocked_after_ms = 2000;     // a slow peer is told in the log; 0: never
  uint64_t refusals_pause_ms = 10'000;  // at least, between messages about refused alerts
  std::shared_ptr<std::atomic<bool>> reader_gone;
};

class Lane {
 public:
  // Opens sink and spool and starts the thread. An error names sink and reason.
  static Result<std::shared_ptr<Lane>> start(std::unique_ptr<Sink> sink,
                                             const LaneSettings& settings,
                                             const LaneContext& context);

  // What start() would find wrong, as far as that can be told without any effect.
  static Result<void> check(Sink& sink, const LaneSettings& settings);

  const std::string& name() const { return name_; }
  bool wants(Priority priority) const { return priority <= settings_.priority; }
  bool wants_ids() const { return settings_.wants_ids || spool_ != nullptr; }
  // Of the engine's thread.
  bool try_push(const QueuedMessage& item) { return queue_.try_push(item); }
  bool push_for(const QueuedMessage& item, std::chrono::milliseconds timeout) {
    return queue_.push_for(item, timeout);
  }
  // Says it once when an attempt has taken longer than blocked_after_ms at `now` (monotonic).
  void watch(uint64_t now);
  // Its destination was closed by whoever read it, which is no fault.
  bool reader_gone() const { return reader_gone_; }
  // There was no room for an alert: counts it, says the first one.
  void count_no_room();

  void reopen();
  // No more alerts come: what waits is sent, until the peer fails for longer than
  // finish_timeout_ms.
  void close() { queue_.close(); }
  bool wait_done(uint64_t timeout_ms);
  // It took too long: at the next opportunity the lane keeps the rest in its spool, or counts it as
  // lost.
  void abandon();
  // Ends the thread, or leaves it behind when it hangs in its sink, with what it holds counted.
  void join_or_leave(uint64_t timeout_ms);

  OutputCounters counters() const;

 private:
  Lane(std::unique_ptr<Sink> sink, const LaneSettings& settings, const LaneContext& context);
  Result<void> open();
  std::optional<Allowed> allowed() const;
  void run();
  bool work(AllowedFiles* files);
  bool step();
  void say_not_limited(const Error& error) const;
  void begin_end();
  void take_batch();
  void wait_for_retry();
  void move_to_spool();
  bool spool_batch();
  SinkResult attempt(std::span<const Outgoing> batch);
  void send_batch();
  void send_spooled();
  void note_spool();
  void settle(const SinkResult& result, size_t attempted);
  void drop_front(size_t count);
  void lose_front(size_t count, AlertLoss reason);
  void lose_expired();
  void give_up_rest();
  bool take_rest();
  void note_success(size_t count);
  void note_failure(const SinkResult& result);
  void note_refusal(const std::string& reason);
  void tell_refusals(uint64_t now);
  void note_busy();
  void say_blocked() const;
  size_t batch_alerts() const;

  std::string name_;
  LaneSettings settings_;
  LaneContext context_;
  // The sink's threads may use the port until the sink is gone.
  SinkPort port_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Spool> spool_;
  MessageQueue queue_;
  std::thread thread_;

  // Of the lane's thread:
  AllowedFiles* files_ = nullptr;     // of the sandbox that it is in
  bool replaced_ = false;             // some of them
  std::vector<QueuedMessage> batch_;  // the oldest alerts in memory
  Retry retry_;
  size_t singly_ = 0;         // so many alerts go one by one: one of them was refused
  size_t tried_ = 0;          // of batch_, or of the spool's head, were attempted before
  uint64_t deadline_ns_ = 0;  // of the end, 0: not yet
  uint64_t busy_since_ns_ = 0;
  bool said_blocked_ = false;
  uint64_t untold_ = 0;        // refused and lost since the log last told of it
  uint64_t next_told_ns_ = 0;  // not before
  std::string untold_reason_;  // of the last of them

  std::atomic<bool> reader_gone_{false};
  std::atomic<uint64_t> attempt_since_ns_{0};  // of the attempt that is going on, 0: none
  std::atomic<bool> reopen_{false};
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> spool_refuses_{false};
  std::atomic<bool> healthy_{true};
  std::atomic<uint64_t> sent_{0}, retried_{0}, spooled_{0}, in_flight_{0}, no_room_{0};
  std::atomic<uint64_t> in_spool_{0}, spool_bytes_{0}, last_success_ns_{0};

  std::mutex done_mutex_;
  std::condition_variable done_changed_;
  // Under done_mutex_, which nobody holds while a disk or a peer is waited for:
  bool done_ = false;
  bool left_behind_ = false;  // join_or_leave() has counted what the lane's thread held
};

}  // namespace gyr
