// SPDX-License-Identifier: Apache-2.0
// Calls whose parameters depend on what they are asked for: ptrace, prctl, keyctl, options of
// sockets.
//
// First: the headers below define macros with names of the schema.
#include "live_fixture.h"
//
#include <linux/keyctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

using ControlLive = LiveTest;

std::string wide(uint64_t value) { return std::string(reinterpret_cast<const char*>(&value), 8); }
// A variant: its index, then the value.
std::string number(uint64_t value) { return '\0' + wide(value); }

TEST_F(ControlLive, ptrace_requests) {
  if (by_ptrace()) GTEST_SKIP() << kOneTracer;
  static volatile long word = 0x1122334455667788;
  const auto address = reinterpret_cast<uint64_t>(&word);
  user_regs_struct regs{};
  const auto room = reinterpret_cast<uint64_t>(&regs);
  const auto events = of(run([&] {
                           const pid_t pid = fork();
                           if (pid == 0) {
                             syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
                             raise(SIGSTOP);
                             getppid();
                             while (true) pause();
                           }
                           out(0) = pid;
                           waitpid(pid, nullptr, 0);
                           const auto trace = [&](long request, uint64_t at, uint64_t data) {
                             return syscall(SYS_ptrace, request, pid, at, data);
                           };
                           trace(PTRACE_PEEKDATA, address, room);
                           trace(PTRACE_PEEKTEXT, 8, room);  // nothing is there
                           trace(PTRACE_POKEDATA, address, 77);
                           trace(PTRACE_PEEKUSER, offsetof(user_regs_struct, cs), room);
                           trace(PTRACE_SETOPTIONS, 0, PTRACE_O_EXITKILL);
                           trace(PTRACE_GETREGS, 0, room);
                           trace(PTRACE_SYSCALL, 0, 0);
                           waitpid(pid, nullptr, 0);
                           trace(PTRACE_SINGLESTEP, 0, 0);
                           waitpid(pid, nullptr, 0);
                           trace(PTRACE_CONT, 0, SIGTERM);
                           waitpid(pid, nullptr, 0);
                           trace(PTRACE_KILL, 0, 0);
                         }),
                         Ev::PTRACE_X);
  ASSERT_EQ(events.size(), 10u);
  const auto expect_ptrace = [&](size_t at, int64_t result, uint64_t addr, const std::string& data,
                                 int64_t request) {
    SCOPED_TRACE(at);
    expect(events[at], {{"res", result},
                        {"addr", number(addr)},
                        {"data", data},
                        {"request", request},
                        {"pid", out(0)}});
  };
  expect_ptrace(0, 0, address, number(0x1122334455667788), 3);
  expect_ptrace(1, -EIO, 0, number(0), 2);  // what failed tells neither
  expect_ptrace(2, 0, address, number(77), 6);
  expect_ptrace(3, 0, offsetof(user_regs_struct, cs), number(0x33), 4);
  expect_ptrace(4, 0, 0, number(PTRACE_O_EXITKILL), 14);
  expect_ptrace(5, 0, 0, number(room), 26);
  expect_ptrace(6, 0, 0, "\1\0"s, 13);  // what resumes tells a signal
  expect_ptrace(7, 0, 0, "\1\0"s, 10);
  expect_ptrace(8, 0, 0, "\1\x0f"s, 8);
  EXPECT_EQ(events[9].number("request"), 9);
}

TEST_F(ControlLive, a_traced_process_asks_for_it) {
  if (by_ptrace()) GTEST_SKIP() << kOneTracer;
  const Seen seen = only(run([] { syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }), Ev::PTRACE_X);
  expect(seen, {{"res", 0}, {"addr", number(0)}, {"data", number(0)}, {"request", 1}, {"pid", 0}});
}

TEST_F(ControlLive, prctl_options) {
  struct Case {
    long option;
    int64_t argument;
    int64_t result;
  };
  const std::vector<Case> cases{{PR_SET_DUMPABLE, 1, 0},           {PR_GET_DUMPABLE, 0, 1},
                                {PR_SET_KEEPCAPS, 1, 0},           {PR_GET_KEEPCAPS, 0, 1},
                                {PR_CAPBSET_READ, 0, 1},           {PR_CAPBSET_READ, 999, -EINVAL},
                                {PR_SET_PDEATHSIG, 0, 0},          {PR_GET_SECUREBITS, 0, 1 << 4},
                                {PR_SET_NO_NEW_PRIVS, 1, 0},       {PR_GET_NO_NEW_PRIVS, 0, 1},
                                {PR_SET_NO_NEW_PRIVS, 7, -EINVAL}, {77777, -5, -EINVAL}};
  const auto events = of(run([&] {
                           for (const Case& one : cases) {
                             syscall(SYS_prctl, one.option, one.argument, 0, 0, 0);
                           }
                           char name[16] = {};
                           syscall(SYS_prctl, PR_SET_NAME, "a name that is too long", 0, 0, 0);
                           syscall(SYS_prctl, PR_GET_NAME, name, 0, 0, 0);
                           syscall(SYS_prctl, PR_SET_NAME, 8, 0, 0, 0);  // no text is there
                         }),
                         Ev::PRCTL_X);
  ASSERT_EQ(events.size(), cases.size() + 3);
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].option);
    expect(events[i], {{"res", cases[i].result},
                       {"option", cases[i].option},
                       {"arg2_str", kEmpty},
                       {"arg2_int", cases[i].argument}});
  }
  const auto expect_name = [&](size_t at, int64_t result, int64_t option, const std::string& name) {
    expect(events[cases.size() + at],
           {{"res", result}, {"option", option}, {"arg2_str", name}, {"arg2_int", 0}});
  };
  expect_name(0, 0, 15, "a name that is too long");
  expect_name(1, 0, 16, "a name that is ");
  expect_name(2, -EFAULT, 15, kEmpty);
}

TEST_F(ControlLive, keyctl_operations) {
  const auto text = [](const char* one) { return "\1"s + one + '\0'; };
  const auto events = of(run([&] {
                           char kind[] = "user", name[] = "gyr", room[64];
                           syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0);
                           syscall(SYS_keyctl, KEYCTL_SEARCH, -3, kind, name, 0);
                           syscall(SYS_keyctl, KEYCTL_DESCRIBE, -3, room, sizeof room, 0);
                           out(0) = reinterpret_cast<int64_t>(room);
                           syscall(SYS_keyctl, KEYCTL_RESTRICT_KEYRING, 7, kind, name, 0);
                           syscall(SYS_keyctl, KEYCTL_SETPERM, -3, 0x3f3f0000, 0, 0);
                           syscall(SYS_keyctl, 999, -1, 8, 9, 10);
                         }),
                         Ev::KEYCTL_X);
  ASSERT_EQ(events.size(), 6u);
  const auto expect_keys = [&](size_t at, int64_t operation, const std::string& second,
                               const std::string& third, const std::string& fourth,
                               const std::string& fifth) {
    SCOPED_TRACE(at);
    expect(events[at], {{"res", kAny},
                        {"operation", operation},
                        {"arg2", second},
                        {"arg3", third},
                        {"arg4", fourth},
                        {"arg5", fifth}});
  };
  const auto session = number(static_cast<uint64_t>(-3));  // KEY_SPEC_SESSION_KEYRING
  expect_keys(0, 1, number(0), number(0), number(0), number(0));
  expect_keys(1, 10, session, text("user"), text("gyr"), number(0));
  expect_keys(2, 6, session, number(static_cast<uint64_t>(out(0))), number(64), number(0));
  expect_keys(3, 29, number(7), text("user"), text("gyr"), number(0));
  expect_keys(4, 5, session, number(0x3f3f0000), number(0), number(0));
  expect_keys(5, 999, number(~0ull), number(8), number(9), number(10));
}

TEST_F(ControlLive, options_of_sockets) {
  struct Case {
    int level, option;
    std::string value;  // as the caller hands it over
    int64_t told_level, told_option;
    std::string told;
  };
  const int one = 1;
  const std::string yes(reinterpret_cast<const char*>(&one), 4);
  const std::string linger = yes + yes, device = "lo\0"s;
  const std::vector<Case> cases{
      {SOL_SOCKET, SO_DEBUG, yes, 1, 1, "\2" + yes},
      {SOL_SOCKET, SO_REUSEADDR, yes, 1, 2, "\2" + yes},
      {SOL_SOCKET, SO_KEEPALIVE, yes, 1, 9, "\2" + yes},
      {SOL_SOCKET, SO_LINGER, linger, 1, 13, "\0"s + linger},
      {SOL_SOCKET, SO_REUSEPORT, yes, 1, 15, "\2" + yes},
      {SOL_SOCKET, SO_SNDTIMEO, wide(1) + wide(500'000), 1, 21, "\4" + wide(1'500'000'000)},
      {SOL_SOCKET, SO_BINDTODEVICE, device, 1, 25, "\0"s + device},
      {SOL_SOCKET, SO_MARK, yes, 1, 36, "\2" + yes},
      {SOL_SOCKET, SO_COOKIE, wide(5), 1, 53, "\3" + wide(5)},
      {SOL_SOCKET, 50 /* SO_ATTACH_BPF */, yes, 1, 50, "\0"s + yes},
      {SOL_SOCKET, 51 /* SO_ATTACH_REUSEPORT_CBPF */, yes, 1, 0, "\0"s + yes},
      {SOL_SOCKET, SO_PEERGROUPS, yes, 1, 51, "\0"s + yes},
      {SOL_SOCKET, 9999, yes, 1, 0, "\0"s + yes},
      {6 /* SOL_TCP */, 1, yes, 2, 0, "\0"s + yes},
      {0 /* SOL_IP */, 2, yes, 0, 0, "\0"s + yes},
  };
  const auto events = of(run([&] {
                           const long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
                           out(0) = fd;
                           for (size_t i = 0; i < cases.size(); ++i) {
                             const std::string value = cases[i].value;
                             out(1 + i) = syscall(SYS_setsockopt, fd, cases[i].level,
                                                  cases[i].option, value.data(), value.size());
                             if (out(1 + i) != 0) out(1 + i) = -errno;
                           }
                         }),
                         Ev::SETSOCKOPT_X);
  ASSERT_EQ(events.size(), cases.size());
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].option);
    expect(events[i], {{"res", out(1 + i)},
                       {"fd", out(0)},
                       {"level", cases[i].told_level},
                       {"optname", cases[i].told_option},
                       {"val", cases[i].told},
                       {"optlen", static_cast<int64_t>(cases[i].value.size())}});
  }
}

TEST_F(ControlLive, an_error_of_a_socket) {
  const Seen seen = only(run([&] {
                           const long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
                           out(0) = fd;
                           int error = ECONNREFUSED;
                           socklen_t size = sizeof error;
                           syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
                         }),
                         Ev::GETSOCKOPT_X);
  expect(seen, {{"res", 0},
                {"fd", out(0)},
                {"level", 1},
                {"optname", 4},
                {"val", "\1" + wide(0)},
                {"optlen", 4}});
}

}  // namespace
}  // namespace gyr::test
