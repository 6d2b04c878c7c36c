// SPDX-License-Identifier: Apache-2.0
#include "alert/outputs.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/bounded_queue.h"

namespace gyr {

// Shared by the engine's thread and the sink's; the latter may outlive Outputs when it hangs in a
// write that never ends.
struct Outputs::Lane {
  Lane(size_t capacity, std::unique_ptr<Sink> its_sink)
      : sink(std::move(its_sink)), queue(capacity) {}

  std::unique_ptr<Sink> sink;
  BoundedQueue<AlertPtr> queue;
  AlertFormat format;
  bool buffered = false;
  Logger logger;
  std::shared_ptr<std::atomic<bool>> reader_gone;
  std::thread thread;

  std::atomic<bool> reopen{false};
  std::atomic<bool> abandon{false};
  std::atomic<uint64_t> delivered{0}, dropped_full{0}, failed{0}, abandoned{0};
  std::atomic<uint64_t> unflushed{0};  // written to the sink, fate unknown
  std::mutex done_mutex;
  std::condition_variable done_changed;
  bool done = false;

  bool faulty = false;  // the last thing the sink said was a failure; its thread only

  void settle(SinkStatus status);
  void deliver(const Alert& alert);
  void mark_done();
  bool wait_done(uint64_t timeout_ms);
};

// Everything written so far is either out or lost.
void Outputs::Lane::settle(SinkStatus status) {
  const uint64_t count = unflushed.exchange(0);
  if (status == SinkStatus::Ok) {
    delivered += count;
    if (faulty && count > 0) logger->warn("{} works again", sink->name());
    if (count > 0) faulty = false;
    return;
  }
  failed += count;
  if (status == SinkStatus::Closed) {
    reader_gone->store(true);
  } else if (!std::exchange(faulty, true)) {
    logger->error("{}; alerts for it are lost and counted until it works", sink->reason());
  }
}

void Outputs::Lane::deliver(const Alert& alert) {
  if (reopen.exchange(false)) sink->reopen();
  ++unflushed;
  const SinkStatus status = sink->write(alert, format_alert(alert, format));
  if (status != SinkStatus::Ok) {
    settle(status);
  } else if (!buffered) {
    settle(sink->flush());
  }
}

void Outputs::Lane::mark_done() {
  {
    const std::lock_guard lock(done_mutex);
    done = true;
  }
  done_changed.notify_all();
}

bool Outputs::Lane::wait_done(uint64_t timeout_ms) {
  std::unique_lock lock(done_mutex);
  return done_changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return done; });
}

void Outputs::run(const std::shared_ptr<Lane>& lane) {
  for (;;) {
    std::optional<AlertPtr> alert = lane->queue.try_pop();
    if (!alert) {
      // Idle: whoever reads sees everything now.
      if (lane->unflushed > 0) lane->settle(lane->sink->flush());
      alert = lane->queue.pop();
    }
    if (!alert) break;
    if (lane->abandon || lane->reader_gone->load()) {
      ++lane->abandoned;
    } else {
      lane->deliver(**alert);
    }
  }
  lane->mark_done();
}

Outputs::Outputs(OutputSettings settings, Logger logger)
    : settings_(settings),
      logger_(std::move(logger)),
      reader_gone_(std::make_shared<std::atomic<bool>>(false)) {}

Outputs::~Outputs() { finish(); }

Result<void> Outputs::add(std::unique_ptr<Sink> sink) {
  if (Result<void> opened = sink->open(); !opened) return opened;
  const size_t wanted = settings_.queue_capacity;
  const size_t capacity = wanted == 0 || wanted > kMaxQueue ? kMaxQueue : wanted;
  auto lane = std::make_shared<Lane>(capacity, std::move(sink));
  lane->format = settings_.format;
  lane->buffered = settings_.buffered;
  lane->logger = logger_;
  lane->reader_gone = reader_gone_;

  // Signals are for the main thread: a sink's thread starts with all of them blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<void> result;
  try {
    lane->thread = std::thread([lane] { run(lane); });
  } catch (const std::system_error& error) {
    result = Error{std::string(lane->sink->name()) + ": cannot start a thread: " + error.what()};
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (result) lanes_.push_back(std::move(lane));
  return result;
}

void Outputs::send(const AlertPtr& alert, const std::function<bool()>& give_up) {
  constexpr auto kPatience = std::chrono::milliseconds(20);
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    AlertPtr copy = alert;
    bool taken = lane->queue.try_push(std::move(copy));
    while (!taken && settings_.wait_when_full && !reader_gone() && !give_up()) {
      taken = lane->queue.push_for(std::move(copy), kPatience);
    }
    if (!taken && lane->dropped_full++ == 0 && !reader_gone()) {
      logger_->error("{}: its queue is full, alerts are lost and counted", lane->sink->name());
    }
  }
}

void Outputs::reopen() {
  for (const std::shared_ptr<Lane>& lane : lanes_) lane->reopen = true;
}

// While waiting: whether it has become urgent.
constexpr uint64_t kAskPauseMs = 100;

void Outputs::finish(const std::function<bool()>& hurry) {
  if (std::exchange(finished_, true)) return;
  for (const std::shared_ptr<Lane>& lane : lanes_) lane->queue.close();
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    while (hurry && !hurry() && !lane->wait_done(kAskPauseMs)) {
    }
    if (hurry && hurry() && !lane->wait_done(settings_.finish_timeout_ms)) {
      lane->abandon = true;
      const uint64_t left = lane->queue.size() + lane->unflushed;
      lane->abandoned += left;
      logger_->error("{} is blocked: {} alerts were not delivered", lane->sink->name(), left);
      lane->thread.detach();
      continue;
    }
    lane->thread.join();
  }
  for (const OutputCounters& c : counters()) {
    const uint64_t lost = c.lost_total() - c.lost_for(AlertLoss::Unfinished);
    if (lost > 0 && !reader_gone()) {
      logger_->error("{}: {} alerts delivered, {} lost because its queue was full, {} failed",
                     c.name, c.sent, c.lost_for(AlertLoss::QueueFull),
                     c.lost_for(AlertLoss::Refused));
    }
  }
}

std::vector<OutputCounters> Outputs::counters() const {
  std::vector<OutputCounters> all;
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    OutputCounters& now = all.emplace_back();
    now.name = std::string(lane->sink->name());
    now.sent = lane->delivered;
    now.lost[static_cast<size_t>(AlertLoss::QueueFull)] = lane->dropped_full;
    now.lost[static_cast<size_t>(AlertLoss::Refused)] = lane->failed;
    now.lost[static_cast<size_t>(AlertLoss::Unfinished)] = lane->abandoned;
    now.queued = lane->queue.size();
  }
  return all;
}

}  // namespace gyr
