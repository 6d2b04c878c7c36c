// SPDX-License-Identifier: Apache-2.0
// What is lost is counted exactly, costs the bulk class only, and makes no descriptor carry the
// name of another file.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "live_fixture.h"
#include "source/probe_rings.h"
#include "source/proc_scan.h"
#include "state/state.h"

namespace gyr::test {
namespace {

constexpr uint64_t kSmallRing = 64ul * 1024;

void flood() { syscall(SYS_linkat, -1, "/no/such", -1, "/no/such/flood", 0); }

// A source of its own with small rings, which nobody reads while `body` runs in a child.
class LossLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  }
  void open_small(std::vector<Sc> calls, uint64_t ring_bytes = kSmallRing) {
    LiveSettings settings;
    settings.syscalls = std::move(calls);
    settings.ring_bytes = ring_bytes;
    settings.iterators = iterators();
    auto opened = open_live(settings);
    ASSERT_TRUE(opened) << opened.error().message;
    small = std::move(*opened);
  }
  int64_t run_unread(const std::function<void()>& body) {
    const pid_t pid = fork();
    if (pid == 0) {
      body();
      _exit(0);
    }
    waitpid(pid, nullptr, 0);
    return pid;
  }
  // Hands out all that has happened until now.
  void read_all(const std::function<void(SourceStatus, const EventView&)>& use) const {
    usleep(20'000);
    for (;;) {
      Record record;
      EventView event;
      const SourceStatus status = small->next(&record);
      if (status == SourceStatus::Idle) return;
      if (status == SourceStatus::Event) {
        ASSERT_TRUE(event.decode(record));
      }
      use(status, event);
    }
  }
  std::unique_ptr<LiveSource> small;
};

uint64_t lost_of(const SourceCounters& counters, Sc call) {
  uint64_t lost = 0;
  for (const LossRow& row : counters.losses) lost += row.call == call ? row.count : 0;
  return lost;
}

// Ten times what the bulk ring holds, and among it what the critical ring can take.
TEST_F(LossLive, a_flood_of_bulk_events_costs_no_critical_one) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  constexpr int kRounds = 60;
  constexpr int kBulkEach = 200;
  open_small({Sc::LINKAT, Sc::PRCTL, Sc::SETSID, Sc::FORK, Sc::CLONE, Sc::SCHED_PROCESS_EXIT});
  const int64_t child = run_unread([] {
    for (int i = 0; i < kRounds; ++i) {
      for (int n = 0; n < kBulkEach; ++n) flood();
      prctl(PR_SET_NAME, "critical");
      setsid();
    }
  });
  std::map<Ev, uint64_t> seen;
  read_all([&](SourceStatus status, const EventView& event) {
    if (status == SourceStatus::Event && event.tid() == child) ++seen[event.type()];
  });
  EXPECT_EQ(seen[Ev::PRCTL_X], uint64_t{kRounds});
  EXPECT_EQ(seen[Ev::SETSID_X], uint64_t{kRounds});
  EXPECT_EQ(seen[Ev::PROCEXIT_1_E], 1u);
  const SourceCounters counters = small->counters();
  EXPECT_EQ(counters.lost_critical, 0u);
  EXPECT_GT(lost_of(counters, Sc::LINKAT), 9 * seen[Ev::LINKAT_2_X]);
}

// The generator knows how many calls it made; the call is one that nobody else here makes.
TEST_F(LossLive, what_was_seen_is_what_was_delivered_and_lost) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  constexpr uint64_t kCalls = 20'000;
  open_small({Sc::DELETE_MODULE, Sc::LINKAT});
  const int64_t child = run_unread([] {
    for (uint64_t i = 0; i < kCalls; ++i) syscall(SYS_delete_module, nullptr, 0);
    for (uint64_t i = 0; i < kCalls; ++i) flood();
  });
  std::map<Ev, uint64_t> seen;
  uint64_t told = 0;
  read_all([&](SourceStatus status, const EventView& event) {
    if (status == SourceStatus::Event && event.tid() == child) ++seen[event.type()];
    if (status == SourceStatus::Found && std::get<LostEvents>(small->take_finding()).pid == child) {
      ++told;
    }
  });
  const SourceCounters counters = small->counters();
  EXPECT_EQ(counters.seen, counters.events + counters.lost_ring_full + counters.lost_other);
  EXPECT_EQ(seen[Ev::DELETE_MODULE_X] + lost_of(counters, Sc::DELETE_MODULE), kCalls);
  // Other processes of the machine may make links too.
  EXPECT_GE(seen[Ev::LINKAT_2_X] + lost_of(counters, Sc::LINKAT), kCalls);
  EXPECT_EQ(counters.lost_critical, lost_of(counters, Sc::DELETE_MODULE));
  EXPECT_GT(counters.lost_critical, 0u);
  EXPECT_GT(lost_of(counters, Sc::LINKAT), 0u);
  EXPECT_NE(counters.lost_detail.find("linkat"), std::string::npos) << counters.lost_detail;
  EXPECT_GE(told, 1u) << "the process that lost events is named";
}

// A ring of 2 MiB is in two parts where CPUs share it; one CPU alone may fill both.
TEST_F(LossLive, a_cpu_whose_part_of_the_ring_is_full_goes_on_in_the_others) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  if (online_cpus().size() < 2) GTEST_SKIP() << "one CPU shares its ring with none";
  constexpr uint64_t kCalls = 14'000;
  constexpr uint64_t kPart = 1ul << 20;
  open_small({Sc::LINKAT}, 2 * kPart);
  const int64_t child = run_unread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(online_cpus().back(), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) _exit(1);
    for (uint64_t i = 0; i < kCalls; ++i) flood();
  });
  uint64_t bytes = 0;
  std::vector<uint64_t> times;
  read_all([&](SourceStatus status, const EventView& event) {
    if (status != SourceStatus::Event || event.tid() != child) return;
    bytes += event.bytes().size();
    times.push_back(event.ts_ns());
  });
  EXPECT_GT(bytes, kPart + kPart / 8) << "the calls no longer fill a part";
  EXPECT_EQ(times.size(), kCalls);
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_EQ(small->counters().lost_ring_full, 0u);
}

// The child has file A open, then closes it and opens B with the same number while the ring is
// full. What it does with the descriptor afterwards must not be told of A.
TEST_F(LossLive, a_lost_close_and_open_never_show_the_old_name) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  // Of opens and closes there are many on the machine: they must not fill the ring.
  open_small(
      {Sc::OPENAT, Sc::CLOSE, Sc::LINKAT, Sc::FCHMOD, Sc::CLONE, Sc::FORK, Sc::SCHED_PROCESS_EXIT},
      kSmallRing * 32);
  const std::string old_file = dir() + "/old";
  const std::string new_file = dir() + "/new";
  int64_t& phase = out(0);
  int64_t& number = out(1);
  phase = 0;
  const auto await = [&phase](int64_t value) {
    for (int i = 0; i < 20'000 && __atomic_load_n(&phase, __ATOMIC_ACQUIRE) != value; ++i) {
      usleep(1000);
    }
  };
  const auto set = [&phase](int64_t value) { __atomic_store_n(&phase, value, __ATOMIC_RELEASE); };
  const auto create = [](const std::string& path) {
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path.c_str(), O_CREAT | O_RDWR, 0600));
  };
  StateSettings settings;
  settings.live = true;
  settings.find_fd = [&](int64_t pid, int64_t fd) {
    SnapshotFd found;
    found.tid = pid;
    found.fd = fd;
    found.kind = FdKind::FileV2;
    found.name = new_file;
    return std::optional(found);
  };
  StrPool pool;
  State state(settings, pool);
  state.load(*small->take_snapshot());
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // whatever becomes of the test
    const int fd = create(old_file);
    number = fd;
    set(1);
    await(2);
    for (int i = 0; i < 60'000; ++i) flood();
    close(fd);
    create(new_file);
    set(3);
    await(4);
    fchmod(fd, 0644);
    _exit(0);
  }
  std::vector<std::string> names;
  const auto read_into_state = [&] {
    read_all([&](SourceStatus status, const EventView& event) {
      if (status == SourceStatus::Found) state.learn(small->take_finding());
      if (status != SourceStatus::Event) return;
      const EventState& now = state.apply(event);
      if (event.type() != Ev::FCHMOD_X || event.tid() != child) return;
      names.emplace_back(now.fd != nullptr ? now.fd->name.view() : "");
    });
  };
  await(1);
  read_into_state();
  const Thread* thread = state.find(child);
  ASSERT_NE(thread, nullptr);
  ASSERT_NE(state.fds(*thread).find(number), nullptr);
  EXPECT_EQ(state.fds(*thread).find(number)->name.view(), old_file);
  set(2);
  await(3);
  read_into_state();
  EXPECT_GT(small->counters().lost_ring_full, 0u);
  set(4);
  waitpid(child, nullptr, 0);
  read_into_state();
  EXPECT_THAT(names, testing::ElementsAre(new_file));
  EXPECT_GE(state.counters().fds_recovered, 1u);
}

// A storm overruns even the critical ring, and the start of a process is lost in it.
TEST_F(LossLive, a_lost_start_of_a_process_is_healed_by_a_fresh_look) {
  open_small({Sc::PRCTL, Sc::CLONE, Sc::FORK, Sc::CLONE3, Sc::EXECVE, Sc::SCHED_PROCESS_EXIT});
  StateSettings settings;
  settings.live = true;
  StrPool pool;
  State state(settings, pool);
  state.load(*small->take_snapshot());
  std::array<int, 2> report{};
  ASSERT_EQ(pipe2(report.data(), O_CLOEXEC), 0);
  run_unread([&] {
    for (int i = 0; i < 5000; ++i) prctl(PR_SET_NAME, "storm");
    const pid_t sleeper = fork();
    if (sleeper == 0) {
      alarm(20);
      execl("/bin/sleep", "sleep", "20", nullptr);
      _exit(1);
    }
    usleep(50'000);  // until it sleeps
    if (write(report[1], &sleeper, sizeof sleeper) != sizeof sleeper) _exit(1);
  });
  pid_t sleeper = 0;
  ASSERT_EQ(read(report[0], &sleeper, sizeof sleeper), ssize_t{sizeof sleeper});
  int resyncs = 0;
  read_all([&](SourceStatus status, const EventView& event) {
    if (status == SourceStatus::Event) state.apply(event);
    if (status == SourceStatus::Found) state.learn(small->take_finding());
    if (status != SourceStatus::Resync) return;
    ++resyncs;
    const auto fresh = small->look_again();
    ASSERT_TRUE(fresh) << fresh.error().message;
    state.reconcile(*fresh);
  });
  EXPECT_GT(small->counters().lost_critical, 0u);
  EXPECT_GE(resyncs, 1);
  const Thread* thread = state.find(sleeper);
  ASSERT_NE(thread, nullptr);
  EXPECT_THAT(std::string(thread->exepath.view()), testing::EndsWith("/sleep"));
  EXPECT_GE(state.counters().threads_corrected, 1u);
  kill(sleeper, SIGKILL);
  close(report[0]);
  close(report[1]);
}

TEST_F(LossLive, calls_that_are_selected_later_make_the_state_learn_again) {
  const auto what_comes = [&] {
    std::pair<int, int> forgotten_and_resyncs{};
    read_all([&](SourceStatus status, const EventView&) {
      if (status == SourceStatus::Found &&
          std::get<LostEvents>(small->take_finding()).pid == LostEvents::kAnyProcess) {
        ++forgotten_and_resyncs.first;
      }
      if (status != SourceStatus::Resync) return;
      ++forgotten_and_resyncs.second;
      EXPECT_TRUE(small->look_again());
    });
    return forgotten_and_resyncs;
  };
  open_small({Sc::SWAPOFF});
  EXPECT_EQ(what_comes(), std::pair(0, 0));
  small->collect({.syscalls = {Sc::SWAPOFF, Sc::SWAPON}});
  EXPECT_EQ(what_comes(), std::pair(0, 0)) << "the state does not follow it";
  small->collect({.syscalls = {Sc::SWAPOFF, Sc::CHROOT}});
  EXPECT_EQ(what_comes(), std::pair(1, 1));
  small->collect({.syscalls = {Sc::CHROOT}});
  EXPECT_EQ(what_comes(), std::pair(0, 0));
}

}  // namespace
}  // namespace gyr::test
