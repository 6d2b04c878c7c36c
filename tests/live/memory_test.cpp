// SPDX-License-Identifier: Apache-2.0
// What callers hand over and cannot be trusted to be sound: the longest texts, pointers to nothing,
// pages that are not there, the largest vectors.
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

constexpr size_t kPage = 4096;

class MemoryLive : public LiveTest {
 protected:
  // How many parameters could not be read, so far.
  uint64_t unreadable() {
    const std::string detail = source().counters().lost_detail;
    const size_t at = detail.find(" parameters whose memory");
    if (at == std::string::npos) return 0;
    const size_t comma = detail.rfind(' ', at - 1);
    return std::stoull(detail.substr(comma == std::string::npos ? 0 : comma + 1));
  }

  static char* page(int protection = PROT_READ | PROT_WRITE, size_t pages = 1) {
    return static_cast<char*>(
        mmap(nullptr, pages * kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }

  void expect_open(const Seen& seen, int64_t result, const std::string& name) {
    expect(seen, {{"fd", result},
                  {"dirfd", AT_FDCWD},
                  {"name", name},
                  {"flags", seen.number("flags")},
                  {"mode", 0},
                  {"dev", seen.number("dev")},
                  {"ino", seen.number("ino")}});
  }
};

TEST_F(MemoryLive, the_longest_path) {
  std::string longest;
  while (longest.size() < PATH_MAX - 2) longest += "./";
  longest += '.';
  ASSERT_EQ(longest.size(), PATH_MAX - 1u);
  const std::string longer = longest + "./x";
  const auto events = of(run([&] {
                           if (chdir(dir().c_str()) != 0) return;
                           out(0) = syscall(SYS_openat, AT_FDCWD, longest.c_str(), O_RDONLY, 0);
                           syscall(SYS_openat, AT_FDCWD, longer.c_str(), O_RDONLY, 0);
                         }),
                         Ev::OPENAT_2_X);
  ASSERT_EQ(events.size(), 2u);
  expect_open(events[0], out(0), longest);
  expect_open(events[1], -ENAMETOOLONG, longest);  // cut as the kernel would
}

TEST_F(MemoryLive, two_of_the_longest_paths) {
  const std::string from(PATH_MAX - 1, 'a'), to(PATH_MAX - 1, 'b');
  const Seen seen = only(run([&] { syscall(SYS_rename, from.c_str(), to.c_str()); }), Ev::RENAME_X);
  expect(seen, {{"res", -ENAMETOOLONG}, {"oldpath", from}, {"newpath", to}});
}

TEST_F(MemoryLive, the_longest_component) {
  const std::string longest(NAME_MAX, 'n');
  const auto events = of(run([&] {
                           if (chdir(dir().c_str()) != 0) return;
                           syscall(SYS_mkdir, longest.c_str(), 0700);
                           syscall(SYS_mkdir, (longest + "n").c_str(), 0700);
                         }),
                         Ev::MKDIR_2_X);
  ASSERT_EQ(events.size(), 2u);
  expect(events[0], {{"res", 0}, {"path", longest}, {"mode", 0700}});
  expect(events[1], {{"res", -ENAMETOOLONG}, {"path", longest + "n"}, {"mode", 0700}});
}

TEST_F(MemoryLive, pointers_to_nothing) {
  const uint64_t before = unreadable();
  const auto events =
      of(run([&] {
           const std::array<uintptr_t, 5> places{0, 1, 0xffff888000000000, 0x8000000000000000,
                                                 reinterpret_cast<uintptr_t>(page(PROT_NONE))};
           for (const uintptr_t place : places) {
             syscall(SYS_openat, AT_FDCWD, place, O_RDONLY, 0);
           }
         }),
         Ev::OPENAT_2_X);
  ASSERT_EQ(events.size(), 5u);
  for (const Seen& seen : events) expect_open(seen, -EFAULT, kEmpty);
  EXPECT_EQ(unreadable(), before + 4) << "a null pointer is no memory that cannot be read";
}

TEST_F(MemoryLive, pointers_to_nothing_in_every_place) {
  const auto events = run([] {
    const long bad = 8;
    syscall(SYS_read, 900, bad, 10);
    syscall(SYS_write, 1, bad, 10);
    syscall(SYS_writev, 1, bad, 2);
    syscall(SYS_sendmsg, 900, bad, 0);
    syscall(SYS_connect, 900, bad, 16);
    syscall(SYS_poll, bad, 2, 0);
    syscall(SYS_nanosleep, bad, nullptr);
    syscall(SYS_setrlimit, 7, bad);
    syscall(SYS_pipe, bad);
    syscall(SYS_semop, 0, bad, 2);
    syscall(SYS_openat2, AT_FDCWD, bad, bad, 24);
    syscall(SYS_setsockopt, 900, 1, 2, bad, 4);
    syscall(SYS_clone3, bad, 88);
  });
  expect(only(events, Ev::READ_X), {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 10}});
  expect(only(events, Ev::WRITE_X), {{"res", kAny}, {"data", kEmpty}, {"fd", 1}, {"size", 10}});
  expect(only(events, Ev::WRITEV_X), {{"res", -EFAULT}, {"data", kEmpty}, {"fd", 1}, {"size", 0}});
  expect(only(events, Ev::SENDMSG_X),
         {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 0}, {"tuple", kEmpty}});
  expect(only(events, Ev::CONNECT_X),
         {{"res", kAny}, {"tuple", kEmpty}, {"fd", 900}, {"addr", kEmpty}});
  expect(only(events, Ev::POLL_X), {{"res", -EFAULT}, {"fds", "\0\0"s}, {"timeout", 0}});
  expect(only(events, Ev::NANOSLEEP_X), {{"res", -EFAULT}, {"interval", 0}});
  expect(only(events, Ev::SETRLIMIT_X),
         {{"res", -EFAULT}, {"cur", -1}, {"max", -1}, {"resource", 7}});
  expect(only(events, Ev::PIPE_X), {{"res", -EFAULT}, {"fd1", -1}, {"fd2", -1}, {"ino", 0}});
  EXPECT_LT(only(events, Ev::SEMOP_X).number("res"), 0);
  expect(only(events, Ev::OPENAT2_X), {{"fd", -EFAULT},
                                       {"dirfd", AT_FDCWD},
                                       {"name", kEmpty},
                                       {"flags", 1},
                                       {"mode", 0},
                                       {"resolve", 0},
                                       {"dev", 0},
                                       {"ino", 0}});
  EXPECT_LT(only(events, Ev::SETSOCKOPT_X).number("res"), 0);
  EXPECT_EQ(of(events, Ev::CLONE3_X).back().number("res"), -EFAULT);
}

TEST_F(MemoryLive, the_empty_path) {
  expect_open(only(run([] { syscall(SYS_openat, AT_FDCWD, "", O_RDONLY, 0); }), Ev::OPENAT_2_X),
              -ENOENT, "");
}

TEST_F(MemoryLive, a_text_that_runs_into_nothing) {
  const Seen seen = only(run([&] {
                           char* two = page(PROT_READ | PROT_WRITE, 2);
                           munmap(two + kPage, kPage);
                           std::memset(two + kPage - 4, 'a', 4);
                           syscall(SYS_openat, AT_FDCWD, two + kPage - 4, O_RDONLY, 0);
                         }),
                         Ev::OPENAT_2_X);
  expect_open(seen, -EFAULT, kEmpty);
}

TEST_F(MemoryLive, a_text_over_two_pages) {
  const Seen seen = only(run([&] {
                           char* two = page(PROT_READ | PROT_WRITE, 2);
                           std::strcpy(two + kPage - 4, "/no/such");
                           syscall(SYS_openat, AT_FDCWD, two + kPage - 4, O_RDONLY, 0);
                         }),
                         Ev::OPENAT_2_X);
  expect_open(seen, -ENOENT, "/no/such");
}

TEST_F(MemoryLive, a_page_that_was_given_back) {
  const Seen seen = only(run([&] {
                           char* text = page();
                           std::strcpy(text, "/no/such");
                           madvise(text, kPage, MADV_DONTNEED);
                           syscall(SYS_openat, AT_FDCWD, text, O_RDONLY, 0);
                         }),
                         Ev::OPENAT_2_X);
  expect_open(seen, -ENOENT, "");  // the kernel found zeros, and so do we
}

// A literal of a program that nobody read yet: the kernel maps its page when it reads it.
TEST_F(MemoryLive, a_literal_that_nobody_touched) {
  const std::string file = dir() + "/literals";
  std::ofstream(file) << "/no/such" << '\0';
  const Seen seen = only(run([&] {
                           const int fd = open(file.c_str(), O_RDONLY);
                           const void* text = mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
                           syscall(SYS_unlinkat, AT_FDCWD, text, 0);
                         }),
                         Ev::UNLINKAT_2_X);
  expect(seen, {{"res", -ENOENT}, {"dirfd", AT_FDCWD}, {"name", "/no/such"}, {"flags", 0}});
}

// What the kernel did not read either cannot be told.
TEST_F(MemoryLive, data_that_nobody_touched) {
  if (by_ptrace()) GTEST_SKIP() << "a tracer reads it";
  const uint64_t before = unreadable();
  const auto events = run([&] {
    const int null = open("/dev/null", O_WRONLY);
    out(0) = null;
    syscall(SYS_write, null, page(), 10);  // that device looks at nothing
    const char* untouched = page();
    syscall(SYS_execve, "/no/such", untouched, untouched);
  });
  expect(only(events, Ev::WRITE_X), {{"res", 10}, {"data", kEmpty}, {"fd", out(0)}, {"size", 10}});
  const Seen exec = only(events, Ev::EXECVE_19_X);
  EXPECT_EQ(exec.text("filename"), "/no/such");
  EXPECT_FALSE(exec.has("exe"));
  EXPECT_FALSE(exec.has("args"));
  EXPECT_FALSE(exec.has("env"));
  EXPECT_GE(unreadable(), before + 1);
}

TEST_F(MemoryLive, data_is_cut_at_the_snap_length) {
  const auto events = of(run([&] {
                           const int null = open("/dev/null", O_WRONLY);
                           out(0) = null;
                           std::string data(81, 'x');
                           data[1] = '\0';
                           data[2] = '\xff';
                           for (const int size : {0, 1, 79, 80, 81}) {
                             syscall(SYS_write, null, data.data(), size);
                           }
                         }),
                         Ev::WRITE_X);
  ASSERT_EQ(events.size(), 5u);
  const std::string whole = "x\0\xff"s + std::string(78, 'x');
  const std::array<size_t, 5> sizes{0, 1, 79, 80, 81};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto size = static_cast<int64_t>(sizes[i]);
    const std::string data = whole.substr(0, std::min<size_t>(sizes[i], 80));
    expect(events[i],
           {{"res", size}, {"data", data.empty() ? kEmpty : data}, {"fd", out(0)}, {"size", size}});
  }
}

TEST_F(MemoryLive, the_largest_vector) {
  const auto events = run([&] {
    std::string data(2 * IOV_MAX, 'v');
    std::vector<iovec> parts(IOV_MAX + 1, iovec{data.data(), 2});
    const int null = open("/dev/null", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
    out(0) = null;
    out(1) = zero;
    syscall(SYS_writev, null, parts.data(), IOV_MAX);
    syscall(SYS_writev, null, parts.data(), IOV_MAX + 1);
    syscall(SYS_pwritev, null, parts.data(), IOV_MAX, 0, 0);
    for (iovec& part : parts) part.iov_len = 1;
    syscall(SYS_readv, zero, parts.data(), IOV_MAX);
    syscall(SYS_readv, zero, parts.data(), IOV_MAX + 1);
    std::array<int, 2> pair{};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair.data()) != 0) return;
    out(2) = pair[0];
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = IOV_MAX;
    syscall(SYS_sendmsg, pair[0], &message, 0);
  });
  const auto writev = both(events, Ev::WRITEV_X);
  const std::string data(80, 'v');
  expect(writev.good,
         {{"res", 2 * IOV_MAX}, {"data", data}, {"fd", out(0)}, {"size", 2 * IOV_MAX}});
  expect(writev.bad, {{"res", -EINVAL}, {"data", data}, {"fd", out(0)}, {"size", 2 * IOV_MAX}});
  expect(only(events, Ev::PWRITEV_X),
         {{"res", 2 * IOV_MAX}, {"data", data}, {"fd", out(0)}, {"size", 2 * IOV_MAX}, {"pos", 0}});
  const auto readv = both(events, Ev::READV_X);
  // All segments are one byte, the same.
  expect(readv.good,
         {{"res", IOV_MAX}, {"size", IOV_MAX}, {"data", std::string(80, '\0')}, {"fd", out(1)}});
  expect(readv.bad, {{"res", -EINVAL}, {"size", 0}, {"data", kEmpty}, {"fd", out(1)}});
  const Seen sent = only(events, Ev::SENDMSG_X);
  // The byte is what the last read left.
  expect(sent, {{"res", IOV_MAX},
                {"data", "\0"s + std::string(79, '\0')},
                {"fd", out(2)},
                {"size", IOV_MAX},
                {"tuple", kAny}});
}

TEST_F(MemoryLive, vectors_with_holes) {
  const auto events = of(run([&] {
                           std::array<int, 2> pipe_fds{};
                           if (pipe(pipe_fds.data()) != 0) return;
                           out(0) = pipe_fds[1];
                           char a[] = "abc", b[] = "de";
                           auto* bad = reinterpret_cast<void*>(uintptr_t{8});
                           const std::array<iovec, 3> empty{{{a, 3}, {nullptr, 0}, {b, 2}}};
                           syscall(SYS_writev, pipe_fds[1], empty.data(), 3);
                           const std::array<iovec, 3> broken{{{a, 3}, {bad, 4}, {b, 2}}};
                           out(1) = syscall(SYS_writev, pipe_fds[1], broken.data(), 3);
                           if (out(1) < 0) out(1) = -errno;
                           syscall(SYS_writev, pipe_fds[1], broken.data(), 0);
                         }),
                         Ev::WRITEV_X);
  ASSERT_EQ(events.size(), 3u);
  expect(events[0], {{"res", 5}, {"data", "abcde"}, {"fd", out(0)}, {"size", 5}});
  expect(events[1], {{"res", out(1)}, {"data", "abc"}, {"fd", out(0)}, {"size", 9}});
  expect(events[2], {{"res", 0}, {"data", kEmpty}, {"fd", out(0)}, {"size", 0}});
}

TEST_F(MemoryLive, every_message_of_many) {
  constexpr size_t kMany = 100;
  const auto events = run([&] {
    std::array<int, 2> pair{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair.data()) != 0) return;
    const int room = 1 << 20;
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    out(0) = pair[0];
    std::string data(kMany, 'm');
    std::vector<iovec> parts(kMany);
    std::vector<mmsghdr> messages(kMany);
    for (size_t i = 0; i < kMany; ++i) {
      parts[i] = {data.data(), i + 1};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    out(1) = syscall(SYS_sendmmsg, pair[0], messages.data(), kMany, 0);
    for (iovec& part : parts) part.iov_len = kMany;
    out(2) = syscall(SYS_recvmmsg, pair[1], messages.data(), out(1), MSG_DONTWAIT, nullptr);
  });
  // How many fit is the kernel's choice; each has its event.
  EXPECT_GT(out(1), 0);
  const auto sent = of(events, Ev::SENDMMSG_X);
  const auto received = of(events, Ev::RECVMMSG_X);
  ASSERT_EQ(static_cast<int64_t>(sent.size()), out(1));
  ASSERT_EQ(static_cast<int64_t>(received.size()), out(2));
  for (size_t i = 0; i < sent.size(); ++i) {
    const auto size = static_cast<int64_t>(i + 1);
    EXPECT_EQ(sent[i].number("res"), size);
    EXPECT_EQ(sent[i].number("size"), size);
    EXPECT_EQ(sent[i].bytes_of("data"), std::string(std::min<size_t>(i + 1, 80), 'm'));
    EXPECT_EQ(received[i].number("res"), size);
  }
}

TEST_F(MemoryLive, a_long_list_of_descriptors) {
  const Seen seen = only(run([] {
                           std::vector<pollfd> fds(60, pollfd{1, POLLOUT, 0});
                           syscall(SYS_poll, fds.data(), fds.size(), 0);
                         }),
                         Ev::POLL_X);
  EXPECT_EQ(seen.number("res"), 60);
  const std::string list = seen.bytes_of("fds");
  ASSERT_EQ(list.size(), 2 + 48 * 10u);  // as many as are looked at
  EXPECT_EQ(list.substr(0, 2), "\x30\0"s);
}

}  // namespace
}  // namespace gyr::test
