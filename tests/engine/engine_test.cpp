// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "engine/collecting_sink.h"
#include "engine/fake_source.h"
#include "field/fields.h"
#include "rules/loader.h"

namespace gyr {
namespace {

constexpr std::string_view kRules = R"(
- rule: number
  desc: d
  condition: evt.type = open
  output: "n=%evt.num file=%fd.name uid=%user.uid missing=%k8s.pod.name"
  priority: WARNING
  tags: [z, a]
- rule: secret
  desc: d
  condition: evt.type = open and fd.name = /secret
  output: "secret %proc.name %proc.aname[1]"
  priority: ERROR
)";

std::shared_ptr<const Ruleset> rules(std::string_view text = kRules) {
  LoadSettings settings;
  settings.dialect = {.fields = all_fields(), .event_types = kEventCount};
  const RuleSource source{"test.yaml", std::string(text)};
  const LoadResult result = load_rules(std::span(&source, 1), settings);
  EXPECT_TRUE(result.ok());
  return result.ruleset;
}

struct Fixture : testing::Test {
  FakeSource source;
  std::atomic<bool> stop{false};
  std::shared_ptr<CollectingSink::Seen> seen = std::make_shared<CollectingSink::Seen>();

  // `before`: what happens to the engine before it runs.
  RunEnd run(EngineSetup setup = {}, std::shared_ptr<const Ruleset> ruleset = rules(),
             RuleUse use = {}, const std::function<void(Engine&)>& before = {}) {
    Outputs outputs({.wait_when_full = true}, null_logger());
    EXPECT_TRUE(outputs.add(std::make_unique<CollectingSink>(seen)));
    Engine engine(std::move(setup), prepare_rules(std::move(ruleset), std::move(use)),
                  {source, outputs, system_clock(), null_logger()});
    EXPECT_TRUE(engine.open());
    if (before) before(engine);
    const RunEnd end = engine.run(stop);
    error = engine.error().message;
    outputs.finish();
    statistics = engine.statistics().to_text();
    events = engine.events();
    counts.clear();
    for (const Engine::RuleCount& count : engine.rule_counts()) {
      counts += fmt::format("{}: {} of {}\n", count.rule.name, count.counters.matched,
                            count.counters.evaluated);
    }
    return end;
  }
  std::string error;
  std::string statistics;
  std::string counts;  // "rule: matched of evaluated", a line each
  uint64_t events = 0;
};

TEST_F(Fixture, AlertsCarryValuesTypesAndTime) {
  source.add_open(7, 1470327477881785348, "/etc/passwd");
  EXPECT_EQ(run({.stream = {}, .alert = {.hostname = "box"}}), RunEnd::Finished);
  ASSERT_EQ(seen->alerts.size(), 1u);
  const Alert& alert = seen->alerts[0];
  EXPECT_EQ(alert.rule, "number");
  EXPECT_EQ(alert.priority, Priority::Warning);
  EXPECT_EQ(alert.tags, (std::vector<std::string>{"a", "z"}));
  EXPECT_EQ(alert.hostname, "box");
  EXPECT_EQ(alert.message.substr(0, 20), "n=1 file=/etc/passwd");
  EXPECT_EQ(alert.fields.at("evt.time"), AlertValue{int64_t{1470327477881785348}});
  EXPECT_EQ(alert.fields.at("evt.num"), AlertValue{uint64_t{1}});
  EXPECT_EQ(alert.fields.at("fd.name"), AlertValue{std::string("/etc/passwd")});
  EXPECT_EQ(alert.fields.at("k8s.pod.name"), AlertValue{});
  EXPECT_EQ(alert.fields.size(), 5u);
}

// One event in 1021 goes another way through the rules, on which they are timed.
TEST_F(Fixture, EventsWhoseRulesAreTimedMatchAsOthersDo) {
  for (uint64_t ts = 1; ts <= 3000; ++ts) source.add_open(7, ts, "/secret");
  RuleUse all;
  all.match = MatchMode::All;
  run({}, rules(), all);
  EXPECT_EQ(statistics.substr(0, statistics.find('\n')), "Events detected: 6000");
  EXPECT_EQ(seen->alerts.size(), 6000u);
}

TEST_F(Fixture, IsoTimeRenamesTheField) {
  source.add_open(7, 5, "/x");
  run({.stream = {}, .alert = {.hostname = "", .iso_8601 = true}});
  EXPECT_EQ(seen->alerts.at(0).fields.count("evt.time"), 0u);
  EXPECT_EQ(seen->alerts.at(0).fields.at("evt.time.iso8601"), AlertValue{int64_t{5}});
}

constexpr std::string_view kNewRules = R"(
- rule: secret
  desc: d
  condition: evt.type = open and fd.name = /secret
  output: "new secret"
  priority: ERROR
)";

TEST_F(Fixture, RepeatsAreLeftOutAndCounted) {
  constexpr uint64_t kSecond = 1'000'000'000;
  for (uint64_t second : {1, 2, 3, 4}) source.add_open(1, second * kSecond, "/secret");
  source.add(SourceStatus::Idle);
  source.add_open(1, 100 * kSecond, "/secret");
  source.add(SourceStatus::Idle);
  RuleUse use;
  use.limiter.limits = {{.rule = "secret", .tag = "", .window_ns = 60 * kSecond}};
  run({}, rules(kNewRules), use);
  std::vector<std::string> names;
  for (const Alert& alert : seen->alerts) names.push_back(alert.rule);
  const std::string summary = "Gyr internal: alerts suppressed";
  ASSERT_EQ(names, (std::vector<std::string>{"secret", "secret", summary}));
  const Alert& told = seen->alerts.at(2);
  EXPECT_EQ(told.priority, Priority::Error);
  EXPECT_EQ(told.fields.at("count"), AlertValue{uint64_t{3}});
  EXPECT_EQ(told.fields.at("rule"), AlertValue{std::string("secret")});
  EXPECT_NE(statistics.find("Events detected: 5"), std::string::npos) << statistics;
}

TEST_F(Fixture, ALimiterOfAnEmptyStream) {
  RuleUse use;
  use.limiter = {.limits = {{.rule = "*", .tag = "", .window_ns = 1}}, .max_per_second = 1};
  EXPECT_EQ(run({}, rules(), use), RunEnd::Finished);
  EXPECT_TRUE(seen->alerts.empty());
}

TEST_F(Fixture, OfferedRulesAreTakenBetweenTwoEvents) {
  source.add_open(1, 7, "/secret");
  source.add(SourceStatus::Idle);
  source.add_open(1, 9, "/secret");
  source.add_open(1, 11, "/other");
  RuleUse use;
  use.collection.syscalls = {Sc::OPEN};
  run({}, rules(), {}, [&](Engine& engine) {
    engine.offer(prepare_rules(rules(), {}));
    engine.offer(prepare_rules(rules(kNewRules), use));  // nobody saw the one before
  });
  ASSERT_EQ(seen->alerts.size(), 2u);
  EXPECT_EQ(seen->alerts[0].rule, "number");
  EXPECT_EQ(seen->alerts[1].rule, "secret");
  EXPECT_EQ(seen->alerts[1].message, "new secret");
  ASSERT_EQ(source.collected.size(), 1u);
  EXPECT_EQ(source.collected[0].syscalls, std::vector<Sc>{Sc::OPEN});
  EXPECT_EQ(source.snapshots, 1);
  EXPECT_NE(statistics.find("Events detected: 2"), std::string::npos) << statistics;
  EXPECT_NE(statistics.find("   number: 1\n"), std::string::npos) << "of the old rules";
}

TEST_F(Fixture, CountsOfRulesThatStayGoOn) {
  for (uint64_t ts : {1, 2}) {
    source.add_open(1, ts, "/secret");
    source.add(SourceStatus::Idle);
  }
  run({}, rules(kNewRules), {},
      [](Engine& engine) { engine.offer(prepare_rules(rules(kNewRules), {})); });
  EXPECT_NE(statistics.find("   secret: 2\n"), std::string::npos) << statistics;
  EXPECT_EQ(counts, "secret: 2 of 2\n");
}

// "secret" stands at another place in the new rules, "number" begins with them.
TEST_F(Fixture, CountsFollowTheNameOfARule) {
  for (uint64_t ts : {1, 2, 3}) {
    source.add_open(1, ts, "/secret");
    source.add(SourceStatus::Idle);
  }
  RuleUse all;
  all.match = MatchMode::All;
  run({}, rules(kNewRules), all,
      [&](Engine& engine) { engine.offer(prepare_rules(rules(), all)); });
  EXPECT_EQ(counts, "number: 2 of 2\nsecret: 3 of 3\n");
}

TEST_F(Fixture, TimesAreNumbersInJson) {
  source.add_open(1, 5'000'000'042, "/a");
  run({}, rules(R"(
- rule: times
  desc: d
  condition: fd.name = /a
  output: "%evt.rawtime.ns %evt.rawtime.s %evt.reltime %evt.outputtime"
  priority: INFO
)"));
  ASSERT_EQ(seen->alerts.size(), 1u);
  const Alert& alert = seen->alerts[0];
  EXPECT_EQ(alert.fields.at("evt.rawtime.ns"), AlertValue{uint64_t{42}});
  EXPECT_EQ(alert.fields.at("evt.rawtime.s"), AlertValue{uint64_t{5}});
  EXPECT_EQ(alert.fields.at("evt.reltime"), AlertValue{uint64_t{0}});
  EXPECT_EQ(alert.fields.at("evt.outputtime"), AlertValue{int64_t{5'000'000'042}});
  EXPECT_EQ(alert.message.substr(0, 10), "000000042 ");
}

TEST_F(Fixture, AFailedReloadIsAnAlert) {
  source.add(SourceStatus::Idle);
  source.add_open(1, 7, "/secret");
  run({}, rules(), {}, [](Engine& engine) { engine.report_failed_reload("rules.yaml:1:2: no"); });
  ASSERT_EQ(seen->alerts.size(), 2u);
  EXPECT_EQ(seen->alerts[0].rule, "Falco internal: hot restart failure");
  EXPECT_EQ(seen->alerts[0].priority, Priority::Critical);
  EXPECT_TRUE(seen->alerts[0].is_internal);
  EXPECT_EQ(seen->alerts[0].fields.at("reason"), AlertValue{std::string("rules.yaml:1:2: no")});
  EXPECT_EQ(seen->alerts[1].rule, "number");
}

TEST_F(Fixture, FirstOrAllRules) {
  source.add_open(7, 1, "/secret");
  run();
  EXPECT_EQ(seen->alerts.size(), 1u);
  seen->alerts.clear();
  source.add_open(7, 1, "/secret");
  RuleUse use;
  use.match = MatchMode::All;
  run({}, rules(), std::move(use));
  ASSERT_EQ(seen->alerts.size(), 2u);
  EXPECT_EQ(seen->alerts[1].rule, "secret");
  EXPECT_NE(statistics.find("   secret: 1\n"), std::string::npos);
}

TEST_F(Fixture, NumbersCountHiddenEventsButNotDroppedOnes) {
  source.add(SourceStatus::Dropped);
  EventBuilder builder;
  builder.begin(Ev::OPEN_X, 1, 7);
  for (int i = 0; i < 2; ++i) builder.add_value<int64_t>(-2);
  source.add(builder.finish(), kStateOnly);
  source.add(SourceStatus::Dropped);
  source.add_open(7, 2, "/a");
  run();
  ASSERT_EQ(seen->alerts.size(), 1u);
  EXPECT_EQ(seen->alerts[0].fields.at("evt.num"), AlertValue{uint64_t{2}});
  EXPECT_EQ(events, 2u);
}

TEST_F(Fixture, LeadingMetaEventsTakeNumbersAndAreShownToNobody) {
  source.add_user_added(1);
  source.add_user_added(1);
  source.add_open(7, 2, "/a");
  run({}, rules("- rule: any\n  desc: d\n  condition: evt.num > 0\n  output: x %evt.num\n"
                "  priority: INFO\n"));
  ASSERT_EQ(seen->alerts.size(), 1u);
  EXPECT_EQ(seen->alerts[0].message, "x 3");
}

TEST_F(Fixture, ANewSectionRebuildsStateAndNumbersGoOn) {
  source.add_open(7, 1, "/a");
  source.add(SourceStatus::Restart);
  source.add_open(7, 2, "/b");
  run();
  EXPECT_EQ(source.snapshots, 2);
  ASSERT_EQ(seen->alerts.size(), 2u);
  EXPECT_EQ(seen->alerts[1].fields.at("evt.num"), AlertValue{uint64_t{2}});
}

TEST_F(Fixture, AFaultEndsTheRunBehindWhatCameBefore) {
  source.add_open(7, 1, "/a");
  source.add(SourceStatus::Failed);
  EXPECT_EQ(run(), RunEnd::Failed);
  EXPECT_EQ(seen->alerts.size(), 1u);
  EXPECT_EQ(error, "offset 42: the file is cut off");
}

TEST_F(Fixture, StopAndDurationEndAnIdleSource) {
  source.set_live();
  source.repeat_idle();
  EngineSetup setup;
  setup.duration_ns = 1'000'000;
  EXPECT_EQ(run(std::move(setup)), RunEnd::TimedOut);
  stop = true;
  EXPECT_EQ(run(), RunEnd::Stopped);
}

TEST_F(Fixture, RulesOfOtherSourcesAndDisabledOnesAreNotTested) {
  auto changed = std::make_shared<Ruleset>(*rules());
  changed->rules[0].enabled = false;
  changed->rules[1].source = "k8s_audit";
  source.add_open(7, 1, "/secret");
  run({}, changed);
  EXPECT_TRUE(seen->alerts.empty());
}

constexpr std::string_view kCapturingRules = R"(
- rule: plain
  desc: d
  condition: fd.name = /plain
  output: "%fd.name"
  priority: INFO
- rule: usual
  desc: d
  condition: fd.name startswith /usual
  output: "%fd.name"
  priority: INFO
  capture: true
- rule: short
  desc: d
  condition: fd.name startswith /usual/short or fd.name = /short
  output: "%fd.name"
  priority: INFO
  capture: true
  capture_duration: 2000
- rule: usual length
  desc: d
  condition: fd.name = /zero
  output: "%fd.name"
  priority: INFO
  capture: true
  capture_duration: 0
)";

// Which alerts begin captures, and for how long, in the seconds of the events.
struct Capturing : Fixture {
  static constexpr uint64_t kSecond = 1'000'000'000;
  void SetUp() override {
    char name[] = "/tmp/gyr_engine_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // The events behind an open of that file that are captured; none: no capture.
  std::optional<uint64_t> captured(const std::string& path, CaptureChoice choice,
                                   uint64_t max_file_bytes = 0) {
    source.add_open(7, kSecond, path);
    for (uint64_t second = 2; second < 30; ++second) source.add_open(7, second * kSecond, "/x");
    AlertCaptureSettings settings;
    settings.path_prefix = folder + "/c";
    settings.max_file_bytes = max_file_bytes;
    settings.before = {.bytes = 1 << 16, .period_ns = 100 * kSecond};
    settings.disk.free_percent = 0;
    settings.if_there = capture::IfThere::Replace;
    auto made = AlertCapture::create(source, settings, null_logger());
    EXPECT_TRUE(made);
    Outputs outputs({.wait_when_full = true}, null_logger());
    EXPECT_TRUE(outputs.add(std::make_unique<CollectingSink>(seen)));
    EngineSetup setup;
    setup.capture = choice;
    RuleUse use;
    use.match = MatchMode::All;
    {
      Engine engine(std::move(setup), prepare_rules(rules(kCapturingRules), std::move(use)),
                    {**made, outputs, system_clock(), null_logger(), made->get()});
      EXPECT_TRUE(engine.open());
      EXPECT_EQ(engine.run(stop), RunEnd::Finished);
    }
    outputs.finish();
    const RecordingCounters written = (*made)->counts().written;
    if (written.files == 0) return std::nullopt;
    return written.events - 2;  // the supplement of the snapshot and the event itself
  }
  std::string folder;
};

TEST_F(Capturing, RulesSayWhetherAndHowLong) {
  EXPECT_EQ(captured("/plain", {}), std::nullopt);
  EXPECT_EQ(captured("/x", {}), std::nullopt);
  EXPECT_EQ(captured("/usual", {}), 5u);
  EXPECT_EQ(captured("/usual", {.duration_ms = 7000}), 7u);
  EXPECT_EQ(captured("/short", {.duration_ms = 7000}), 2u);
  EXPECT_EQ(captured("/usual/short", {}), 5u) << "the longest of both";
  EXPECT_EQ(captured("/usual/short", {.duration_ms = 1000}), 2u);
  EXPECT_EQ(captured("/usual", {.duration_ms = UINT64_MAX}), 28u);
  EXPECT_EQ(captured("/zero", {.duration_ms = 7000}), 7u) << "0 is the default, as if not set";
}

TEST_F(Capturing, AllRulesIfAskedFor) {
  EXPECT_EQ(captured("/plain", {.all_rules = true, .duration_ms = 3000}), 3u);
  EXPECT_EQ(captured("/short", {.all_rules = true, .duration_ms = 3000}), 2u);
}

TEST_F(Capturing, AFullFileIsTold) {
  captured("/usual", {.duration_ms = 60000, .max_file_mb = 1}, 2000);
  ASSERT_EQ(seen->alerts.size(), 2u);
  const Alert& told = seen->alerts[1];
  EXPECT_EQ(told.rule, "Falco internal: capture size limit reached");
  EXPECT_EQ(told.source, "internal");
  EXPECT_EQ(told.priority, Priority::Informational);
  EXPECT_TRUE(told.is_internal);
  EXPECT_EQ(told.fields.at("max_file_size_mb"), AlertValue{uint64_t{1}});
  const uint64_t bytes = std::get<uint64_t>(told.fields.at("written_bytes").data);
  EXPECT_GT(bytes, 500u);
  EXPECT_LE(bytes, 2000u);
}

}  // namespace
}  // namespace gyr
