// SPDX-License-Identifier: Apache-2.0
// The scan of /proc, against what this process and a child of it are known to be.
#include "source/proc_scan.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

namespace gyr {
namespace {

const SnapshotFd* find_fd(const std::vector<SnapshotFd>& fds, int64_t fd) {
  const auto found = std::find_if(fds.begin(), fds.end(), [&](const SnapshotFd& one) {
    return one.fd == fd && one.tid == getpid();
  });
  return found == fds.end() ? nullptr : &*found;
}

TEST(ProcScan, sees_this_process_as_it_is) {
  const auto files = system_files("");
  const auto snapshot = scan_proc(*files, *system_users(""));
  ASSERT_TRUE(snapshot);
  const auto self = std::find_if(snapshot->threads.begin(), snapshot->threads.end(),
                                 [](const SnapshotThread& one) { return one.tid == getpid(); });
  ASSERT_NE(self, snapshot->threads.end());
  EXPECT_EQ(self->pid, getpid());
  EXPECT_EQ(self->ptid, getppid());
  EXPECT_EQ(self->sid, getsid(0));
  EXPECT_EQ(self->pgid, getpgid(0));
  EXPECT_EQ(self->vpid, getpid());
  EXPECT_EQ(self->vtid, getpid());
  EXPECT_EQ(self->uid, geteuid());
  EXPECT_EQ(self->gid, getegid());
  std::array<char, 4096> text{};
  ASSERT_GT(readlink("/proc/self/exe", text.data(), text.size() - 1), 0);
  EXPECT_EQ(self->exepath, text.data());
  ASSERT_NE(getcwd(text.data(), text.size()), nullptr);
  EXPECT_EQ(self->cwd, text.data());
  EXPECT_EQ(self->root, "/");
  EXPECT_GT(self->vmsize_kb, self->vmrss_kb);
  EXPECT_GT(self->vmrss_kb, 100u);
  struct stat exe {};
  stat("/proc/self/exe", &exe);
  EXPECT_EQ(self->exe_ino, exe.st_ino);
  EXPECT_FALSE(self->cgroups.empty());
  EXPECT_NE(self->cgroups.find('='), std::string::npos);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const double age = static_cast<double>(now.tv_sec) - static_cast<double>(self->clone_ts_ns) / 1e9;
  EXPECT_TRUE(age > -2 && age < 600) << age;
  EXPECT_FALSE(snapshot->from_capture);
  EXPECT_TRUE(snapshot->has_users);
  EXPECT_FALSE(snapshot->users.empty());
  EXPECT_FALSE(snapshot->interfaces.empty());
  EXPECT_GT(snapshot->machine.num_cpus, 0u);
  EXPECT_GT(snapshot->machine.boot_ts_ns, 0u);
}

TEST(ProcScan, knows_every_kind_of_descriptor) {
  const int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  const int directory = open("/etc", O_RDONLY | O_DIRECTORY);
  std::array<int, 2> pipe_fds{}, pair{};
  ASSERT_EQ(pipe(pipe_fds.data()), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
  sigset_t mask;
  sigemptyset(&mask);
  const std::array<std::pair<int, FdKind>, 7> special{
      {{eventfd(0, 0), FdKind::Event},
       {epoll_create1(0), FdKind::EventPoll},
       {inotify_init1(0), FdKind::Inotify},
       {signalfd(-1, &mask, 0), FdKind::SignalFd},
       {timerfd_create(CLOCK_MONOTONIC, 0), FdKind::TimerFd},
       {memfd_create("shy", 0), FdKind::MemFd},
       {static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)), FdKind::PidFd}}};
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(server, 1), 0);
  socklen_t size = sizeof address;
  getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const auto found = scan_thread(*system_files(""), getpid());
  ASSERT_TRUE(found);
  const auto& fds = found->fds;
  struct stat st {};
  stat("/etc/passwd", &st);
  ASSERT_NE(find_fd(fds, file), nullptr);
  EXPECT_EQ(find_fd(fds, file)->kind, FdKind::FileV2);
  EXPECT_EQ(find_fd(fds, file)->name, "/etc/passwd");
  EXPECT_EQ(find_fd(fds, file)->open_flags & 4097, 4097u);
  EXPECT_EQ(find_fd(fds, file)->ino, st.st_ino);
  EXPECT_NE(find_fd(fds, file)->mount_id, 0u);
  ASSERT_NE(find_fd(fds, directory), nullptr);
  EXPECT_EQ(find_fd(fds, directory)->kind, FdKind::Directory);
  ASSERT_NE(find_fd(fds, pipe_fds[0]), nullptr);
  EXPECT_EQ(find_fd(fds, pipe_fds[0])->kind, FdKind::Fifo);
  EXPECT_EQ(find_fd(fds, pipe_fds[0])->ino, find_fd(fds, pipe_fds[1])->ino);
  ASSERT_NE(find_fd(fds, pair[0]), nullptr);
  EXPECT_EQ(find_fd(fds, pair[0])->kind, FdKind::Unix);
  for (const auto& [fd, kind] : special) {
    ASSERT_GE(fd, 0);
    ASSERT_NE(find_fd(fds, fd), nullptr);
    EXPECT_EQ(find_fd(fds, fd)->kind, kind) << static_cast<int>(kind);
    close(fd);
  }
  ASSERT_NE(find_fd(fds, server), nullptr);
  EXPECT_EQ(find_fd(fds, server)->kind, FdKind::Ipv4Server);
  EXPECT_EQ(find_fd(fds, server)->source_port, ntohs(address.sin_port));
  ASSERT_NE(find_fd(fds, client), nullptr);
  EXPECT_EQ(find_fd(fds, client)->kind, FdKind::Ipv4);
  EXPECT_EQ(find_fd(fds, client)->dest_port, ntohs(address.sin_port));
  EXPECT_EQ(std::memcmp(find_fd(fds, client)->dest_ip.data(), &address.sin_addr, 4), 0);
  EXPECT_EQ(find_fd(fds, client)->l4, 2);
  for (const int fd : {file, directory, pipe_fds[0], pipe_fds[1], pair[0], pair[1], server, client})
    close(fd);
}

TEST(ProcScan, a_thread_shares_what_its_leader_has) {
  std::mutex mutex;
  std::condition_variable changed;
  pid_t tid = 0;
  bool done = false;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    changed.notify_all();
    changed.wait(lock, [&] { return done; });
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return tid != 0; });
  const auto found = scan_thread(*system_files(""), tid);
  done = true;
  changed.notify_all();
  lock.unlock();
  other.join();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->thread.tid, tid);
  EXPECT_EQ(found->thread.pid, getpid());
  EXPECT_EQ(found->thread.vtid, tid);
  EXPECT_EQ(found->thread.flags, 8193u);  // CLONE_THREAD | CLONE_FILES
  EXPECT_FALSE(scan_thread(*system_files(""), 4'000'000));
}

TEST(ProcScan, does_not_take_long_for_a_thread_with_many_descriptors) {
  std::vector<int> many;
  for (size_t i = 0; i < 2 * kFdsOfScannedThread; ++i) many.push_back(dup(0));
  const auto found = scan_thread(*system_files(""), getpid());
  ASSERT_TRUE(found);
  EXPECT_LE(found->fds.size(), kFdsOfScannedThread);
  EXPECT_EQ(found->fds.front().fd, 0);
  const auto all = scan_proc(*system_files(""), *system_users(""));
  ASSERT_TRUE(all);
  EXPECT_TRUE(std::any_of(all->fds.begin(), all->fds.end(), [&](const SnapshotFd& fd) {
    return fd.tid == getpid() && fd.fd == many.back();
  })) << "the look at the start has all";
  for (const int fd : many) close(fd);
}

TEST(ProcScan, says_when_there_is_no_proc) {
  const auto snapshot = scan_proc(*system_files("/no/such/root"), *system_users("/no/such/root"));
  ASSERT_FALSE(snapshot);
  EXPECT_NE(snapshot.error().message.find("/proc"), std::string::npos);
}

}  // namespace
}  // namespace gyr
