// SPDX-License-Identifier: Apache-2.0
// Reading, writing, memory, and the makers of special descriptors, live.
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using IoLive = LiveTest;

TEST_F(IoLive, read_and_write) {
  const auto events = run([&] {
    out(0) = open((dir() + "/f").c_str(), O_RDWR | O_CREAT, 0600);
    char text[200];
    std::memset(text, 'x', sizeof text);
    syscall(SYS_write, out(0), text, 200);
    syscall(SYS_write, 900, text, 5);
    syscall(SYS_lseek, out(0), 3, SEEK_SET);
    syscall(SYS_lseek, 900, 7, SEEK_END);
    syscall(SYS_read, out(0), text, 10);
    syscall(SYS_read, 900, text, 10);
    syscall(SYS_pwrite64, out(0), text, 4, 2);
    syscall(SYS_pwrite64, 900, text, 4, 9);
    syscall(SYS_pread64, out(0), text, 6, 1);
    syscall(SYS_pread64, 900, text, 6, 1);
  });
  const auto write = both(events, Ev::WRITE_X);
  expect(write.good, {{"res", 200}, {"data", std::string(80, 'x')}, {"fd", out(0)}, {"size", 200}});
  expect(write.bad, {{"res", -EBADF}, {"data", "xxxxx"}, {"fd", 900}, {"size", 5}});
  const auto lseek = both(events, Ev::LSEEK_X);
  expect(lseek.good, {{"res", 3}, {"fd", out(0)}, {"offset", 3}, {"whence", 0}});
  expect(lseek.bad, {{"res", -EBADF}, {"fd", 900}, {"offset", 7}, {"whence", 2}});
  const auto read = both(events, Ev::READ_X);
  expect(read.good, {{"res", 10}, {"data", std::string(10, 'x')}, {"fd", out(0)}, {"size", 10}});
  expect(read.bad, {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 10}});
  const auto pwrite = both(events, Ev::PWRITE_X);
  expect(pwrite.good, {{"res", 4}, {"data", "xxxx"}, {"fd", out(0)}, {"size", 4}, {"pos", 2}});
  expect(pwrite.bad, {{"res", -EBADF}, {"data", "xxxx"}, {"fd", 900}, {"size", 4}, {"pos", 9}});
  const auto pread = both(events, Ev::PREAD_X);
  expect(pread.good, {{"res", 6}, {"data", "xxxxxx"}, {"fd", out(0)}, {"size", 6}, {"pos", 1}});
  expect(pread.bad, {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 6}, {"pos", 1}});
}

TEST_F(IoLive, vectors) {
  const auto events = run([&] {
    out(0) = open((dir() + "/f").c_str(), O_RDWR | O_CREAT, 0600);
    char a[] = "abc", b[] = "defg";
    std::array<iovec, 2> parts{{{a, 3}, {b, 4}}};
    syscall(SYS_writev, out(0), parts.data(), 2);
    syscall(SYS_writev, 900, parts.data(), 2);
    syscall(SYS_pwritev, out(0), parts.data(), 2, 7, 0);
    syscall(SYS_pwritev, 900, parts.data(), 1, 7, 0);
    syscall(SYS_preadv, out(0), parts.data(), 2, 0, 0);
    syscall(SYS_preadv, 900, parts.data(), 2, 5, 0);
    lseek(static_cast<int>(out(0)), 0, SEEK_SET);
    syscall(SYS_readv, out(0), parts.data(), 2);
    syscall(SYS_readv, 900, parts.data(), 2);
    syscall(SYS_process_vm_readv, getpid(), parts.data(), 1, &parts[1], 1, 0);
    syscall(SYS_process_vm_readv, 999999, parts.data(), 1, &parts[1], 1, 0);
    syscall(SYS_process_vm_writev, getpid(), &parts[1], 1, parts.data(), 1, 0);
    syscall(SYS_process_vm_writev, 999999, parts.data(), 1, &parts[1], 1, 0);
  });
  const auto writev = both(events, Ev::WRITEV_X);
  expect(writev.good, {{"res", 7}, {"data", "abcdefg"}, {"fd", out(0)}, {"size", 7}});
  expect(writev.bad, {{"res", -EBADF}, {"data", "abcdefg"}, {"fd", 900}, {"size", 7}});
  const auto pwritev = both(events, Ev::PWRITEV_X);
  expect(pwritev.good, {{"res", 7}, {"data", "abcdefg"}, {"fd", out(0)}, {"size", 7}, {"pos", 7}});
  expect(pwritev.bad, {{"res", -EBADF}, {"data", "abc"}, {"fd", 900}, {"size", 3}, {"pos", 7}});
  const auto preadv = both(events, Ev::PREADV_X);
  expect(preadv.good, {{"res", 7}, {"size", 7}, {"data", "abcdefg"}, {"fd", out(0)}, {"pos", 0}});
  expect(preadv.bad, {{"res", -EBADF}, {"size", 0}, {"data", kEmpty}, {"fd", 900}, {"pos", 5}});
  const auto readv = both(events, Ev::READV_X);
  expect(readv.good, {{"res", 7}, {"size", 7}, {"data", "abcdefg"}, {"fd", out(0)}});
  expect(readv.bad, {{"res", -EBADF}, {"size", 0}, {"data", kEmpty}, {"fd", 900}});
  const auto vm_readv = both(events, Ev::PROCESS_VM_READV_X);
  expect(vm_readv.good, {{"res", 3}, {"pid", child()}, {"data", "def"}});
  expect(vm_readv.bad, {{"res", -ESRCH}, {"pid", 999999}, {"data", kEmpty}});
  const auto vm_writev = both(events, Ev::PROCESS_VM_WRITEV_X);
  expect(vm_writev.good, {{"res", 3}, {"pid", child()}, {"data", "def"}});
  expect(vm_writev.bad, {{"res", -ESRCH}, {"pid", 999999}, {"data", kEmpty}});
}

TEST_F(IoLive, copying) {
  const auto events = run([&] {
    out(0) = open((dir() + "/a").c_str(), O_RDWR | O_CREAT, 0600);
    out(1) = open((dir() + "/b").c_str(), O_RDWR | O_CREAT, 0600);
    const auto in = static_cast<int>(out(0));
    if (write(in, "0123456789", 10) != 10) return;
    loff_t from = 2, to = 5;
    syscall(SYS_sendfile, out(1), out(0), &from, 4);
    syscall(SYS_sendfile, 900, 901, nullptr, 4);
    from = 1;
    syscall(SYS_copy_file_range, out(0), &from, out(1), &to, 3, 0);
    syscall(SYS_copy_file_range, 900, nullptr, 901, nullptr, 3, 0);
    std::array<int, 2> pipe{};
    syscall(SYS_pipe2, pipe.data(), 0);
    out(2) = pipe[1];
    lseek(in, 0, SEEK_SET);
    syscall(SYS_splice, out(0), nullptr, pipe[1], nullptr, 6, 1);
    syscall(SYS_splice, 900, nullptr, 901, nullptr, 6, 2);
  });
  const auto sendfile = both(events, Ev::SENDFILE_X);
  expect(sendfile.good,
         {{"res", 4}, {"offset", 6}, {"out_fd", out(1)}, {"in_fd", out(0)}, {"size", 4}});
  expect(sendfile.bad,
         {{"res", -EBADF}, {"offset", 0}, {"out_fd", 900}, {"in_fd", 901}, {"size", 4}});
  const auto copy = both(events, Ev::COPY_FILE_RANGE_X);
  expect(
      copy.good,
      {{"res", 3}, {"fdout", out(1)}, {"offout", 8}, {"fdin", out(0)}, {"offin", 4}, {"len", 3}});
  expect(copy.bad,
         {{"res", -EBADF}, {"fdout", 901}, {"offout", 0}, {"fdin", 900}, {"offin", 0}, {"len", 3}});
  const auto splice = both(events, Ev::SPLICE_X);
  expect(splice.good,
         {{"res", 6}, {"fd_in", out(0)}, {"fd_out", out(2)}, {"size", 6}, {"flags", 1}});
  expect(splice.bad, {{"res", -EBADF}, {"fd_in", 900}, {"fd_out", 901}, {"size", 6}, {"flags", 2}});
}

TEST_F(IoLive, memory) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run([&] {
    out(0) = syscall(SYS_mmap, 0, 8192, PROT_READ | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    syscall(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, 900, 4096);
    syscall(SYS_mprotect, out(0), 4096, PROT_READ | PROT_WRITE);
    syscall(SYS_mprotect, 1, 4096, PROT_NONE);
    syscall(SYS_mlock, out(0), 4096);
    syscall(SYS_mlock2, out(0), 4096, 1);
    syscall(SYS_munlock, out(0), 4096);
    syscall(SYS_mlockall, MCL_CURRENT | MCL_ONFAULT);
    syscall(SYS_mlockall, 99);
    syscall(SYS_munlockall);
    syscall(SYS_munmap, out(0), 8192);
    syscall(SYS_munmap, 1, 4096);
    out(1) = syscall(SYS_brk, 0);
  });
  const auto mmap = both(events, Ev::MMAP_X);
  EXPECT_EQ(mmap.good.number("res"), out(0));
  EXPECT_GT(mmap.good.number("vm_size"), 1000);
  expect(mmap.good, {{"res", out(0)},
                     {"vm_size", kAny},
                     {"vm_rss", kAny},
                     {"vm_swap", 0},
                     {"addr", 0},
                     {"length", 8192},
                     {"prot", 5},
                     {"flags", 2 | 8 | 64},
                     {"fd", -1},
                     {"offset", 0}});
  expect(mmap.bad, {{"res", -EBADF},
                    {"vm_size", kAny},
                    {"vm_rss", kAny},
                    {"vm_swap", 0},
                    {"addr", 0},
                    {"length", 4096},
                    {"prot", 1},
                    {"flags", 1},
                    {"fd", 900},
                    {"offset", 4096}});
  const auto mprotect = both(events, Ev::MPROTECT_X);
  expect(mprotect.good, {{"res", 0}, {"addr", out(0)}, {"length", 4096}, {"prot", 3}});
  expect(mprotect.bad, {{"res", -EINVAL}, {"addr", 1}, {"length", 4096}, {"prot", 0}});
  expect(only(events, Ev::MLOCK_X), {{"res", 0}, {"addr", out(0)}, {"len", 4096}});
  expect(only(events, Ev::MLOCK2_X), {{"res", 0}, {"addr", out(0)}, {"len", 4096}, {"flags", 1}});
  expect(only(events, Ev::MUNLOCK_X), {{"res", 0}, {"addr", out(0)}, {"len", 4096}});
  const auto mlockall = both(events, Ev::MLOCKALL_X);
  expect(mlockall.good, {{"res", 0}, {"flags", 5}});
  expect(mlockall.bad, {{"res", -EINVAL}, {"flags", 99}});
  expect(only(events, Ev::MUNLOCKALL_X), {{"res", 0}});
  const auto munmap = both(events, Ev::MUNMAP_X);
  expect(munmap.good, {{"res", 0},
                       {"vm_size", kAny},
                       {"vm_rss", kAny},
                       {"vm_swap", 0},
                       {"addr", out(0)},
                       {"length", 8192}});
  expect(munmap.bad, {{"res", -EINVAL},
                      {"vm_size", kAny},
                      {"vm_rss", kAny},
                      {"vm_swap", 0},
                      {"addr", 1},
                      {"length", 4096}});
  const Seen brk = of(events, Ev::BRK_4_X).back();
  expect(brk, {{"res", out(1)}, {"vm_size", kAny}, {"vm_rss", kAny}, {"vm_swap", 0}, {"addr", 0}});
}

TEST_F(IoLive, memory_beyond_the_parameter) {
  constexpr size_t kSize = 5ul << 40;
  const auto events = run([&] {
    void* reserved =
        mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    out(0) = reserved != MAP_FAILED;
    syscall(SYS_brk, 0);
  });
  if (out(0) == 0) GTEST_SKIP() << "no 5 TiB of addresses can be reserved here";
  EXPECT_EQ(of(events, Ev::BRK_4_X).back().number("vm_size"), 0xffffffff);
}

TEST_F(IoLive, pipes) {
  const auto events = run([&] {
    std::array<int, 2> fds{};
    syscall(SYS_pipe, fds.data());
    out(0) = fds[0];
    out(1) = fds[1];
    struct stat st {};
    fstat(fds[0], &st);
    out(2) = static_cast<int64_t>(st.st_ino);
    syscall(SYS_pipe, nullptr);
    syscall(SYS_pipe2, fds.data(), O_CLOEXEC | O_NONBLOCK);
    out(3) = fds[0];
    out(4) = fds[1];
    fstat(fds[0], &st);
    out(5) = static_cast<int64_t>(st.st_ino);
    syscall(SYS_pipe2, fds.data(), 1);
  });
  const auto pipe = both(events, Ev::PIPE_X);
  expect(pipe.good, {{"res", 0}, {"fd1", out(0)}, {"fd2", out(1)}, {"ino", out(2)}});
  expect(pipe.bad, {{"res", -EFAULT}, {"fd1", -1}, {"fd2", -1}, {"ino", 0}});
  const auto pipe2 = both(events, Ev::PIPE2_X);
  expect(pipe2.good,
         {{"res", 0}, {"fd1", out(3)}, {"fd2", out(4)}, {"ino", out(5)}, {"flags", 4096 | 64}});
  expect(pipe2.bad, {{"res", -EINVAL}, {"fd1", -1}, {"fd2", -1}, {"ino", 0}, {"flags", 0}});
}

TEST_F(IoLive, special_descriptors) {
  const auto events = run([&] {
    uint64_t mask = 0x200;
    size_t at = 0;
    out(at++) = syscall(SYS_eventfd, 5);
    out(at++) = syscall(SYS_eventfd2, 6, EFD_CLOEXEC | EFD_NONBLOCK);
    syscall(SYS_eventfd2, 6, 3);
    out(at++) = syscall(SYS_signalfd, -1, &mask, 8);
    out(at++) = syscall(SYS_signalfd4, -1, &mask, 8, SFD_CLOEXEC);
    syscall(SYS_signalfd4, 900, &mask, 8, 0);
    out(at++) = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
    syscall(SYS_timerfd_create, 99, 0);
    out(at++) = syscall(SYS_epoll_create, 9);
    syscall(SYS_epoll_create, 0);
    out(at++) = syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    syscall(SYS_epoll_create1, 5);
    out(at++) = syscall(SYS_inotify_init);
    out(at++) = syscall(SYS_inotify_init1, IN_CLOEXEC);
    syscall(SYS_inotify_init1, 3);
    out(at++) = syscall(SYS_memfd_create, "secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    syscall(SYS_memfd_create, "secret", 0x4000000);
    out(at++) = syscall(SYS_userfaultfd, O_CLOEXEC);
    syscall(SYS_userfaultfd, 3);
    out(at++) = syscall(SYS_pidfd_open, getpid(), 0);
    syscall(SYS_pidfd_open, 999999, O_NONBLOCK);
    out(at++) = syscall(SYS_pidfd_getfd, out(11), 1, 0);
    syscall(SYS_pidfd_getfd, 900, 1, 0);
    io_uring_params params{};
    params.flags = IORING_SETUP_CLAMP;
    out(at++) = syscall(SYS_io_uring_setup, 4, &params);
    out(20) = params.features;
    syscall(SYS_io_uring_setup, 0, &params);
    syscall(SYS_io_uring_enter, out(13), 0, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
    syscall(SYS_io_uring_enter, 900, 1, 2, 1, nullptr, 0);
    alignas(io_uring_probe) std::array<char, sizeof(io_uring_probe) + 4 * sizeof(io_uring_probe_op)>
        probe{};
    out(21) = reinterpret_cast<int64_t>(probe.data());
    syscall(SYS_io_uring_register, out(13), IORING_REGISTER_PROBE, probe.data(), 4);
    syscall(SYS_io_uring_register, 900, 2, 0x1234, 7);
  });
  expect(only(events, Ev::EVENTFD_X), {{"res", out(0)}, {"initval", 5}, {"flags", 0}});
  const auto eventfd2 = both(events, Ev::EVENTFD2_X);
  expect(eventfd2.good, {{"res", out(1)}, {"flags", 4096 | 64}, {"initval", 6}});
  EXPECT_EQ(eventfd2.bad.number("res"), -EINVAL);
  expect(only(events, Ev::SIGNALFD_X),
         {{"res", out(2)}, {"fd", -1}, {"mask", 0x200}, {"flags", 0}});
  const auto signalfd4 = both(events, Ev::SIGNALFD4_X);
  expect(signalfd4.good, {{"res", out(3)}, {"flags", 4096}, {"fd", -1}, {"mask", 0x200}});
  expect(signalfd4.bad, {{"res", -EBADF}, {"flags", 0}, {"fd", 900}, {"mask", 0x200}});
  const auto timer = both(events, Ev::TIMERFD_CREATE_X);
  expect(timer.good, {{"res", out(4)}, {"clockid", 1}, {"flags", 64}});
  expect(timer.bad, {{"res", -EINVAL}, {"clockid", 99}, {"flags", 0}});
  const auto epoll = both(events, Ev::EPOLL_CREATE_X);
  expect(epoll.good, {{"res", out(5)}, {"size", 9}});
  expect(epoll.bad, {{"res", -EINVAL}, {"size", 0}});
  const auto epoll1 = both(events, Ev::EPOLL_CREATE1_X);
  expect(epoll1.good, {{"res", out(6)}, {"flags", 1}});
  expect(epoll1.bad, {{"res", -EINVAL}, {"flags", 0}});
  expect(only(events, Ev::INOTIFY_INIT_X), {{"res", out(7)}, {"flags", 0}});
  const auto inotify = both(events, Ev::INOTIFY_INIT1_X);
  expect(inotify.good, {{"res", out(8)}, {"flags", 4096}});
  EXPECT_EQ(inotify.bad.number("res"), -EINVAL);
  const auto memfd = both(events, Ev::MEMFD_CREATE_X);
  expect(memfd.good, {{"fd", out(9)}, {"name", "secret"}, {"flags", 3}});
  EXPECT_EQ(memfd.bad.number("fd"), -EINVAL);
  for (const Seen& seen : of(events, Ev::USERFAULTFD_X)) {
    if (seen.number("res") >= 0) expect(seen, {{"res", out(10)}, {"flags", 4096}});
  }
  const auto pidfd = both(events, Ev::PIDFD_OPEN_X);
  expect(pidfd.good, {{"fd", out(11)}, {"pid", child()}, {"flags", 0}});
  expect(pidfd.bad, {{"fd", -ESRCH}, {"pid", 999999}, {"flags", 1}});
  const auto getfd = both(events, Ev::PIDFD_GETFD_X);
  expect(getfd.good, {{"fd", out(12)}, {"pid_fd", out(11)}, {"target_fd", 1}, {"flags", 0}});
  expect(getfd.bad, {{"fd", -EBADF}, {"pid_fd", 900}, {"target_fd", 1}, {"flags", 0}});
  const auto uring = of(events, Ev::IO_URING_SETUP_X);
  ASSERT_EQ(uring.size(), 2u);
  if (out(13) >= 0) {
    expect(uring[0], {{"res", out(13)},
                      {"entries", 4},
                      {"sq_entries", 4},
                      {"cq_entries", 8},
                      {"flags", 32},
                      {"sq_thread_cpu", 0},
                      {"sq_thread_idle", 0},
                      {"features", out(20)}});
  }
  EXPECT_LT(uring[1].number("res"), 0);
  const auto enter = of(events, Ev::IO_URING_ENTER_X);
  ASSERT_EQ(enter.size(), 2u);
  if (out(13) >= 0) {
    expect(enter[0], {{"res", 0},
                      {"fd", out(13)},
                      {"to_submit", 0},
                      {"min_complete", 0},
                      {"flags", 1},
                      {"sig", 0}});
  }
  expect(enter[1], {{"res", kAny},
                    {"fd", 900},
                    {"to_submit", 1},
                    {"min_complete", 2},
                    {"flags", 1},
                    {"sig", 0}});
  const auto registered = of(events, Ev::IO_URING_REGISTER_X);
  ASSERT_EQ(registered.size(), 2u);
  if (out(13) >= 0) {
    expect(registered[0],
           {{"res", 0}, {"fd", out(13)}, {"opcode", 8}, {"arg", out(21)}, {"nr_args", 4}});
  }
  expect(registered[1],
         {{"res", kAny}, {"fd", 900}, {"opcode", 2}, {"arg", 0x1234}, {"nr_args", 7}});
}

TEST_F(IoLive, waiting) {
  using std::string_literals::operator""s;
  const auto events = run([&] {
    std::array<int, 2> fds{};
    if (pipe(fds.data()) != 0) return;
    if (write(fds[1], "x", 1) != 1) return;
    out(0) = fds[0];
    pollfd one{fds[0], POLLIN, 0};
    syscall(SYS_poll, &one, 1, 100);
    timespec time{0, 5'000'000};
    uint64_t mask = 2;
    syscall(SYS_ppoll, &one, 1, &time, &mask, 8);
    syscall(SYS_ppoll, nullptr, 0, &time, nullptr, 8);
    timeval none{};
    syscall(SYS_select, 0, nullptr, nullptr, nullptr, &none);
    const long epoll = epoll_create1(0);
    epoll_event ready{};
    syscall(SYS_epoll_wait, epoll, &ready, 3, 0);
    syscall(SYS_epoll_wait, 900, &ready, 4, 0);
    time = {0, 1000};
    syscall(SYS_nanosleep, &time, nullptr);
    int word = 0;
    syscall(SYS_futex, &word, 129, 5, nullptr, nullptr, 0);
    syscall(SYS_flock, fds[0], LOCK_SH | LOCK_NB);
    syscall(SYS_flock, 900, LOCK_EX);
    std::array<char, 1024> entries{};
    const int directory = open("/", O_RDONLY | O_DIRECTORY);
    out(1) = directory;
    out(2) = syscall(SYS_getdents64, directory, entries.data(), entries.size());
    syscall(SYS_getdents64, 900, entries.data(), entries.size());
    lseek(directory, 0, SEEK_SET);
    out(3) = syscall(SYS_getdents, directory, entries.data(), entries.size());
    syscall(SYS_getdents, 900, entries.data(), entries.size());
    int waiting = 0;
    out(4) = reinterpret_cast<int64_t>(&waiting);
    syscall(SYS_ioctl, fds[0], FIONREAD, &waiting);
    syscall(SYS_ioctl, 900, 0x5401, 0x77);
  });
  const auto fd = static_cast<int16_t>(out(0));
  std::string list = "\1\0"s + std::string(8, '\0') + "\1\0"s;
  std::memcpy(list.data() + 2, &fd, sizeof fd);
  expect(only(events, Ev::POLL_X), {{"res", 1}, {"fds", list}, {"timeout", 100}});
  const auto ppoll = of(events, Ev::PPOLL_X);
  ASSERT_EQ(ppoll.size(), 2u);
  expect(ppoll[0], {{"res", 1}, {"fds", list}, {"timeout", kAny}, {"sigmask", 2}});
  expect(ppoll[1], {{"res", 0}, {"fds", "\0\0"s}, {"timeout", kAny}, {"sigmask", 0}});
  const auto wait = both(events, Ev::EPOLLWAIT_X);
  expect(wait.good, {{"res", 0}, {"maxevents", 3}});
  expect(wait.bad, {{"res", -EBADF}, {"maxevents", 4}});
  expect(only(events, Ev::NANOSLEEP_X), {{"res", 0}, {"interval", 1000}});
  expect(only(events, Ev::SELECT_X), {{"res", 0}});
  const Seen futex = only(events, Ev::FUTEX_X);
  expect(futex, {{"res", 0}, {"addr", kAny}, {"op", 129}, {"val", 5}});
  const auto flock = both(events, Ev::FLOCK_X);
  expect(flock.good, {{"res", 0}, {"fd", out(0)}, {"operation", 5}});
  expect(flock.bad, {{"res", -EBADF}, {"fd", 900}, {"operation", 2}});
  const auto getdents64 = both(events, Ev::GETDENTS64_X);
  expect(getdents64.good, {{"res", out(2)}, {"fd", out(1)}});
  expect(getdents64.bad, {{"res", -EBADF}, {"fd", 900}});
  const auto getdents = both(events, Ev::GETDENTS_X);
  expect(getdents.good, {{"res", out(3)}, {"fd", out(1)}});
  expect(getdents.bad, {{"res", -EBADF}, {"fd", 900}});
  const auto ioctl = both(events, Ev::IOCTL_3_X);
  expect(ioctl.good, {{"res", 0}, {"fd", out(0)}, {"request", FIONREAD}, {"argument", out(4)}});
  expect(ioctl.bad, {{"res", -EBADF}, {"fd", 900}, {"request", 0x5401}, {"argument", 0x77}});
}

}  // namespace
}  // namespace gyr::test
