// SPDX-License-Identifier: Apache-2.0
// Lanes: ids, forms made once, spools across restarts and kills, full disks.
#include "alert/lane.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>
#include <set>

#include "alert/alert_fixtures.h"
#include "alert/sinks/file.h"

namespace gyr {
namespace {

// A destination that tests open and close, and that remembers what arrived.
struct Destination {
  std::atomic<bool> works{true};
  std::mutex mutex;
  std::vector<std::string> ids;
  std::vector<std::string> lines;

  std::vector<std::string> arrived() {
    const std::lock_guard lock(mutex);
    return ids;
  }
};

class ScriptedSink final : public Sink {
 public:
  explicit ScriptedSink(std::shared_ptr<Destination> destination)
      : destination_(std::move(destination)) {}
  std::string_view name() const override { return "scripted"; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing> batch) override {
    if (!destination_->works) return sink_failure("scripted: it does not work");
    const std::lock_guard lock(destination_->mutex);
    for (const Outgoing& alert : batch) {
      destination_->ids.emplace_back(alert.id);
      destination_->lines.emplace_back(alert.line);
    }
    return {};
  }

 private:
  std::shared_ptr<Destination> destination_;
};

LaneSettings spooled_to(const std::string& folder, uint64_t bytes = 8u << 20) {
  return {.retry = quick_retry(), .spool_folder = folder, .spool_bytes = bytes};
}

std::vector<std::string> ids(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(test_id(i));
  return all;
}

TEST(AlertId, DependsOnContentAndNothingElse) {
  const Alert alert = *test_alert(1);
  EXPECT_EQ(alert_id(alert, 0), alert_id(*test_alert(1), 0));
  EXPECT_EQ(alert_id(alert, 0).size(), 32u);
  std::set<std::string> different = {alert_id(alert, 0), alert_id(alert, 1)};
  const std::function<void(Alert*)> changes[] = {
      [](Alert* a) { ++a->time_ns; },
      [](Alert* a) { a->rule += "x"; },
      [](Alert* a) { a->source = "internal"; },
      [](Alert* a) { a->hostname = "other"; },
      [](Alert* a) { a->message += " "; },
      [](Alert* a) { a->fields["number"] = {int64_t{2}}; },
      [](Alert* a) { a->fields["number"] = {std::string("1")}; },
      [](Alert* a) { a->fields["more"] = {}; },
      [](Alert* a) {  // the same bytes, split otherwise
        a->rule = "test rul";
        a->source = "esyscall";
      },
  };
  for (const auto& change : changes) {
    Alert changed = alert;
    change(&changed);
    EXPECT_TRUE(different.insert(alert_id(changed, 0)).second);
  }
}

TEST(AlertId, TwinsAreNumberedTheSameWayInEveryRun) {
  std::vector<std::string> first;
  for (int run = 0; run < 2; ++run) {
    AlertNumbering numbering;
    std::vector<std::string> got;
    for (const int number : {1, 1, 1, 2, 1}) got.push_back(numbering.next_id(*test_alert(number)));
    EXPECT_EQ(std::set(got.begin(), got.end()).size(), 4u) << "the last one is of the first time";
    if (run == 0) first = got;
    EXPECT_EQ(got, first);
  }
}

TEST(Message, JsonIsTheReferencesUnlessTheIdIsAskedFor) {
  const Message message(test_alert(1), {.json = false}, "abc");
  EXPECT_EQ(message.line(LineForm::Json), format_alert(*test_alert(1), {.json = true}));
  EXPECT_EQ(message.line(LineForm::Json).find("abc"), std::string::npos);
  EXPECT_TRUE(message.line(LineForm::JsonWithId).starts_with("{\"gyr_id\":\"abc\",\"hostname\""));
  EXPECT_EQ(message.line(LineForm::ConfiguredWithId), format_alert(*test_alert(1), {}));
  EXPECT_EQ(&message.line(LineForm::Json), &message.line(LineForm::Json)) << "made once";
}

TEST(Message, IdFollowsFromTheAlertEvenIfAnOutputWithAThresholdIsAlone) {
  auto destination = std::make_shared<Destination>();
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination),
                          {.priority = Priority::Error, .wants_ids = true}));
  AlertPtr twin = test_alert(1, Priority::Warning);
  outputs.send(twin, kNeverGiveUp);
  outputs.send(test_alert(1, Priority::Error), kNeverGiveUp);
  outputs.finish();
  EXPECT_EQ(destination->arrived(), std::vector{alert_id(*test_alert(1, Priority::Error), 1)});
}

TEST(Lane, SpoolKeepsOrderAndLosesNothing) {
  TempFolder folder;
  auto destination = std::make_shared<Destination>();
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination), spooled_to(folder / "s")));
  int sent = 0;
  for (int round = 0; round < 5; ++round) {
    destination->works = round % 2 == 0;
    for (int i = 0; i < 100; ++i) outputs.send(test_alert(sent++), kNeverGiveUp);
    if (!destination->works) {
      wait_until([&] { return outputs.counters().at(0).in_spool >= 100; });
      // There may be so many of an earlier round, before this one has failed.
      wait_until([&] { return !outputs.counters().at(0).healthy; });
    }
  }
  outputs.finish();
  EXPECT_EQ(destination->arrived(), ids(0, sent));
  const OutputCounters counters = outputs.counters().at(0);
  EXPECT_EQ(counters.sent, 500u);
  EXPECT_GE(counters.spooled, 200u);
  EXPECT_EQ(counters.lost_total(), 0u);
  EXPECT_EQ(counters.in_spool, 0u);
}

TEST(Lane, SpoolSurvivesARestartWithTheSameIds) {
  TempFolder folder;
  for (const bool works : {false, false, true}) {
    auto destination = std::make_shared<Destination>();
    destination->works = works;
    Outputs outputs({.finish_timeout_ms = 20}, null_logger());
    ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination), spooled_to(folder / "s")));
    const int first = works ? 100 : static_cast<int>(outputs.counters().at(0).in_spool);
    for (int i = first; i < first + 50; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    outputs.finish();
    const OutputCounters counters = outputs.counters().at(0);
    EXPECT_EQ(counters.lost_total(), 0u);
    if (works) {
      EXPECT_EQ(destination->arrived(), ids(0, 150));
    } else {
      EXPECT_EQ(counters.in_spool, static_cast<uint64_t>(first + 50));
    }
  }
}

// The process is killed while alerts go to the spool; the next one delivers them.
TEST(Lane, NothingInTheSpoolIsLostByAKill) {
  TempFolder folder;
  std::array<int, 2> told{};
  ASSERT_EQ(pipe(told.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto destination = std::make_shared<Destination>();
    destination->works = false;
    Outputs outputs({}, null_logger());
    if (!outputs.add(std::make_unique<ScriptedSink>(destination), spooled_to(folder / "s")))
      _exit(1);
    for (int i = 0;; ++i) {
      outputs.send(test_alert(i), kNeverGiveUp);
      const uint64_t safe = outputs.counters().at(0).in_spool;
      if (write(told[1], &safe, sizeof safe) != sizeof safe) _exit(1);
      usleep(20);
    }
  }
  close(told[1]);
  uint64_t safe = 0;
  while (safe < 300 && read(told[0], &safe, sizeof safe) == sizeof safe) {
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (uint64_t more = 0; read(told[0], &more, sizeof more) == sizeof more;) safe = more;
  close(told[0]);
  auto destination = std::make_shared<Destination>();
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination), spooled_to(folder / "s")));
  outputs.finish();
  const std::vector<std::string> arrived = destination->arrived();
  EXPECT_GE(arrived.size(), safe);
  EXPECT_EQ(arrived, ids(0, static_cast<int>(arrived.size())));
}

TEST(Lane, FullSpoolThenFullQueueThenLossWithItsReason) {
  TempFolder folder;
  auto destination = std::make_shared<Destination>();
  destination->works = false;
  Outputs outputs({.finish_timeout_ms = 20}, null_logger());
  LaneSettings lane = spooled_to(folder / "s", 1u << 20);
  lane.queue_bytes = 1u << 20;
  ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination), lane));
  int sent = 0;
  for (; outputs.counters().at(0).lost_for(AlertLoss::SpoolFull) == 0; ++sent) {
    outputs.send(test_alert(sent), kNeverGiveUp);
  }
  EXPECT_LE(outputs.counters().at(0).spool_bytes, 1u << 20);
  destination->works = true;
  wait_until([&] {
    const OutputCounters c = outputs.counters().at(0);
    return c.sent + c.lost_total() == static_cast<uint64_t>(sent) && c.in_spool + c.queued == 0;
  });
  const std::vector<std::string> arrived = destination->arrived();
  EXPECT_EQ(arrived[0], test_id(0)) << "what came first is kept";
  EXPECT_EQ(std::set(arrived.begin(), arrived.end()).size(), arrived.size());
}

// A file system of 32 KiB, for file_output and for a spool: too small for either alone.
TEST(Lane, FullDisk) {
  TempFolder folder;
  const std::string small = folder / "small";
  std::filesystem::create_directory(small);
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", small.c_str(), "tmpfs", 0, "size=32k,mode=0700") != 0) {
    GTEST_SKIP() << "a small file system can be mounted by root only";
  }
  auto destination = std::make_shared<Destination>();
  destination->works = false;
  constexpr int kAlerts = 1000;
  {
    Outputs outputs({.finish_timeout_ms = 300}, null_logger());
    ASSERT_TRUE(outputs.add(make_file_sink({.path = small + "/out", .keep_alive = true}),
                            {.retry = quick_retry()}));
    ASSERT_TRUE(outputs.add(std::make_unique<ScriptedSink>(destination), spooled_to(small + "/s")));
    ASSERT_TRUE(outputs.add(make_file_sink({.path = folder / "fine", .keep_alive = true})));
    for (int i = 0; i < kAlerts; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    wait_until([&] { return lines_of(folder / "fine") == kAlerts; });
    wait_until([&] { return !outputs.counters().at(0).healthy; });
    wait_until([&] { return outputs.counters().at(1).queued > 0; });
    EXPECT_EQ(outputs.counters().at(0).lost_total(), 0u) << "alerts wait for room";
    EXPECT_EQ(outputs.counters().at(1).lost_total(), 0u);
    // The operator makes room, and everything arrives.
    ASSERT_EQ(mount("tmpfs", small.c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
    wait_until([&] { return outputs.counters().at(0).sent == kAlerts; });
    destination->works = true;
    outputs.finish();
    EXPECT_EQ(outputs.counters().at(0).lost_total() + outputs.counters().at(1).lost_total(), 0u);
  }
  EXPECT_EQ(destination->arrived(), ids(0, kAlerts));
  // Each alert stands whole in the file; of a line that was cut the beginning is there too.
  const std::string text = text_of(small + "/out");
  for (const int number : {0, 500, kAlerts - 1}) {
    EXPECT_NE(text.find(format_alert(*test_alert(number), {}) + "\n"), std::string::npos) << number;
  }
  umount2(small.c_str(), MNT_DETACH);
}

TEST(FileSink, RotatesBySizeWithoutLosingALine) {
  TempFolder folder;
  const std::string path = folder / "out";
  for (const bool keep_alive : {true, false}) {
    Outputs outputs({.wait_when_full = true}, null_logger());
    ASSERT_TRUE(outputs.add(make_file_sink(
        {.path = path, .keep_alive = keep_alive, .rotate_bytes = 1000, .rotate_files = 3})));
    for (int i = 0; i < 300; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    outputs.finish();
    std::string newest;
    for (const char* name : {"/out.3", "/out.2", "/out.1", "/out"}) {
      const std::string text = text_of(folder.path() + name);
      EXPECT_GT(text.size(), 0u) << name;
      EXPECT_LE(text.size(), 1000u) << name;
      newest += text;
    }
    EXPECT_FALSE(std::filesystem::exists(path + ".4"));
    const auto count = static_cast<int>(std::count(newest.begin(), newest.end(), '\n'));
    std::string wanted;
    for (int i = 300 - count; i < 300; ++i) wanted += format_alert(*test_alert(i), {}) + "\n";
    EXPECT_EQ(newest, wanted);
  }
}

TEST(FileSink, AnAlertLongerThanTheLimitHasAFileOfItsOwn) {
  TempFolder folder;
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(make_file_sink({.path = folder / "out", .rotate_bytes = 10})));
  for (int i = 0; i < 3; ++i) outputs.send(test_alert(i), kNeverGiveUp);
  outputs.finish();
  EXPECT_EQ(text_of(folder / "out.2"), format_alert(*test_alert(0), {}) + "\n");
  EXPECT_EQ(text_of(folder / "out"), format_alert(*test_alert(2), {}) + "\n");
}

}  // namespace
}  // namespace gyr
