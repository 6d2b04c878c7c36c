// SPDX-License-Identifier: Apache-2.0
// program_output with programs that misbehave: each alert is read by the program or accounted for,
// another output gets everything meanwhile, and no process is left behind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "alert/alert_fixtures.h"
#include "alert/sinks/file.h"
#include "alert/sinks/program.h"

namespace gyr {
namespace {

constexpr int kAlerts = 100;

struct Pair {
  TempFolder folder;
  Outputs outputs;

  Pair(const std::string& command, bool keep_alive, OutputSettings settings = {},
       LaneSettings lane = {})
      : outputs(settings, null_logger()) {
    if (lane.retry.first_ms == RetryPolicy().first_ms) lane.retry = quick_retry();
    std::string here = command;
    for (size_t at = 0; (at = here.find("DIR")) != std::string::npos;)
      here.replace(at, 3, folder.path());
    EXPECT_TRUE(outputs.add(make_program_sink({here, keep_alive}), lane));
    EXPECT_TRUE(outputs.add(make_file_sink({.path = folder / "out", .keep_alive = true})));
  }
  OutputCounters program() const { return outputs.counters().at(0); }
  void send_all(int from = 0, int to = kAlerts) {
    for (int i = from; i < to; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    wait_until([&] { return outputs.counters().at(1).sent >= static_cast<uint64_t>(to); });
  }
};

// No child of this process is left.
void expect_no_children() {
  int status = 0;
  EXPECT_EQ(waitpid(-1, &status, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

std::string wanted_lines(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) lines += format_alert(*test_alert(i), {}) + "\n";
  return lines;
}

TEST(ProgramSink, OneProcessGetsThemAll) {
  for (const bool buffered : {false, true}) {
    Pair pair("echo started >> DIR/starts; cat > DIR/got", true, {.buffered = buffered});
    pair.send_all();
    pair.outputs.finish();
    EXPECT_EQ(pair.program().sent, static_cast<uint64_t>(kAlerts));
    EXPECT_EQ(text_of(pair.folder / "got"), wanted_lines(0, kAlerts));
    EXPECT_EQ(lines_of(pair.folder / "starts"), 1u);
    expect_no_children();
  }
}

TEST(ProgramSink, OneProcessForEachAlert) {
  for (const bool buffered : {false, true}) {
    Pair pair("echo started >> DIR/starts; cat >> DIR/got", false, {.buffered = buffered});
    pair.send_all(0, 10);
    pair.outputs.finish();
    EXPECT_EQ(pair.program().sent, 10u);
    EXPECT_EQ(text_of(pair.folder / "got"), wanted_lines(0, 10));
    EXPECT_EQ(lines_of(pair.folder / "starts"), 10u);
    expect_no_children();
  }
}

TEST(ProgramSink, HasTheStandardDescriptorsOnlyAndItsOwnGroup) {
  const int leak = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  Pair pair(
      "ls /proc/self/fd > DIR/fds; cut -d' ' -f5 /proc/$$/stat > DIR/group; echo $$ >> DIR/group; "
      "cat > /dev/null",
      true);
  pair.send_all(0, 1);
  pair.outputs.finish();
  close(leak);
  // The fourth is of ls itself.
  EXPECT_EQ(lines_of(pair.folder / "fds"), 4u) << text_of(pair.folder / "fds");
  std::istringstream group(text_of(pair.folder / "group"));
  int leader = 0;
  int shell = 1;
  group >> leader >> shell;
  EXPECT_EQ(leader, shell);
}

TEST(ProgramSink, ThatNeverReadsHoldsUpNobodyElse) {
  Pair pair("sleep 1000", true, {.finish_timeout_ms = 50});
  pair.send_all();
  wait_until([&] { return !pair.program().healthy; });  // blocked for longer than output_timeout
  EXPECT_EQ(pair.program().sent, 0u);
  EXPECT_EQ(pair.program().queued, static_cast<uint64_t>(kAlerts));
  pair.outputs.finish(kHurry);
  EXPECT_EQ(pair.program().lost_for(AlertLoss::Unfinished), static_cast<uint64_t>(kAlerts));
  expect_no_children();
}

TEST(ProgramSink, ThatIsSlowGetsThemAll) {
  Pair pair("while read line; do echo \"$line\" >> DIR/got; sleep 0.01; done", true,
            {.finish_timeout_ms = 50});
  pair.send_all();
  pair.outputs.finish();
  EXPECT_EQ(text_of(pair.folder / "got"), wanted_lines(0, kAlerts));
}

TEST(ProgramSink, ThatEndsAfterEachAlertIsStartedAnew) {
  Pair pair("read line; echo \"$line\" >> DIR/got", true);
  pair.send_all(0, 20);
  wait_until([&] { return pair.program().sent == 20; });
  pair.outputs.finish();
  const std::string got = text_of(pair.folder / "got");
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(got.find(format_alert(*test_alert(i), {}) + "\n"), std::string::npos) << i;
  }
  expect_no_children();
}

TEST(ProgramSink, ThatEndsAtOnceLosesNothingUntilItWorks) {
  Pair pair("test -e DIR/ready || exit 3; cat > DIR/got", true);
  pair.send_all();
  wait_until([&] { return !pair.program().healthy && pair.program().retried > 2; });
  EXPECT_EQ(pair.program().sent, 0u);
  EXPECT_EQ(pair.program().lost_total(), 0u);
  std::ofstream(pair.folder / "ready") << "";
  wait_until([&] { return pair.program().sent == kAlerts; });
  pair.outputs.finish();
  EXPECT_EQ(text_of(pair.folder / "got"), wanted_lines(0, kAlerts));
}

TEST(ProgramSink, ThatDoesNotExistFails) {
  for (const bool keep_alive : {false, true}) {
    Pair pair("exec /nonexistent/program", keep_alive, {.finish_timeout_ms = 50});
    pair.send_all(0, 3);
    wait_until([&] { return !pair.program().healthy; });
    pair.outputs.finish();
    EXPECT_EQ(pair.program().sent, 0u);
    EXPECT_EQ(pair.program().lost_for(AlertLoss::Unfinished), 3u);
  }
}

TEST(ProgramSink, ThatReadsNothingOfAnAlertIsItsOwnBusiness) {
  Pair pair("true", false);
  pair.send_all(0, 5);
  pair.outputs.finish();
  EXPECT_EQ(pair.program().sent, 5u);
  expect_no_children();
}

TEST(ProgramSink, ReopenStartsAnother) {
  Pair pair("cat > DIR/got.$$", true);
  pair.send_all(0, 1);
  wait_until([&] { return pair.program().sent == 1; });
  pair.outputs.reopen();
  pair.send_all(1, 2);
  wait_until([&] { return pair.program().sent == 2; });
  pair.outputs.finish();
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(pair.folder.path())) {
    files += entry.path().filename().string().starts_with("got.") ? 1 : 0;
  }
  EXPECT_EQ(files, 2u);
  expect_no_children();
}

TEST(ProgramSink, ReopenSavesAnAlertFromAProgramThatHangs) {
  Pair pair("test -e DIR/ready || { echo > DIR/hangs; sleep 1000; }; cat > DIR/got", true);
  pair.send_all(0, 3);
  wait_until([&] { return std::filesystem::exists(pair.folder / "hangs"); });
  std::ofstream(pair.folder / "ready") << "";
  pair.outputs.reopen();
  wait_until([&] { return pair.program().sent == 3; });
  pair.outputs.finish(kHurry);
  EXPECT_EQ(text_of(pair.folder / "got"), wanted_lines(0, 3));
  expect_no_children();
}

// An idle output notices, too.
TEST(ProgramSink, NoZombieStaysWhileNothingIsSent) {
  Pair pair("cat > DIR/got & read line; exit 0", true);
  pair.send_all(0, 1);
  wait_until([&] {
    const std::string mine = std::to_string(getpid());
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string stat = text_of(entry.path().string() + "/stat");
      if (stat.find(") Z " + mine + " ") != std::string::npos) return false;
    }
    return pair.program().sent == 1 || pair.program().retried > 0;
  });
}

TEST(ProgramSink, EmptyCommandEndsTheStart) {
  Outputs outputs({}, null_logger());
  const auto added = outputs.add(make_program_sink({}));
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("program_output.program is empty"), std::string::npos);
}

}  // namespace
}  // namespace gyr
