// SPDX-License-Identifier: Apache-2.0
// Attach modes: which calls each of them sees and what it says of those that it does not, and that
// the set of calls follows select().
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "live_fixture.h"
#include "row_model.h"

namespace gyr::test {
namespace {

constexpr const char* kName = "/no/such/file";
constexpr long kOpen32 = 5;

class AttachLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  }
  static LiveSettings settings(AttachMode mode, std::vector<std::string> spoilt = {}) {
    LiveSettings settings;
    settings.syscalls = {Sc::OPEN, Sc::SCHED_PROCESS_EXIT};
    settings.attach_mode = mode;
    settings.spoilt = std::move(spoilt);
    return settings;
  }
  // Opens of a child that opens the file as a program of 32 bits does, or of 64.
  static int opens(LiveSource& source, bool compat) {
    void* low =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    std::strcpy(static_cast<char*>(low), kName);
    const auto path = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(low));
    const pid_t child = fork();
    if (child == 0) {
      make({.compat = compat, .number = compat ? kOpen32 : SYS_open, .args = {path, O_RDONLY}});
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    munmap(low, 4096);
    int seen = 0;
    Record record;
    for (int idle = 0; idle < 100;) {
      const SourceStatus status = source.next(&record);
      if (status == SourceStatus::Idle) ++idle;
      EventView event;
      if (status != SourceStatus::Event || !event.decode(record) || event.tid() != child) continue;
      if (event.type() == Ev::PROCEXIT_1_E) return seen;
      EXPECT_EQ(event.type(), Ev::OPEN_X);
      ++seen;
    }
    ADD_FAILURE() << "the child's exit was not seen";
    return -1;
  }
  // Warnings about it.
  static int told(const LiveSource& source, std::string_view what) {
    int count = 0;
    for (const std::string& warning : source.warnings()) {
      if (warning.find(what) != std::string::npos) ++count;
    }
    return count;
  }
};

constexpr const char* kMode = "attach mode per_syscall";
constexpr const char* kBlind = "attach mode per_syscall: calls of 32-bit programs are not seen";

TEST_F(AttachLive, every_mode_sees_what_it_does_not_say_it_misses) {
  for (const AttachMode mode : {AttachMode::Auto, AttachMode::Raw, AttachMode::PerSyscall}) {
    SCOPED_TRACE(static_cast<int>(mode));
    const auto source = open_live(settings(mode));
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(opens(**source, false), 1);
    const bool blind = told(**source, kBlind) == 1;
    EXPECT_EQ(opens(**source, true), blind ? 0 : 1);
    // Without tracefs raw takes its place, which it says; `auto` is never blind unawares.
    EXPECT_EQ(told(**source, kMode), mode == AttachMode::PerSyscall ? 1 : 0);
    EXPECT_TRUE(!blind || mode == AttachMode::PerSyscall);
  }
}

TEST_F(AttachLive, the_set_of_calls_changes_while_it_runs) {
  const auto source = open_live(settings(AttachMode::PerSyscall));
  ASSERT_TRUE(source) << source.error().message;
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(opens(**source, false), 1);
    (*source)->collect({.syscalls = {Sc::SCHED_PROCESS_EXIT, Sc::KEYCTL}});
    EXPECT_EQ(opens(**source, false), 0);
    (*source)->collect({.syscalls = {Sc::SCHED_PROCESS_EXIT, Sc::OPEN}});
  }
  EXPECT_EQ(told(**source, kMode), 1);
}

TEST_F(AttachLive, raw_takes_the_place_of_a_program_that_is_refused) {
  const auto source = open_live(settings(AttachMode::PerSyscall, {"call_exit"}));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(told(**source, kMode), 1);
  EXPECT_EQ(told(**source, "raw takes its place"), 1);
  EXPECT_EQ(opens(**source, true), 1);
}

}  // namespace
}  // namespace gyr::test
