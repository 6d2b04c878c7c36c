// SPDX-License-Identifier: Apache-2.0
// Many processes at once: every event arrives, in order of time, or is counted as lost.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using StormLive = LiveTest;

constexpr int kProcesses = 4;

void storm(int calls) {
  for (int i = 0; i < kProcesses; ++i) {
    if (fork() == 0) {
      for (int n = 0; n < calls; ++n) syscall(SYS_rmdir, "/no/such/storm");
      _exit(0);
    }
  }
  while (wait(nullptr) > 0) {
  }
}

TEST_F(StormLive, every_event_of_a_storm_arrives_in_order) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  constexpr int kCalls = 5000;
  const auto events = run_all([] { storm(kCalls); });  // run_all checks the order
  EXPECT_EQ(of(events, Ev::RMDIR_2_X).size(), size_t{kCalls} * kProcesses);
  EXPECT_EQ(of(events, Ev::PROCEXIT_1_E).size(), size_t{kProcesses} + 1);
  EXPECT_EQ(source().counters().lost_detail.find("out of order"), std::string::npos);
}

TEST_F(StormLive, what_does_not_fit_into_the_ring_is_counted_exactly) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  constexpr int kCalls = 3000;
  LiveSettings settings;
  settings.syscalls = {Sc::RMDIR};
  settings.ring_bytes = 64 * 1024;
  auto opened = open_live(settings);
  ASSERT_TRUE(opened) << opened.error().message;
  run_all([] { storm(kCalls); });
  uint64_t seen = 0;
  usleep(20'000);  // then the first pause comes after all of it
  for (;;) {
    Record record;
    EventView event;
    const SourceStatus status = (*opened)->next(&record);
    if (status == SourceStatus::Idle) break;
    if (status != SourceStatus::Event) continue;
    ASSERT_TRUE(event.decode(record));
    if (event.type() == Ev::RMDIR_2_X && event.text(1) == "/no/such/storm") ++seen;
  }
  const SourceCounters counters = (*opened)->counters();
  EXPECT_GT(counters.lost_ring_full, 0u);
  // Other processes of the machine may remove directories too: they can only add to what was lost.
  EXPECT_GE(seen + counters.lost_ring_full, uint64_t{kCalls} * kProcesses);
  EXPECT_LE(seen + counters.lost_ring_full, uint64_t{kCalls} * kProcesses + 200);
  EXPECT_NE(counters.lost_detail.find("ring was full"), std::string::npos);
}

TEST_F(StormLive, an_alert_would_not_wait) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  // From the call to the event in our hands: the reader sleeps 100 ms at most.
  const pid_t pid = fork();
  if (pid == 0) {
    usleep(200'000);
    syscall(SYS_rmdir, "/no/such/alert");
    _exit(0);
  }
  timespec now{};
  int64_t waited = -1;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (waited < 0 && std::chrono::steady_clock::now() < deadline) {
    Record record;
    EventView event;
    if (source().next(&record) != SourceStatus::Event || !event.decode(record)) continue;
    if (event.type() != Ev::RMDIR_2_X || event.tid() != pid) continue;
    clock_gettime(CLOCK_REALTIME, &now);
    waited = now.tv_sec * 1'000'000'000 + now.tv_nsec - static_cast<int64_t>(event.ts_ns());
  }
  waitpid(pid, nullptr, 0);
  EXPECT_GE(waited, 0);
  EXPECT_LT(waited, 500'000'000) << "ns; a few ms on a machine that has nothing else to do";
}

}  // namespace
}  // namespace gyr::test
