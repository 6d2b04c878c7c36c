// SPDX-License-Identifier: Apache-2.0
// A program of the probe that the kernel refuses costs what it reports, and one warning; the rest
// works. LiveSettings::spoilt makes the kernel's own verifier refuse it.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "live_fixture.h"

namespace gyr::test {
namespace {

class FeatureLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  }
  static LiveSettings settings(std::vector<std::string> spoilt) {
    LiveSettings all;
    all.syscalls = every_call();
    for (const Sc more : {Sc::PAGE_FAULT_USER, Sc::SIGNAL_DELIVER}) all.syscalls.push_back(more);
    all.ring_bytes = 64ull << 20;
    all.spoilt = std::move(spoilt);
    return all;
  }
  // A child that gets a signal, and becomes /bin/true.
  static int64_t act() {
    const pid_t pid = fork();
    if (pid == 0) {
      signal(SIGUSR2, [](int) {});
      raise(SIGUSR2);
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    return pid;
  }
  static std::map<Ev, int> events_of_one_child(LiveSource& source) {
    const int64_t child = act();
    std::map<Ev, int> seen;
    usleep(20'000);
    Record record;
    for (int idle = 0; idle < 3;) {
      const SourceStatus status = source.next(&record);
      if (status == SourceStatus::Idle) ++idle;
      EventView event;
      if (status != SourceStatus::Event || !event.decode(record) || event.tid() != child) continue;
      ++seen[event.type()];
    }
    return seen;
  }
};

struct Case {
  const char* program;
  Ev event;
  const char* cost;
};

TEST_F(FeatureLive, each_program_can_be_done_without) {
  const Case cases[] = {
      {"process_exit", Ev::PROCEXIT_1_E, "the end of processes is not seen"},
      {"signal_delivered", Ev::SIGNALDELIVER_E, "the delivery of signals is not seen"},
      {"page_fault_user", Ev::PAGE_FAULT_E, "page faults of programs are not seen"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.program);
    const auto source = open_live(settings({one.program}));
    ASSERT_TRUE(source) << source.error().message;
    const auto& warnings = (*source)->warnings();
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_TRUE(warnings[0].starts_with(one.cost)) << warnings[0];
    EXPECT_NE(warnings[0].find("the kernel refused the program: "), std::string::npos);
    for (const LiveFeature& feature : (*source)->features()) {
      EXPECT_EQ(feature.refusal.empty(), feature.program != one.program) << feature.program;
    }
    const std::map<Ev, int> seen = events_of_one_child(**source);
    for (const Ev event : {Ev::PROCEXIT_1_E, Ev::SIGNALDELIVER_E, Ev::PAGE_FAULT_E, Ev::EXECVE_19_X,
                           Ev::CLONE_20_X}) {
      EXPECT_EQ(seen.contains(event), event != one.event) << event_info(event).code;
    }
    (*source)->collect({.syscalls = every_call()});  // again: the warning is not repeated
    (*source)->collect({.syscalls = settings({}).syscalls});
    EXPECT_EQ((*source)->warnings().size(), 1u);
  }
}

// A started program is seen at the call's exit then.
TEST_F(FeatureLive, an_exec_is_seen_without_its_tracepoint) {
  const auto source = open_live(settings({"process_exec"}));
  ASSERT_TRUE(source) << source.error().message;
  ASSERT_EQ((*source)->warnings().size(), 1u);
  EXPECT_TRUE((*source)->warnings()[0].starts_with("the file name of a started program"));
  EXPECT_EQ(events_of_one_child(**source)[Ev::EXECVE_19_X], 1);
}

TEST_F(FeatureLive, all_of_them_at_once) {
  const auto source = open_live(settings({"process_exit", "process_exec", "signal_delivered",
                                          "page_fault_user", "page_fault_kernel"}));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ((*source)->warnings().size(), 5u);
  std::map<Ev, int> seen = events_of_one_child(**source);
  EXPECT_EQ(seen[Ev::EXECVE_19_X], 1);
  EXPECT_EQ(seen[Ev::PROCEXIT_1_E], 0);
}

TEST_F(FeatureLive, nothing_refused_nothing_said) {
  const auto source = open_live(settings({}));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE((*source)->warnings().empty()) << (*source)->warnings()[0];
  for (const LiveFeature& feature : (*source)->features()) EXPECT_EQ(feature.refusal, "");
}

// Without the program that reports calls there is nothing.
TEST_F(FeatureLive, calls_cannot_be_done_without) {
  const auto source = open_live(settings({"sys_exit"}));
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("gyr doctor"), std::string::npos) << source.error().message;
}

}  // namespace
}  // namespace gyr::test
