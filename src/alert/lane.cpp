// SPDX-License-Identifier: Apache-2.0
#include "alert/lane.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/system.h"
#include "base/text.h"
#include "base/thread.h"

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr size_t kLongestReason = 300;

uint64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

MessageQueue::Time in_ns(uint64_t ns) {
  return std::chrono::steady_clock::now() + std::chrono::nanoseconds(ns);
}

// Peers say what they like: bounded, and without control characters.
std::string for_log(const std::string& reason) {
  return one_line(std::string_view(reason).substr(0, kLongestReason));
}

std::string thread_name(std::string_view sink) {
  sink = sink.substr(sink.rfind('.') == std::string_view::npos ? 0 : sink.rfind('.') + 1);
  return "gyr:" + std::string(sink.substr(0, 11));
}

}  // namespace

Lane::Lane(std::unique_ptr<Sink> sink, const LaneSettings& settings, const LaneContext& context)
    : name_(sink->name()),
      settings_(settings),
      context_(context),
      sink_(std::move(sink)),
      queue_(context.queue_alerts, settings.queue_bytes),
      retry_(settings.retry, std::random_device{}()) {
  port_.logger = context.logger;
  port_.finish_timeout_ms = context.finish_timeout_ms;
}

Result<std::shared_ptr<Lane>> Lane::start(std::unique_ptr<Sink> sink, const LaneSettings& settings,
                                          const LaneContext& context) {
  std::shared_ptr<Lane> lane(new Lane(std::move(sink), settings, context));
  if (Result<void> opened = lane->open(); !opened) return opened.error();
  if (!settings.spool_folder.empty()) {
    auto spool = Spool::open(settings.spool_folder, settings.spool_bytes);
    if (!spool) return Error{lane->name_ + ": " + spool.error().message};
    lane->spool_ = *std::move(spool);
    lane->note_spool();
  }
  auto thread = start_thread([lane] { lane->run(); });
  if (!thread) return Error{lane->name_ + ": " + thread.error().message};
  lane->thread_ = *std::move(thread);
  return lane;
}

Result<void> Lane::check(Sink& sink, const LaneSettings& settings) {
  if (Result<void> good = sink.check(); !good || settings.spool_folder.empty()) return good;
  Result<void> spool = Spool::check(settings.spool_folder);
  if (spool) return spool;
  return Error{fmt::format("{}: {}", sink.name(), spool.error().message)};
}

// In a thread of its own where a library takes what it is allowed to do from that.
Result<void> Lane::open() {
  if (!sink_->starts_threads()) return sink_->open(port_);
  Result<void> opened;
  const auto limited = [&] {
    const auto what = allowed();
    if (what) {
      if (auto confined = confine_thread(thread_name(name_).c_str(), *what); !confined) {
        say_not_limited(confined.error());
      }
    }
    opened = sink_->open(port_);
  };
  auto thread = start_thread(limited);
  if (!thread) return Error{name_ + ": " + thread.error().message};
  thread->join();
  return opened;
}

void Lane::say_not_limited(const Error& error) const {
  context_.logger->warn("{}: {}", name_, error.message);
}

std::optional<Allowed> Lane::allowed() const {
  std::optional<Allowed> allowed = sink_->allowed();
  if (!allowed || settings_.spool_folder.empty()) return allowed;
  allowed->read.push_back(settings_.spool_folder);
  allowed->write.push_back(settings_.spool_folder);
  allowed->capabilities = allowed->capabilities | needed_to_write_in({settings_.spool_folder});
  return allowed;
}

void Lane::run() {
  const std::string thread = thread_name(name_);
  if (allowed()) {
    bool again = false;
    run_confined(
        thread.c_str(), [this] { return *allowed(); },
        [this](const Error& error) { say_not_limited(error); },
        [&](AllowedFiles& files) {
          if (std::exchange(again, true)) sink_->reopen();
          return work(&files);
        });
  } else {
    pthread_setname_np(pthread_self(), thread.c_str());
    AllowedFiles none;
    while (!work(&none)) {
    }
  }
  {
    const std::lock_guard lock(done_mutex_);
    done_ = true;
  }
  done_changed_.notify_all();
}

// False when a new sandbox is needed, with what is to be sent still there.
bool Lane::work(AllowedFiles* files) {
  files_ = files;
  bool replaced = false;
  while (step()) {
    if (std::exchange(replaced_, false)) {
      replaced = true;
      break;
    }
  }
  if (replaced) return false;
  tell_refusals(UINT64_MAX);
  sink_->close();
  return true;
}

// False at the end.
bool Lane::step() {
  if (deadline_ns_ == 0 && queue_.is_closed()) begin_end();
  if (untold_ > 0) tell_refusals(now_ns());
  if (abandoned_ || reader_gone_) {
    give_up_rest();
    return !queue_.is_closed();
  }
  if (spool_ && !spool_->empty()) {
    move_to_spool();
    if (retry_.is_due(now_ns())) {
      if ((replaced_ = files_->replaced())) return true;
      send_spooled();
    } else {
      wait_for_retry();
    }
    return true;
  }
  if (batch_.empty()) take_batch();
  if (batch_.empty()) return !queue_.is_closed() || queue_.size() > 0;
  if (retry_.is_due(now_ns())) {
    if ((replaced_ = files_->replaced())) return true;
    send_batch();
  } else {
    wait_for_retry();
  }
  return true;
}

void Lane::begin_end() {
  deadline_ns_ = now_ns() + context_.finish_timeout_ms * kMillisecond;
  retry_.hurry();
}

size_t Lane::batch_alerts() const {
  if (singly_ > 0) return 1;
  return sink_->limits().alerts;
}

void Lane::take_batch() {
  const BatchLimits limits = sink_->limits();
  const size_t alerts = context_.buffered || limits.always ? batch_alerts() : 1;
  if (queue_.size() == 0 && !queue_.is_closed()) {
    const uint64_t idle = sink_->idle_ms();
    // Nothing more may come, and there is still a sum to tell.
    const uint64_t pause = idle == 0 && untold_ > 0 ? context_.refusals_pause_ms : idle;
    queue_.wait_message(pause > 0 ? std::optional(in_ns(pause * kMillisecond)) : std::nullopt);
    if (reopen_.exchange(false)) sink_->reopen();
    if (idle > 0 && queue_.size() == 0) sink_->idle();
  }
  if (limits.wait_ms > 0 && queue_.size() > 0) {
    const auto full = in_ns(limits.wait_ms * kMillisecond);
    while (queue_.size() < alerts && !queue_.is_closed() && !reopen_ &&
           std::chrono::steady_clock::now() < full) {
      queue_.wait_time(std::min(full, in_ns(10 * kMillisecond)));
    }
  }
  queue_.take(alerts, &batch_);
  in_flight_ = batch_.size();
}

void Lane::wait_for_retry() {
  const uint64_t now = now_ns();
  const uint64_t next = retry_.next_ns();
  if (next <= now) return;
  const auto until = in_ns(next - now);
  // With a spool alerts are put to safety as they come.
  if (spool_ && !spool_refuses_) {
    queue_.wait_message(until);
  } else {
    queue_.wait_time(until);
  }
}

// From memory to disk; what does not fit stays in memory, in order.
void Lane::move_to_spool() {
  for (;;) {
    if (batch_.empty()) {
      queue_.take(BatchLimits{}.alerts, &batch_);
      in_flight_ = batch_.size();
    }
    if (batch_.empty() || !spool_batch()) return;
  }
}

bool Lane::spool_batch() {
  size_t stored = 0;
  Spool::Appended appended = Spool::Appended::Yes;
  for (const QueuedMessage& item : batch_) {
    appended = spool_->append({.line = item.message->line(settings_.form),
                               .id = item.message->id(),
                               .priority = item.message->alert().priority});
    if (appended != Spool::Appended::Yes) break;
    ++stored;
  }
  spooled_ += stored;
  drop_front(stored);
  spool_->sync(now_ns());
  note_spool();
  const bool refuses = appended != Spool::Appended::Yes;
  if (refuses && !spool_refuses_.exchange(true)) {
    context_.logger->error("{}: {}; further alerts wait in memory", name_, spool_->reason());
  }
  if (!refuses) spool_refuses_ = false;
  return !refuses;
}

SinkResult Lane::attempt(std::span<const Outgoing> batch) {
  if (reopen_.exchange(false)) sink_->reopen();
  attempt_since_ns_ = now_ns();
  SinkResult result = sink_->send(batch);
  attempt_since_ns_ = 0;
  return result;
}

void Lane::send_batch() {
  std::vector<Outgoing> outgoing;
  const BatchLimits limits = sink_->limits();
  size_t bytes = 0;
  for (const QueuedMessage& item : batch_) {
    const std::string& line = item.message->line(settings_.form);
    bytes += line.size();
    if (!outgoing.empty() && (bytes > limits.bytes || outgoing.size() >= batch_alerts())) break;
    outgoing.push_back({.line = line,
                        .id = item.message->id(),
                        .priority = item.message->alert().priority,
                        .alert = &item.message->alert()});
  }
  const SinkResult result = attempt(outgoing);
  settle(result, outgoing.size());
  const size_t accepted = result.status == SinkStatus::Ok ? outgoing.size() : result.accepted;
  drop_front(accepted);
  if (result.status == SinkStatus::Refused) {
    if (outgoing.size() - accepted <= 1) {
      lose_front(1, AlertLoss::Refused);
    } else {
      singly_ = outgoing.size() - accepted;
    }
  } else if (result.status == SinkStatus::Closed) {
    lose_front(outgoing.size() - accepted, AlertLoss::Refused);
  } else if (result.status == SinkStatus::Failed) {
    if (spool_) {
      move_to_spool();
    } else {
      lose_expired();
    }
  }
}

void Lane::send_spooled() {
  BatchLimits limits = sink_->limits();
  limits.alerts = batch_alerts();
  const std::vector<Spool::Entry>& entries = spool_->peek(limits);
  std::vector<Outgoing> outgoing;
  outgoing.reserve(entries.size());
  for (const Spool::Entry& entry : entries) {
    outgoing.push_back({.line = entry.line, .id = entry.id, .priority = entry.priority});
  }
  if (!outgoing.empty()) {
    const SinkResult result = attempt(outgoing);
    settle(result, outgoing.size());
    size_t done = result.status == SinkStatus::Ok ? outgoing.size() : result.accepted;
    const size_t rest = outgoing.size() - done;
    const bool refused = result.status == SinkStatus::Refused;
    if (refused && rest <= 1) {
      port_.count_lost(AlertLoss::Refused, rest);
      done = outgoing.size();
    }
    spool_->drop(done);
    singly_ -= std::min(singly_, done);
    // Of those that are left: what was accepted is no part of them.
    if (refused && rest > 1) singly_ = rest;
    if (done > 0) spool_refuses_ = false;
  }
  note_spool();
}

void Lane::note_spool() {
  in_spool_ = spool_->alerts();
  spool_bytes_ = spool_->bytes();
  const uint64_t damaged = spool_->take_damaged();
  if (damaged == 0) return;
  port_.count_lost(AlertLoss::Damaged, damaged);
  context_.logger->error("{}: {} damaged places in the spool {} were skipped", name_, damaged,
                         settings_.spool_folder);
}

// Counts what an attempt brought, and plans the next.
void Lane::settle(const SinkResult& result, size_t attempted) {
  const size_t accepted = result.status == SinkStatus::Ok ? attempted : result.accepted;
  retried_ += std::min(tried_, attempted);
  tried_ = 0;
  if (accepted > 0 || result.status == SinkStatus::Ok) {
    note_success(accepted - std::min<uint64_t>(accepted, result.given_up));
  }
  switch (result.status) {
    case SinkStatus::Ok:
      retry_.succeeded();
      break;
    case SinkStatus::Busy:
      note_busy();
      break;
    case SinkStatus::Failed:
      tried_ = attempted - accepted;
      note_failure(result);
      break;
    case SinkStatus::Refused:
      retry_.succeeded();  // it is there, and answers
      if (attempted - accepted <= 1) note_refusal(result.reason);
      break;
    case SinkStatus::Closed:
      reader_gone_ = true;
      context_.reader_gone->store(true);
      break;
  }
}

void Lane::note_success(size_t count) {
  if (!healthy_.exchange(true)) context_.logger->warn("{} works again", name_);
  sent_ += count;
  if (count > 0) last_success_ns_ = system_clock().now_ns();
  busy_since_ns_ = 0;
  said_blocked_ = false;
}

void Lane::note_failure(const SinkResult& result) {
  const uint64_t now = now_ns();
  retry_.failed(now, result.retry_after_ms, result.timed_out);
  if (healthy_.exchange(false)) {
    const bool keeps = spool_ != nullptr || settings_.retry.give_up_ms > 0;
    context_.logger->error("{}; {}", for_log(result.reason),
                           keeps ? "alerts wait until it works again"
                                 : "alerts for it are lost and counted until it works");
  }
  if (deadline_ns_ != 0 && now >= deadline_ns_) abandoned_ = true;
}

// A peer may refuse every alert: a line for each would fill the log. The first is told at once, the
// others in sums.
void Lane::note_refusal(const std::string& reason) {
  const uint64_t now = now_ns();
  if (untold_ == 0 && now >= next_told_ns_) {
    context_.logger->error("{}; this alert is lost", for_log(reason));
    next_told_ns_ = now + context_.refusals_pause_ms * kMillisecond;
    return;
  }
  ++untold_;
  untold_reason_ = for_log(reason);
  tell_refusals(now);
}

void Lane::tell_refusals(uint64_t now) {
  if (untold_ == 0 || now < next_told_ns_) return;
  context_.logger->error("{}; that was the last of {} more alerts that were refused and are lost",
                         untold_reason_, untold_);
  untold_ = 0;
  next_told_ns_ = now + context_.refusals_pause_ms * kMillisecond;
}

void Lane::note_busy() {
  const uint64_t now = now_ns();
  if (busy_since_ns_ == 0) busy_since_ns_ = now;
  const uint64_t limit = context_.blocked_after_ms * kMillisecond;
  if (said_blocked_ || limit == 0 || now - busy_since_ns_ < limit) return;
  said_blocked_ = true;
  healthy_ = false;
  say_blocked();
}

void Lane::drop_front(size_t count) {
  count = std::min(count, batch_.size());
  if (count == 0) return;
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += batch_[i].message->weight();
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(count));
  in_flight_ = batch_.size();
  singly_ -= std::min(singly_, count);
  queue_.release(bytes);
}

void Lane::lose_front(size_t count, AlertLoss reason) {
  count = std::min(count, batch_.size());
  port_.count_lost(reason, count);
  drop_front(count);
}

// A failing output, and nothing to keep alerts in but memory.
void Lane::lose_expired() {
  const uint64_t now = now_ns();
  size_t expired = 0;
  while (expired < batch_.size() && retry_.gives_up(now, batch_[expired].since_ns)) ++expired;
  lose_front(expired, AlertLoss::Expired);
  tried_ = std::min(tried_, batch_.size());
  const uint64_t age = settings_.retry.give_up_ms * kMillisecond;
  // The first failure of an output that was merely slow must not cost all that waited for it.
  if (retry_.gives_up_by_time(now, now - std::min(now, age))) {
    port_.count_lost(AlertLoss::Expired, queue_.drop_older(now - std::min(now, age)));
  }
  retry_.forget_timeouts_if_exceeded();
}

// The disk may hang, so the spool is written to without the lock for which join_or_leave() waits.
// That one counts what it finds in the queue and in flight as lost once it leaves this thread
// behind; under the lock alerts change their place and are counted, so each is counted once. What
// the disk takes nevertheless is told as lost and arrives after the next start: better than the
// other way round. Whatever is used here lives as long as this thread, which holds the lane.
void Lane::give_up_rest() {
  while (take_rest()) {
    if (spool_ && spool_batch()) continue;
    const std::lock_guard lock(done_mutex_);
    if (left_behind_) return;
    lose_front(batch_.size(), spool_ ? AlertLoss::SpoolFull : AlertLoss::Unfinished);
  }
  if (!queue_.is_closed()) queue_.wait_message(in_ns(100 * kMillisecond));
}

// False when there is nothing more, or when somebody else has counted it.
bool Lane::take_rest() {
  const std::lock_guard lock(done_mutex_);
  if (left_behind_) return false;
  if (batch_.empty()) {
    queue_.take(BatchLimits{}.alerts, &batch_);
    in_flight_ = batch_.size();
  }
  return !batch_.empty();
}

void Lane::count_no_room() {
  port_.count_lost(spool_refuses_ ? AlertLoss::SpoolFull : AlertLoss::QueueFull, 1);
  if (no_room_.fetch_add(1) == 0 && !reader_gone_) {
    context_.logger->error("{}: its queue is full, alerts are lost and counted", name_);
  }
}

// The lane's own thread cannot say that it is stuck.
void Lane::watch(uint64_t now) {
  const uint64_t since = attempt_since_ns_.load(std::memory_order_relaxed);
  const uint64_t limit = context_.blocked_after_ms * kMillisecond;
  if (since == 0 || limit == 0 || now < since + limit) return;
  if (healthy_.exchange(false)) say_blocked();
}

void Lane::say_blocked() const {
  context_.logger->critical("{} has been blocked for {} ms; alerts for it wait", name_,
                            context_.blocked_after_ms);
}

void Lane::reopen() {
  reopen_ = true;
  queue_.poke();
}

bool Lane::wait_done(uint64_t timeout_ms) {
  std::unique_lock lock(done_mutex_);
  return done_changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return done_; });
}

void Lane::abandon() {
  abandoned_ = true;
  port_.ending = true;
  queue_.poke();
}

void Lane::join_or_leave(uint64_t timeout_ms) {
  if (wait_done(timeout_ms)) {
    thread_.join();
    return;
  }
  uint64_t left = 0;
  {
    const std::lock_guard lock(done_mutex_);
    left_behind_ = true;
    left = queue_.size() + in_flight_;
    port_.count_lost(AlertLoss::Unfinished, left);
  }
  context_.logger->error("{} is blocked: {} alerts were not delivered", name_, left);
  thread_.detach();
}

OutputCounters Lane::counters() const {
  OutputCounters now;
  now.name = name_;
  now.sent = sent_;
  now.retried = retried_;
  now.spooled = spooled_;
  for (size_t i = 0; i < kAlertLosses; ++i) now.lost[i] = port_.lost[i];
  now.queued = queue_.size() + in_flight_;
  now.queued_bytes = queue_.held_bytes();
  now.in_spool = in_spool_;
  now.spool_bytes = spool_bytes_;
  now.healthy = healthy_;
  now.last_success_ns = last_success_ns_;
  return now;
}

}  // namespace gyr
