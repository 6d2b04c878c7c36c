// SPDX-License-Identifier: Apache-2.0
// Events that no call makes, live: signals that are delivered, page faults.
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "live_fixture.h"

namespace gyr::test {
namespace {

class TracepointLive : public LiveTest {
 protected:
  // The signals that the child itself got, in order.
  std::vector<Seen> signals(const std::function<int()>& body) {
    auto found = of(run_with({Sc::SIGNAL_DELIVER}, body), Ev::SIGNALDELIVER_E);
    std::erase_if(found, [&](const Seen& seen) { return seen.tid() != child(); });
    return found;
  }

  void expect_signal(const Seen& seen, int64_t from, int number) {
    expect(seen, {{"spid", from}, {"dpid", child()}, {"sig", number}});
  }

  // The child's page faults at the address that it stored in out(0).
  std::vector<Seen> faults(const std::function<int()>& body) {
    auto found = of(run_with({Sc::PAGE_FAULT_USER, Sc::PAGE_FAULT_KERNEL}, body), Ev::PAGE_FAULT_E);
    std::erase_if(found, [&](const Seen& seen) {
      return seen.tid() != child() || seen.number("addr") != out(0);
    });
    return found;
  }
};

void ignore_it(int) {}

// A page that is mapped and that nobody touched.
volatile char* fresh_page(int protection) {
  void* page = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return static_cast<volatile char*>(page);
}

TEST_F(TracepointLive, signals_of_processes) {
  const auto seen = signals([&] {
    signal(SIGUSR1, ignore_it);
    signal(SIGTERM, ignore_it);
    signal(SIGHUP, SIG_IGN);  // not delivered, so not seen
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGHUP);
    sigval value{};
    sigqueue(getpid(), SIGTERM, value);
    syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
    return 0;
  });
  ASSERT_EQ(seen.size(), 3u);
  expect_signal(seen[0], child(), SIGUSR1);
  expect_signal(seen[1], child(), SIGTERM);
  expect_signal(seen[2], child(), SIGUSR1);
}

TEST_F(TracepointLive, signals_of_the_kernel) {
  const auto seen = signals([] {
    signal(SIGALRM, ignore_it);
    const itimerval soon{{0, 0}, {0, 1000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    pause();
    return 0;
  });
  ASSERT_EQ(seen.size(), 1u);
  expect_signal(seen[0], 0, SIGALRM);
}

TEST_F(TracepointLive, a_child_that_ends_is_the_sender) {
  const auto seen = signals([&] {
    signal(SIGCHLD, ignore_it);
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(pid, nullptr, 0);
    return 0;
  });
  ASSERT_EQ(seen.size(), 1u);
  expect_signal(seen[0], out(0), SIGCHLD);
}

TEST_F(TracepointLive, a_deadly_signal_arrives_as_the_end_of_the_group) {
  if (by_ptrace()) GTEST_SKIP() << "ptrace sees the signal that was sent, not SIGKILL";
  const auto seen = signals([] {
    kill(getpid(), SIGTERM);
    return 0;
  });
  ASSERT_EQ(seen.size(), 1u);
  expect_signal(seen[0], 0, SIGKILL);
}

TEST_F(TracepointLive, a_wrong_access_delivers_its_signal) {
  const auto seen = signals([] {
    *fresh_page(PROT_READ) = 1;
    return 0;
  });
  ASSERT_EQ(seen.size(), 1u);
  expect_signal(seen[0], 0, SIGSEGV);
}

TEST_F(TracepointLive, signals_are_not_seen_unless_selected) {
  const auto events = run([] {
    signal(SIGUSR1, ignore_it);
    raise(SIGUSR1);
  });
  EXPECT_TRUE(of(events, Ev::SIGNALDELIVER_E).empty());
  EXPECT_TRUE(of(events, Ev::PAGE_FAULT_E).empty());
}

constexpr int64_t kProtection = 1, kNotPresent = 2, kWrite = 4, kRead = 8, kUser = 16,
                  kSupervisor = 32, kInstruction = 128;

TEST_F(TracepointLive, page_faults_of_a_program) {
  if (by_ptrace()) GTEST_SKIP() << kNoPageFaults;
  struct Case {
    const char* name;
    int protection;
    void (*access)(volatile char*);
    int64_t error;
  };
  const Case cases[] = {
      {"write", PROT_READ | PROT_WRITE, [](volatile char* page) { *page = 1; },
       kNotPresent | kWrite | kUser},
      {"read", PROT_READ, [](volatile char* page) { static_cast<void>(*page); },
       kNotPresent | kRead | kUser},
      {"call", PROT_READ | PROT_WRITE,
       [](volatile char* page) {
         reinterpret_cast<void (*)()>(reinterpret_cast<uintptr_t>(page))();
       },
       kNotPresent | kRead | kUser | kInstruction},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const auto seen = faults([&] {
      volatile char* page = fresh_page(one.protection);
      out(0) = reinterpret_cast<int64_t>(page);
      one.access(page);
      return 0;
    });
    ASSERT_GE(seen.size(), 1u);
    const int64_t ip = seen[0].number("ip");
    EXPECT_TRUE(ip > 0) << "a program's addresses are in the lower half";
    expect(seen[0], {{"addr", out(0)}, {"ip", ip}, {"error", one.error}});
  }
}

TEST_F(TracepointLive, a_page_fault_that_protection_causes) {
  if (by_ptrace()) GTEST_SKIP() << kNoPageFaults;
  const auto seen = faults([&] {
    volatile char* page = fresh_page(PROT_READ | PROT_WRITE);
    *page = 1;
    mprotect(const_cast<char*>(page), 4096, PROT_READ);
    out(0) = reinterpret_cast<int64_t>(page);
    *page = 2;
    return 0;
  });
  ASSERT_EQ(seen.size(), 2u);  // before, and the one that kills
  expect(seen[1], {{"addr", out(0)}, {"ip", kAny}, {"error", kProtection | kWrite | kUser}});
  EXPECT_NE(status(), 0);  // by the signal, or by a sanitizer that catches it
}

TEST_F(TracepointLive, page_faults_of_the_kernel) {
  if (by_ptrace()) GTEST_SKIP() << kNoPageFaults;
  const auto seen = faults([&] {
    volatile char* page = fresh_page(PROT_READ | PROT_WRITE);
    out(0) = reinterpret_cast<int64_t>(page);
    return syscall(SYS_getcwd, page, 4096) > 0 ? 0 : 1;
  });
  ASSERT_EQ(seen.size(), 1u);
  const int64_t ip = seen[0].number("ip");
  EXPECT_TRUE(ip < 0) << "the kernel's addresses are in the upper half";
  expect(seen[0], {{"addr", out(0)}, {"ip", ip}, {"error", kNotPresent | kWrite | kSupervisor}});
}

// The probe reads the callers' memory, and faults where nothing is mapped. That must not spoil the
// record under construction. (It makes no event either; that of another probe on this host would.)
TEST_F(TracepointLive, a_fault_of_the_probe_leaves_its_record_alone) {
  if (by_ptrace()) GTEST_SKIP() << kNoPageFaults;
  const auto events = run_with({Sc::PAGE_FAULT_USER, Sc::PAGE_FAULT_KERNEL}, [&] {
    volatile char* page = fresh_page(PROT_READ | PROT_WRITE);
    out(0) = reinterpret_cast<int64_t>(page);
    syscall(SYS_write, 900, page, 10);  // refused before the buffer is looked at
    return 0;
  });
  expect(only(events, Ev::WRITE_X), {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 10}});
}

}  // namespace
}  // namespace gyr::test
