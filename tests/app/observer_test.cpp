// SPDX-License-Identifier: Apache-2.0
// The pages and snapshots of a running engine, whose source can be made to hang.
#include "app/observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <string>
#include <thread>

#include "engine/collecting_sink.h"
#include "engine/fake_source.h"
#include "field/fields.h"
#include "rules/loader.h"
#include "web/client.h"

namespace gyr::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr std::string_view kRules =
    "- {rule: opened, desc: d, condition: evt.type = open, output: x, priority: INFO}\n";

// A sink that never takes anything again once it is blocked.
class BlockedSink final : public Sink {
 public:
  explicit BlockedSink(std::shared_future<void> gate) : gate_(std::move(gate)) {}
  std::string_view name() const override { return "blocked"; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing>) override {
    gate_.wait();
    return {};
  }

 private:
  std::shared_future<void> gate_;
};

class ObserverTest : public testing::Test {
 protected:
  void SetUp() override {
    settings.web = WebSettings{.address = "127.0.0.1", .port = 0};
    settings.metrics_page = true;
    settings.stall_ns = 200 * kMillisecond;
    settings.identity.engine = "modern_bpf";
    source.set_live();
    source.add_open(7, 1'000'000'000, "/x");
    source.repeat_idle();
    source.on_idle = [this] {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, std::chrono::milliseconds(1));
      changed.wait(lock, [this] { return !hangs; });
    };
  }
  void TearDown() override { finish(); }

  // The engine runs on a thread of its own from now on.
  void run() {
    LoadSettings load;
    load.dialect = {.fields = all_fields(), .event_types = kEventCount};
    const RuleSource text{"test.yaml", std::string(kRules)};
    ruleset = load_rules(std::span(&text, 1), load).ruleset;
    ASSERT_TRUE(outputs.add(std::make_unique<CollectingSink>(seen)));
    auto started = Observer::start(settings, outputs, null_logger());
    ASSERT_TRUE(started) << started.error().message;
    observer = *std::move(started);
    thread = std::thread([this] {
      EngineSetup setup;
      setup.between_events = [this] { observer->between_events(); };
      Engine engine(
          std::move(setup), prepare_rules(ruleset, {}),
          {.source = source, .outputs = outputs, .clock = system_clock(), .logger = null_logger()});
      EXPECT_TRUE(engine.open());
      observer->attach({.engine = &engine, .source = &source, .rules = engine.rule_count()});
      observer->begin();
      EXPECT_EQ(engine.run(stop), RunEnd::Stopped);
      observer->detach();
    });
  }
  void finish() {
    hang(false);
    stop = true;
    if (thread.joinable()) thread.join();
  }
  void hang(bool yes) {
    {
      const std::lock_guard lock(mutex);
      hangs = yes;
    }
    changed.notify_all();
  }
  std::string page(std::string_view path) const { return ask(observer->port(), path); }
  // Asks until the answer begins so. The test's own time limit ends what never comes.
  std::string page_until(std::string_view path, std::string_view status) const {
    for (;;) {
      std::string answer = page(path);
      if (answer.starts_with("HTTP/1.1 " + std::string(status))) return answer;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  ObserverSettings settings;
  FakeSource source;
  std::shared_ptr<CollectingSink::Seen> seen = std::make_shared<CollectingSink::Seen>();
  Outputs outputs{{}, null_logger()};
  std::shared_ptr<const Ruleset> ruleset;
  std::unique_ptr<Observer> observer;
  std::mutex mutex;
  std::condition_variable changed;
  bool hangs = false;
  std::atomic<bool> stop{false};
  std::thread thread;
};

TEST_F(ObserverTest, AnIdleHostIsHealthyAndReady) {
  run();
  page_until("/healthz", "200");
  EXPECT_THAT(page("/healthz"), HasSubstr("\r\n\r\n{\"status\": \"ok\"}"));
  const std::string ready = page("/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ready, HasSubstr("\"rules\":1"));
  EXPECT_THAT(ready, HasSubstr("\"name\":\"collecting\""));
  EXPECT_THAT(page("/versions"), HasSubstr("\"engine_version\""));
  EXPECT_THAT(page("/metrics"), HasSubstr("\ngyr_rule_matched_total{rule_name=\"opened\"} 1\n"));
}

TEST_F(ObserverTest, ALoopThatStandsStillIsNotHealthyUntilItMoves) {
  run();
  page_until("/healthz", "200");
  hang(true);
  const std::string sick = page_until("/healthz", "503");
  EXPECT_THAT(sick, HasSubstr("the event loop has not moved for"));
  EXPECT_THAT(page("/readyz"), StartsWith("HTTP/1.1 503 "));
  // What is known is still told, with its age.
  EXPECT_THAT(page("/versions"), StartsWith("HTTP/1.1 200 "));
  hang(false);
  page_until("/healthz", "200");
  EXPECT_THAT(page("/metrics"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ObserverTest, OldMetricsAreToldWhenTheLoopStandsStill) {
  run();
  page_until("/healthz", "200");
  EXPECT_THAT(page("/metrics"), StartsWith("HTTP/1.1 200 "));
  hang(true);
  page_until("/healthz", "503");
  const std::string old = page("/metrics");
  EXPECT_THAT(old, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(old, HasSubstr("\ngyr_event_loop_silent_seconds "));
}

// A restart would lose the state and help nobody.
TEST_F(ObserverTest, ABlockedOutputNeverFailsHealth) {
  std::promise<void> open;
  ASSERT_TRUE(outputs.add(std::make_unique<BlockedSink>(open.get_future().share())));
  run();
  page_until("/healthz", "200");
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(page("/healthz"), StartsWith("HTTP/1.1 200 "));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(page("/readyz"), HasSubstr("\"name\":\"blocked\",\"healthy\":true,\"sent\":0"));
  open.set_value();
}

TEST_F(ObserverTest, BeforeAndAfterTheRunItIsNotHealthy) {
  auto started = Observer::start(settings, outputs, null_logger());
  ASSERT_TRUE(started);
  observer = *std::move(started);
  EXPECT_THAT(page("/healthz"), HasSubstr("\"reason\": \"starting\""));
  EXPECT_THAT(page("/metrics"), StartsWith("HTTP/1.1 503 "));
  observer->attach({.rules = 1});
  observer->begin();
  EXPECT_THAT(page("/healthz"), StartsWith("HTTP/1.1 200 "));
  observer->detach();
  EXPECT_THAT(page("/healthz"), HasSubstr("\"reason\": \"ending\""));
}

TEST_F(ObserverTest, SnapshotsGoToTheOutputsAndTheFile) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                     ("gyr_observer_test." + std::to_string(getpid()) + ".jsonl");
  settings.metrics.output_rule = true;
  settings.metrics.output_file = file;
  settings.interval_ns = 20 * kMillisecond;
  run();
  const auto snapshots = [this] {
    const std::lock_guard lock(seen->mutex);
    std::vector<Alert> found;
    for (const Alert& alert : seen->alerts) {
      if (alert.rule == "Falco internal: metrics snapshot") found.push_back(alert);
    }
    return found;
  };
  while (snapshots().size() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  finish();
  observer.reset();
  const Alert told = snapshots()[1];
  EXPECT_EQ(told.priority, Priority::Informational);
  EXPECT_EQ(told.source, "internal");
  EXPECT_EQ(told.message, "Falco metrics snapshot");
  EXPECT_TRUE(told.is_internal);
  EXPECT_EQ(told.fields.at("falco.num_evts"), AlertValue{uint64_t{1}});
  EXPECT_EQ(told.fields.at("falco.num_evts_prev"), AlertValue{uint64_t{1}});
  EXPECT_EQ(told.fields.at("falco.rules.opened"), AlertValue{uint64_t{1}});
  std::ifstream lines(file);
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_THAT(line, StartsWith("{\"sample\":" + std::to_string(++count) +
                                 ",\"output_fields\":{\"evt.hostname\":"));
  }
  EXPECT_GE(count, 3);
  std::filesystem::remove(file);
}

// A pause costs the snapshots that were due in it; the next is due when it always was.
TEST_F(ObserverTest, SnapshotsThatWereMissedAreNotMadeUpFor) {
  settings.web.reset();
  settings.metrics.output_rule = true;
  settings.interval_ns = 100 * kMillisecond;
  ASSERT_TRUE(outputs.add(std::make_unique<CollectingSink>(seen)));
  auto started = Observer::start(settings, outputs, null_logger());
  ASSERT_TRUE(started);
  (*started)->attach({.rules = 1});
  const uint64_t before_begin = clock_ns(CLOCK_MONOTONIC);
  (*started)->begin();
  const uint64_t begun = clock_ns(CLOCK_MONOTONIC);
  std::this_thread::sleep_for(std::chrono::milliseconds(325));
  const uint64_t first = (clock_ns(CLOCK_MONOTONIC) - begun) / settings.interval_ns;
  (*started)->between_events();
  (*started)->between_events();
  const uint64_t last = (clock_ns(CLOCK_MONOTONIC) - before_begin) / settings.interval_ns;
  outputs.finish();
  const std::lock_guard lock(seen->mutex);
  EXPECT_GE(seen->alerts.size(), 1u);
  // On a machine that is not too busy both are the same interval.
  EXPECT_LE(seen->alerts.size(), last - first + 1);
}

TEST_F(ObserverTest, AFileThatCannotBeWrittenEndsTheStart) {
  settings.web.reset();
  settings.metrics.output_file = "/nowhere/at/all.jsonl";
  settings.interval_ns = kMillisecond;
  const auto started = Observer::start(settings, outputs, null_logger());
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message,
              HasSubstr("metrics.output_file: cannot open /nowhere/at/all.jsonl"));
}

}  // namespace
}  // namespace gyr::app
