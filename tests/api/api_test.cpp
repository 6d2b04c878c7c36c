// SPDX-License-Identifier: Apache-2.0
// The public interface as a program of somebody else uses it: a capture, rules, a sink, fields.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>

#include "capture/capture_builder.h"
#include "gyr/capture.h"
#include "gyr/engine.h"
#include "schema/schema.h"

namespace gyr::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct TempFile {
  std::string path;
  TempFile(const std::string& name, const std::string& content)
      : path(testing::TempDir() + "gyr_api_" + std::to_string(getpid()) + "_" + name) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~TempFile() { unlink(path.c_str()); }
};

std::string open_event(const std::string& path, uint64_t ts_ns) {
  using test::le;
  return test::event_block({static_cast<uint16_t>(Ev::OPEN_X),
                            {le<int64_t>(3), path + '\0', le<uint32_t>(1), le<uint32_t>(0),
                             le<uint32_t>(0), le<uint64_t>(77)},
                            100,
                            ts_ns});
}

std::string opens() {
  return test::section() + open_event("/etc/hosts", 1'000'000'001) +
         open_event("/etc/shadow", 2'000'000'002) + open_event("/secret", 3'000'000'003);
}

constexpr const char* kRules =
    "- rule: secret\n  desc: d\n  condition: evt.type = open and fd.name in (/secret, "
    "/etc/shadow)\n"
    "  output: \"%fd.name read by %proc.name at %static.place fd %fd.num\"\n  priority: WARNING\n"
    "  tags: [b, a]\n"
    "- rule: any\n  desc: d\n  condition: evt.type = open\n  output: \"%util.cnt\"\n  priority: "
    "INFO\n";

LoadedRules rules(RuleSettings settings = {}) {
  settings.static_fields["place"] = "Brno";
  return load_rules({{"mine.yaml", kRules}}, settings);
}

struct Seen {
  std::vector<Alert> alerts;
  std::vector<std::string> lines;
};

class CollectingSink final : public Sink {
 public:
  explicit CollectingSink(Seen* seen, bool good = true) : seen_(*seen), good_(good) {}
  std::string_view name() const override { return "collecting"; }
  bool write(const Alert& alert, std::string_view line) override {
    seen_.alerts.push_back(alert);
    seen_.lines.emplace_back(line);
    return good_;
  }

 private:
  Seen& seen_;
  bool good_;
};

TEST(Api, AnEngineGivesAlertsToItsSink) {
  const TempFile capture("run.scap", opens());
  const LoadedRules loaded = rules();
  ASSERT_TRUE(loaded.rules) << loaded.report;
  EXPECT_EQ(loaded.rules->size(), 2u);
  EXPECT_THAT(loaded.diagnostics, testing::IsEmpty());

  Result<Source> source = open_capture(capture.path);
  ASSERT_TRUE(source) << source.error().message;
  Engine engine(*std::move(source), *loaded.rules, {.json = true, .hostname = "box"});
  Seen seen;
  ASSERT_TRUE(engine.add(std::make_unique<CollectingSink>(&seen)));
  const Result<RunEnd> end = engine.run();
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, RunEnd::Finished);

  EXPECT_EQ(engine.events(), 3u);
  ASSERT_EQ(seen.alerts.size(), 3u);
  EXPECT_EQ(seen.alerts[0].rule, "any");
  const Alert& alert = seen.alerts[1];
  EXPECT_EQ(alert.rule, "secret");
  EXPECT_EQ(alert.priority, Priority::Warning);
  EXPECT_EQ(alert.time_ns, 2'000'000'002u);
  EXPECT_THAT(alert.tags, ElementsAre("a", "b"));
  EXPECT_THAT(alert.message, HasSubstr("/etc/shadow read by"));
  EXPECT_THAT(alert.message, HasSubstr("at Brno fd 3"));
  EXPECT_EQ(alert.fields.at("fd.name").data, FieldValue{std::string("/etc/shadow")}.data);
  EXPECT_EQ(alert.fields.at("fd.num").data, FieldValue{int64_t{3}}.data);
  EXPECT_THAT(seen.lines[1], HasSubstr("\"hostname\":\"box\""));
  EXPECT_THAT(engine.statistics(), HasSubstr("Events detected: 3\n"));
  EXPECT_EQ(engine.counters().at(0).delivered, 3u);
  EXPECT_EQ(engine.counters().at(0).lost, 0u);
}

TEST(Api, RulesAreSelectedAndMayAllMatch) {
  const TempFile capture("all.scap", opens());
  const auto run = [&](const RuleSettings& settings, bool all) {
    Engine engine(*open_capture(capture.path), *rules(settings).rules, {.all_matches = all});
    Seen seen;
    EXPECT_TRUE(engine.add(std::make_unique<CollectingSink>(&seen)));
    EXPECT_TRUE(engine.run());
    return seen.alerts.size();
  };
  EXPECT_EQ(run({}, true), 5u);
  EXPECT_EQ(run({.selection = {{.enable = false, .rule = "any"}}}, true), 2u);
}

TEST(Api, AlertsASinkRefusesAreCounted) {
  const TempFile capture("lost.scap", opens());
  Engine engine(*open_capture(capture.path), *rules().rules);
  Seen seen;
  ASSERT_TRUE(engine.add(std::make_unique<CollectingSink>(&seen, false)));
  ASSERT_TRUE(engine.run());
  EXPECT_EQ(engine.counters().at(0).lost, 3u);
}

TEST(Api, AnEngineRunsOnceAndTakesSinksBefore) {
  const TempFile capture("once.scap", opens());
  Engine engine(*open_capture(capture.path), *rules().rules);
  EXPECT_FALSE(engine.add(nullptr));
  ASSERT_TRUE(engine.run());
  EXPECT_FALSE(engine.run());
  Seen seen;
  EXPECT_FALSE(engine.add(std::make_unique<CollectingSink>(&seen)));
  EXPECT_EQ(engine.events(), 3u);
  EXPECT_THAT(engine.statistics(), HasSubstr("Events detected: 3\n")) << "counted without a sink";
}

TEST(Api, ThreadsShareRulesAndFields) {
  const TempFile capture("threads.scap", opens());
  std::optional<Rules> shared = rules().rules;
  const Result<Format> format = Format::parse("%fd.name %evt.deltatime %util.cnt");
  ASSERT_TRUE(shared && format);
  std::array<Seen, 4> seen;
  std::array<std::string, 4> last;
  const auto work = [&](size_t i, const Rules& mine) {
    Engine engine(*open_capture(capture.path), mine);
    ASSERT_TRUE(engine.add(std::make_unique<CollectingSink>(&seen[i])));
    ASSERT_TRUE(engine.run());
    Result<EventReader> reader = EventReader::make(*open_capture(capture.path));
    while (*reader->next()) last[i] = format->render(reader->event());
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < seen.size(); ++i) threads.emplace_back(work, i, *shared);
  shared.reset();
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_THAT(seen[i].lines, testing::SizeIs(3));
    EXPECT_EQ(seen[i].lines, seen[0].lines) << "what fields remember is of one engine";
    EXPECT_EQ(last[i], "/secret 1000000001 3");
  }
}

TEST(Api, StopEndsARun) {
  const TempFile capture("stop.scap", opens());
  Engine engine(*open_capture(capture.path), *rules().rules);
  const std::atomic<bool> stop{true};
  const Result<RunEnd> end = engine.run(stop);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, RunEnd::Stopped);
}

TEST(Api, FieldsAreReadWithoutRules) {
  const TempFile capture("read.scap", opens());
  const Result<Field> name = Field::find("fd.name");
  const Result<Field> pod = Field::find("k8s.pod.name");
  const Result<Field> flags = Field::find("evt.arg.flags");
  const Result<Format> line = Format::parse("%evt.num: %fd.name");
  ASSERT_TRUE(name && pod && flags && line);
  Result<EventReader> reader = EventReader::make(*open_capture(capture.path));
  ASSERT_TRUE(reader);
  std::vector<std::string> lines;
  while (true) {
    const Result<bool> more = reader->next();
    ASSERT_TRUE(more);
    if (!*more) break;
    const Event event = reader->event();
    EXPECT_EQ(event.type(), "open");
    EXPECT_EQ(event.thread_id(), 100);
    EXPECT_EQ(event.number(), lines.size() + 1);
    EXPECT_TRUE(event.get(*pod).is_null());
    EXPECT_EQ(event.text(*pod), "<NA>");
    EXPECT_THAT(event.text(*flags), HasSubstr("O_RDONLY"));
    lines.push_back(line->render(event));
    if (lines.size() == 3) {
      EXPECT_EQ(event.get(*name).data, FieldValue{std::string("/secret")}.data);
      EXPECT_EQ(event.time_ns(), 3'000'000'003u);
    }
  }
  EXPECT_THAT(lines, ElementsAre("1: /etc/hosts", "2: /etc/shadow", "3: /secret"));
  EXPECT_FALSE(*reader->next()) << "the end stays the end";
  EXPECT_DEATH(static_cast<void>(reader->event()), "on_event");
}

TEST(Api, AReaderSaysTheSameFaultAgain) {
  const std::string whole = opens();
  const TempFile cut("again.scap", whole.substr(0, whole.size() - 10));
  Result<EventReader> reader = EventReader::make(*open_capture(cut.path));
  ASSERT_TRUE(reader);
  EXPECT_TRUE(*reader->next());
  EXPECT_TRUE(*reader->next());
  const Result<bool> fault = reader->next();
  ASSERT_FALSE(fault);
  EXPECT_THAT(fault.error().message, HasSubstr("again.scap"));
  const Result<bool> again = reader->next();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, fault.error().message);
}

TEST(Api, WhatIsWrongIsSaid) {
  const Result<Field> misspelt = Field::find("fd.nmae");
  ASSERT_FALSE(misspelt);
  EXPECT_THAT(misspelt.error().message, HasSubstr("'fd.name'"));
  for (const char* text : {"", "fd.name ", "proc.namefoo", "fd.name,fd.num", "proc.aname[x"}) {
    EXPECT_FALSE(Field::find(text)) << text;
  }
  EXPECT_FALSE(Format::parse("100%"));

  const Result<Source> missing = open_capture("/nonexistent.scap");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent.scap"));

  const LoadedRules bad = load_rules({{"bad.yaml",
                                       "- rule: r\n  desc: d\n  condition: evt.typ=x\n"
                                       "  output: o\n  priority: INFO\n"}});
  EXPECT_FALSE(bad.rules);
  ASSERT_EQ(bad.diagnostics.size(), 1u);
  EXPECT_TRUE(bad.diagnostics[0].error);
  EXPECT_EQ(bad.diagnostics[0].code, "LOAD_ERR_COMPILE_CONDITION");
  EXPECT_EQ(bad.diagnostics[0].file, "bad.yaml");
  EXPECT_EQ(bad.diagnostics[0].line, 3u);
  EXPECT_EQ(bad.diagnostics[0].column, 14u);
  EXPECT_THAT(bad.report, HasSubstr("bad.yaml: Invalid"));
  const LoadedRules gone = load_rule_files({"/nonexistent.yaml"});
  EXPECT_FALSE(gone.rules);
  EXPECT_EQ(gone.diagnostics.at(0).code, "LOAD_ERR_FILE_READ");
  EXPECT_THAT(gone.report, HasSubstr("/nonexistent.yaml: Invalid"));

  const std::string whole = opens();
  const TempFile cut("cut.scap", whole.substr(0, whole.size() - 10));
  Engine engine(*open_capture(cut.path), *rules().rules);
  Seen seen;
  ASSERT_TRUE(engine.add(std::make_unique<CollectingSink>(&seen)));
  const Result<RunEnd> end = engine.run();
  ASSERT_FALSE(end);
  EXPECT_THAT(end.error().message, HasSubstr("cut.scap"));
  EXPECT_EQ(seen.alerts.size(), 2u) << "what came before the damage";
}

TEST(Api, FieldsAreListed) {
  bool found = false;
  for (const FieldDescription& field : list_fields()) {
    EXPECT_FALSE(field.name.empty() || field.type.empty() || field.description.empty());
    found = found || field.name == "proc.cmdline";
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace gyr::api
