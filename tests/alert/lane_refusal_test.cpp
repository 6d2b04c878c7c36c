// SPDX-License-Identifier: Apache-2.0
// Peers that refuse alerts for good: what is sent again, and what the log says of it.
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "alert/alert_fixtures.h"
#include "alert/spool.h"

namespace gyr {
namespace {

struct Attempts {
  std::mutex mutex;
  std::vector<size_t> sizes;
  std::vector<std::string> taken;
};

// Takes what stands before an alert that it refuses, as Kafka and NATS do.
class PickySink final : public Sink {
 public:
  PickySink(std::set<std::string> refused, std::shared_ptr<Attempts> attempts)
      : refused_(std::move(refused)), attempts_(std::move(attempts)) {}
  std::string_view name() const override { return "picky"; }
  BatchLimits limits() const override { return {.always = true}; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing> batch) override {
    const std::lock_guard lock(attempts_->mutex);
    attempts_->sizes.push_back(batch.size());
    for (size_t i = 0; i < batch.size(); ++i) {
      if (refused_.empty() || refused_.contains(std::string(batch[i].id))) {
        return {.status = SinkStatus::Refused, .accepted = i, .reason = "picky: no"};
      }
      attempts_->taken.emplace_back(batch[i].id);
    }
    return {};
  }

 private:
  const std::set<std::string> refused_;  // none: all
  const std::shared_ptr<Attempts> attempts_;
};

class Lines final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // How many say so.
  size_t with(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return static_cast<size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    lines_.emplace_back(message.payload.data(), message.payload.size());
  }
  void flush_() override {}
  std::vector<std::string> lines_;
};

TEST(LaneRefusal, WhatComesFromTheSpoolGoesOneByOneAfterARefusal) {
  TempFolder folder;
  {
    auto spool = Spool::open(folder / "s", 1u << 20);
    ASSERT_TRUE(spool) << spool.error().message;
    for (int i = 0; i < 10; ++i) {
      const std::string id = test_id(i);
      ASSERT_EQ((*spool)->append({.line = "x", .id = id}), Spool::Appended::Yes);
    }
  }
  auto attempts = std::make_shared<Attempts>();
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<PickySink>(std::set{test_id(5)}, attempts),
                          {.retry = quick_retry(), .spool_folder = folder / "s"}));
  outputs.finish();
  EXPECT_EQ(attempts->sizes, (std::vector<size_t>{10, 1, 1, 1, 1, 1}));
  std::vector<std::string> wanted;
  for (const int i : {0, 1, 2, 3, 4, 6, 7, 8, 9}) wanted.push_back(test_id(i));
  EXPECT_EQ(attempts->taken, wanted);
  EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::Refused), 1u);
}

struct Refusing {
  explicit Refusing(uint64_t pause_ms) {
    LaneContext context;
    context.logger = std::make_shared<spdlog::logger>("", lines);
    context.refusals_pause_ms = pause_ms;
    context.reader_gone = std::make_shared<std::atomic<bool>>(false);
    auto started = Lane::start(
        std::make_unique<PickySink>(std::set<std::string>(), std::make_shared<Attempts>()),
        {.wants_ids = true}, context);
    EXPECT_TRUE(started);
    lane = *std::move(started);
  }
  ~Refusing() { finish(); }
  void send(int alerts) {
    for (int i = 0; i < alerts; ++i) {
      const AlertPtr alert = test_alert(i);
      EXPECT_TRUE(
          lane->try_push({.message = std::make_shared<Message>(alert, AlertFormat{}, test_id(i))}));
    }
  }
  uint64_t refused() const { return lane->counters().lost_for(AlertLoss::Refused); }
  void finish() {
    if (lane == nullptr) return;
    lane->close();
    while (!lane->wait_done(1000)) {
    }
    lane->join_or_leave(1000);
    lane.reset();
  }

  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  std::shared_ptr<Lane> lane;
};

TEST(LaneRefusal, OfManyTheFirstIsToldAndThenTheirNumber) {
  Refusing refusing(600'000);
  refusing.send(500);
  wait_until([&] { return refusing.refused() == 500; });
  EXPECT_EQ(refusing.lines->with("picky: no"), 1u);
  EXPECT_EQ(refusing.lines->with("picky: no; this alert is lost"), 1u);
  refusing.finish();
  EXPECT_EQ(refusing.lines->with("picky: no; that was the last of 499 more alerts"), 1u);
  EXPECT_EQ(refusing.lines->with("picky: no"), 2u);
}

TEST(LaneRefusal, TheirNumberIsToldAlsoWhenNothingMoreComes) {
  Refusing refusing(200);
  refusing.send(3);
  wait_until([&] { return refusing.lines->with("more alerts that were refused") > 0; });
  EXPECT_EQ(refusing.refused(), 3u);
}

}  // namespace
}  // namespace gyr
