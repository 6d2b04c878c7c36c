// SPDX-License-Identifier: Apache-2.0
// Lost events and silent sources: what syscall_event_drops and syscall_event_timeouts make of them.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "engine/collecting_sink.h"
#include "engine/drop_monitor.h"
#include "engine/engine.h"
#include "engine/fake_source.h"
#include "engine/silence.h"
#include "field/fields.h"
#include "rules/loader.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

SourceCounters lost(uint64_t seen, uint64_t full, Sc call = Sc::OPENAT) {
  SourceCounters counters;
  counters.seen = seen;
  counters.lost_ring_full = full;
  if (full > 0)
    counters.losses = {{.cpu = 0, .call = call, .reason = LossReason::RingFull, .count = full}};
  return counters;
}

TEST(DropMonitor, IsDueOnceASecondOfAClockThatGoesForward) {
  DropMonitor monitor({});
  EXPECT_FALSE(monitor.is_due(5 * kSecond));  // a second begins
  EXPECT_FALSE(monitor.is_due(6 * kSecond));
  EXPECT_TRUE(monitor.is_due(6 * kSecond + 1));
  EXPECT_FALSE(monitor.is_due(6 * kSecond + 2));
  EXPECT_FALSE(monitor.is_due(1 * kSecond)) << "a step back begins a new second";
  EXPECT_FALSE(monitor.is_due(2 * kSecond));
  EXPECT_TRUE(monitor.is_due(2 * kSecond + 1));
}

TEST(DropMonitor, ActsAboveTheThresholdAsOftenAsItsRateAllows) {
  DropMonitor monitor({.threshold = 0.1, .rate = 0.5, .max_burst = 2});
  EXPECT_FALSE(monitor.look(1 * kSecond, lost(1000, 0)));
  EXPECT_FALSE(monitor.look(2 * kSecond, lost(2000, 100))) << "a tenth is not more than that";
  const auto report = monitor.look(3 * kSecond, lost(3000, 201));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->events, 1000u);
  EXPECT_EQ(report->total, 101u);
  EXPECT_EQ(report->of(LossKind::Open), 101u);
  EXPECT_TRUE(monitor.look(4 * kSecond, lost(3100, 301)));
  EXPECT_TRUE(monitor.look(5 * kSecond, lost(3200, 401)));
  EXPECT_FALSE(monitor.look(6 * kSecond, lost(3300, 501)));
  EXPECT_EQ(monitor.occurrences(), 4u);
  EXPECT_EQ(monitor.actions(), 3u);
  EXPECT_EQ(monitor.text(), "event drop detected: 4 occurrences; num times actions taken: 3");
}

TEST(DropMonitor, LossesWithoutAnyEventAreTooMuch) {
  DropMonitor monitor({.threshold = 1, .rate = 1, .max_burst = 9});
  SourceCounters missed;
  missed.missed = 4;
  EXPECT_FALSE(monitor.look(kSecond, missed)) << "all of them, but not more than that";
  DropMonitor usual({.threshold = 0.1, .rate = 1, .max_burst = 9});
  EXPECT_TRUE(usual.look(kSecond, missed));
}

TEST(DropMonitor, SummaryTellsWhatWasLostAsTheReferenceDoes) {
  struct Case {
    Sc call;
    LossKind kind;
  };
  const Case cases[] = {{Sc::CLONE3, LossKind::CloneFork}, {Sc::EXECVEAT, LossKind::Execve},
                        {Sc::CONNECT, LossKind::Connect},  {Sc::OPEN_BY_HANDLE_AT, LossKind::Open},
                        {Sc::UNLINKAT, LossKind::DirFile}, {Sc::PTRACE, LossKind::OtherInterest},
                        {Sc::CLOSE, LossKind::Close},      {Sc::SCHED_PROCESS_EXIT, LossKind::Proc},
                        {Sc::READ, LossKind::Other},       {Sc::GETPID, LossKind::Other}};
  for (const Case& c : cases) {
    const LossSummary sum = summarise_losses(lost(10, 3, c.call));
    EXPECT_EQ(sum.of(c.kind), 3u) << loss_kind_name(c.kind);
    EXPECT_EQ(sum.buffer, 3u);
  }
  SourceCounters counters;
  counters.missed = 5;
  counters.lost_other = 6;
  counters.losses = {{0, Sc::READ, LossReason::TooBig, 2}, {1, Sc::READ, LossReason::Nested, 4}};
  const LossSummary sum = summarise_losses(counters);
  EXPECT_EQ(sum.total, 11u);
  EXPECT_EQ(sum.buffer, 0u);
  EXPECT_EQ(sum.too_big, 2u);
  EXPECT_EQ(sum.bug, 9u);
}

TEST(Silence, IsToldOnceEach) {
  Silence silence(3);
  EXPECT_FALSE(silence.note(0));
  EXPECT_FALSE(silence.note(0));
  EXPECT_TRUE(silence.note(0));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(silence.note(0));
  EXPECT_FALSE(silence.note(7)) << "an event has come";
  EXPECT_FALSE(silence.note(7));
  EXPECT_TRUE(silence.note(7));
  Silence never(0);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(never.note(0));
}

struct World {
  std::shared_ptr<CollectingSink::Seen> seen = std::make_shared<CollectingSink::Seen>();
  FakeSource source;
  std::atomic<bool> stop{false};

  RunEnd run(EngineSetup setup) {
    LoadSettings settings;
    settings.dialect = {.fields = all_fields(), .event_types = kEventCount};
    const RuleSource text{"empty.yaml", "[]"};
    const auto ruleset = load_rules(std::span(&text, 1), settings).ruleset;
    Outputs outputs({.wait_when_full = true}, null_logger());
    EXPECT_TRUE(outputs.add(std::make_unique<CollectingSink>(seen)));
    Engine engine(
        std::move(setup), prepare_rules(ruleset, {}),
        {.source = source, .outputs = outputs, .clock = system_clock(), .logger = null_logger()});
    EXPECT_TRUE(engine.open());
    const RunEnd end = engine.run(stop);
    outputs.finish();
    drops = engine.drops().text();
    return end;
  }
  std::string drops;
};

TEST(Drops, SimulatedOnesFollowTheTimeOfEvents) {
  World world;
  for (uint64_t i = 0; i < 50; ++i) world.source.add_open(7, (i + 1) * kSecond / 4, "/x");
  EngineSetup setup;
  setup.drops = {.alert = true, .rate = 0.03333, .max_burst = 3, .simulate = true};
  EXPECT_EQ(world.run(std::move(setup)), RunEnd::Finished);
  // An event each quarter of a second: more than one has passed at each fifth.
  EXPECT_EQ(world.drops, "event drop detected: 9 occurrences; num times actions taken: 3");
  ASSERT_EQ(world.seen->alerts.size(), 3u);
  const Alert& told = world.seen->alerts[0];
  EXPECT_EQ(told.rule, "Falco internal: syscall event drop");
  EXPECT_EQ(told.priority, Priority::Debug);
  EXPECT_EQ(told.source, "internal");
  EXPECT_EQ(told.fields.size(), 15u);
  EXPECT_EQ(told.fields.at("n_drops"), AlertValue{std::string("1")});
  EXPECT_EQ(told.fields.at("n_evts"), AlertValue{std::string("0")});
  EXPECT_EQ(told.fields.at("n_drops_buffer_proc_exit"), AlertValue{std::string("0")});
  EXPECT_EQ(told.fields.at("ebpf_enabled"), AlertValue{std::string("0")});
}

TEST(Drops, ExitEndsTheRun) {
  World world;
  for (uint64_t i = 0; i < 50; ++i) world.source.add_open(7, (i + 1) * kSecond, "/x");
  EngineSetup setup;
  setup.drops = {.exit = true, .simulate = true};
  EXPECT_EQ(world.run(std::move(setup)), RunEnd::TooManyLost);
  EXPECT_TRUE(world.seen->alerts.empty());
}

TEST(Drops, AReplayLosesNothingByItself) {
  World world;
  for (uint64_t i = 0; i < 50; ++i) world.source.add_open(7, (i + 1) * kSecond, "/x");
  EngineSetup setup;
  setup.drops = {.alert = true};
  EXPECT_EQ(world.run(std::move(setup)), RunEnd::Finished);
  EXPECT_EQ(world.drops, "");
}

TEST(Drops, ASilentLiveSourceIsTold) {
  World world;
  world.source.set_live();
  world.source.add_open(7, 90 * kSecond, "/x");
  world.source.repeat_idle();
  int rounds = 0;
  world.source.on_idle = [&] { world.stop = ++rounds == 100; };
  EngineSetup setup;
  setup.silent_rounds = 20;
  EXPECT_EQ(world.run(std::move(setup)), RunEnd::Stopped);
  ASSERT_EQ(world.seen->alerts.size(), 1u);
  const Alert& told = world.seen->alerts[0];
  EXPECT_EQ(told.rule, "Falco internal: timeouts notification");
  EXPECT_EQ(told.fields.at("last_event_time"), AlertValue{alert_time_text(90 * kSecond, false)});
}

}  // namespace
}  // namespace gyr
