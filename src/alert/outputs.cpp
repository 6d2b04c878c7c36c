// SPDX-License-Identifier: Apache-2.0
#include "alert/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/system.h"

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kAskPauseMs = 100;    // while waiting: whether it has become urgent
constexpr uint64_t kAbandonedMs = 1500;  // for a lane to notice that it is to end

}  // namespace

Outputs::Outputs(OutputSettings settings, Logger logger)
    : settings_(settings),
      logger_(std::move(logger)),
      reader_gone_(std::make_shared<std::atomic<bool>>(false)) {}

// Whoever wants everything delivered has called finish(): this is the way out after a failure, and
// a destination that hangs must not keep the program from ending.
Outputs::~Outputs() {
  finish([] { return true; });
}

Result<void> Outputs::add(std::unique_ptr<Sink> sink, const LaneSettings& settings) {
  const size_t wanted = settings_.queue_capacity;
  auto lane = Lane::start(std::move(sink), settings,
                          {.logger = logger_,
                           .queue_alerts = wanted == 0 ? kMaxQueue : std::min(wanted, kMaxQueue),
                           .buffered = settings_.buffered,
                           .finish_timeout_ms = settings_.finish_timeout_ms,
                           .blocked_after_ms = settings_.finish_timeout_ms,
                           .reader_gone = reader_gone_});
  if (!lane) return lane.error();
  queue_bytes_ += settings.queue_bytes;
  wants_ids_ = wants_ids_ || (*lane)->wants_ids();
  lanes_.push_back(*std::move(lane));
  return {};
}

void Outputs::send(const AlertPtr& alert, const std::function<bool()>& give_up) {
  constexpr auto kPatience = std::chrono::milliseconds(20);
  // Numbered even if no output takes this one: ids shall not depend on priorities.
  const std::string id = wants_ids_ ? numbering_.next_id(*alert) : std::string();
  QueuedMessage item;
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    if (!lane->wants(alert->priority)) continue;
    if (!item.message) {
      item = {.message = std::make_shared<Message>(alert, settings_.format, id),
              .since_ns = clock_ns(CLOCK_MONOTONIC)};
    }
    bool taken = lane->try_push(item);
    while (!taken && settings_.wait_when_full && !reader_gone() && !give_up()) {
      taken = lane->push_for(item, kPatience);
    }
    if (!taken) lane->count_no_room();
    lane->watch(item.since_ns);
  }
}

void Outputs::reopen() {
  for (const std::shared_ptr<Lane>& lane : lanes_) lane->reopen();
}

void Outputs::finish(const std::function<bool()>& hurry) {
  if (std::exchange(finished_, true)) return;
  for (const std::shared_ptr<Lane>& lane : lanes_) lane->close();
  std::optional<uint64_t> end;  // for all of them, from the first moment of hurry on
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    for (;;) {
      const bool urgent = hurry && hurry();
      const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
      lane->watch(now_ns);
      const uint64_t now = now_ns / kMillisecond;
      if (urgent && !end) end = now + settings_.finish_timeout_ms;
      const uint64_t pause = end ? std::min(kAskPauseMs, *end - std::min(*end, now)) : kAskPauseMs;
      if (lane->wait_done(pause) || (end && now >= *end)) break;
    }
  }
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    if (!lane->wait_done(0)) lane->abandon();
  }
  for (const std::shared_ptr<Lane>& lane : lanes_) lane->join_or_leave(kAbandonedMs);
  report_losses();
}

void Outputs::report_losses() const {
  for (const std::shared_ptr<Lane>& lane : lanes_) {
    if (lane->reader_gone()) continue;
    const OutputCounters c = lane->counters();
    if (c.in_spool > 0) {
      logger_->warn("{}: {} alerts wait in its spool for the next start", c.name, c.in_spool);
    }
    if (c.lost_total() == 0) continue;
    std::string reasons;
    for (size_t i = 0; i < kAlertLosses; ++i) {
      if (c.lost[i] == 0) continue;
      reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", c.lost[i], kAlertLossNames[i]);
    }
    logger_->error("{}: {} alerts delivered, {} lost ({})", c.name, c.sent, c.lost_total(),
                   reasons);
  }
}

std::vector<OutputCounters> Outputs::counters() const {
  std::vector<OutputCounters> all;
  all.reserve(lanes_.size());
  for (const std::shared_ptr<Lane>& lane : lanes_) all.push_back(lane->counters());
  return all;
}

}  // namespace gyr
