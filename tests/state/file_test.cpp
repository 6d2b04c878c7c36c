// SPDX-License-Identifier: Apache-2.0
// Opening, closing, copying; directories (state-engine 1.1, 1.2, 4.4, 4.6, 4.7).
#include <gtest/gtest.h>

#include <limits>

#include "host.h"

namespace gyr {
namespace {

using test::Host;
using test::Missing;
using test::Params;

std::string view(const Str& text) { return std::string(text.view()); }

struct Opening {
  Ev type;
  Params params;
  const char* name;
  const char* raw;
  FdKind kind;
  uint32_t flags;
  uint32_t dev;
  uint64_t ino;
};

TEST(Open, EachCallOfTheFamily) {
  const Opening cases[] = {
      {Ev::OPEN_X, {3, "a/../b", 3, 0, 8, 9}, "/home/b", "a/../b", FdKind::FileV2, 3, 8, 9},
      {Ev::OPEN_X, {3, "/etc", 1025, 0, 8, 9}, "/etc", "/etc", FdKind::Directory, 1025, 8, 9},
      {Ev::CREAT_X,
       {3, "new", 0644, 8, 9, 1},
       "/home/new",
       "new",
       FdKind::FileV2,
       kOpenUpperLayer,
       8,
       9},
      {Ev::CREAT_X,
       {3, "new", 0644, 8, 9, 2},
       "/home/new",
       "new",
       FdKind::FileV2,
       kOpenLowerLayer,
       8,
       9},
      {Ev::OPENAT_2_X, {3, kAtFdcwd, "f", 1, 0, 8, 9}, "/home/f", "f", FdKind::FileV2, 1, 8, 9},
      {Ev::OPENAT_2_X, {3, 9, "f", 1, 0, 8, 9}, "/var/f", "f", FdKind::FileV2, 1, 8, 9},
      {Ev::OPENAT_2_X, {3, 8, "f", 1, 0, 8, 9}, "<UNKNOWN>f", "f", FdKind::FileV2, 1, 8, 9},
      {Ev::OPENAT_2_X, {3, Missing{}, "f", 1, 0, 8, 9}, "f", "f", FdKind::FileV2, 1, 8, 9},
      {Ev::OPENAT2_X, {3, 9, "../x", 1, 0, 0, 8, 9}, "/x", "../x", FdKind::FileV2, 1, 8, 9},
      {Ev::OPEN_BY_HANDLE_AT_X,
       {3, 9, 1, "/mnt/x", 8, 9},
       "/mnt/x",
       "/mnt/x",
       FdKind::FileV2,
       1,
       8,
       9},
  };
  for (const Opening& c : cases) {
    Host host;
    host.load_shell();
    host.openat(100, 9, "/var", kOpenDirectory);
    const EventState& now = host.send(c.type, 100, c.params);
    ASSERT_NE(now.fd, nullptr);
    EXPECT_EQ(now.fd, host.fd(100, 3));
    EXPECT_EQ(now.fd_number, 3);
    EXPECT_EQ(view(now.fd->name), c.name);
    EXPECT_EQ(view(now.fd->name_raw), c.raw);
    EXPECT_EQ(now.fd->kind, c.kind);
    EXPECT_EQ(now.fd->open_flags, c.flags);
    EXPECT_EQ(now.fd->dev, c.dev);
    EXPECT_EQ(now.fd->ino, c.ino);
    EXPECT_EQ(now.fd->upper_layer, (c.flags & kOpenUpperLayer) != 0);
    EXPECT_EQ(now.error, 0);
    // The same call failing leaves the table alone.
    Params failed = c.params;
    failed[0] = -13;
    const EventState& after = host.send(c.type, 100, failed);
    EXPECT_EQ(after.fd, nullptr);
    EXPECT_EQ(after.fd_number, -1);
    EXPECT_EQ(after.error, 13);
    EXPECT_EQ(host.state.fds(host.thread(100)).size(), 2u);
    failed[0] = std::numeric_limits<int64_t>::min();  // no kernel's, but a file may say so
    EXPECT_EQ(host.send(c.type, 100, failed).error, std::numeric_limits<int64_t>::max());
  }
}

TEST(Open, RequestOfTheEnterEventWins) {
  Host host;
  host.load_shell();
  host.send(Ev::OPENAT_2_E, 100, {kAtFdcwd, "asked", 1, 0});
  const EventState& now =
      host.send(Ev::OPENAT_2_X, 100, {3, kAtFdcwd, "swapped", 2 | kOpenCreated, 0, 1, 2});
  EXPECT_TRUE(now.has_enter);
  EXPECT_EQ(now.enter.text(1), "asked");
  EXPECT_EQ(view(now.fd->name), "/home/asked");
  EXPECT_EQ(now.fd->open_flags, 1u | kOpenCreated);
  // A name the probe could not read yields to the exit event's.
  host.send(Ev::OPENAT_2_E, 100, {kAtFdcwd, "<NA>", 1, 0});
  EXPECT_EQ(view(host.openat(100, 4, "real").fd->name), "/home/real");
  host.send(Ev::OPEN_E, 100, {Missing{}, 1, 0});
  EXPECT_EQ(view(host.send(Ev::OPEN_X, 100, {5, "real2", 1, 0, 0, 0}).fd->name), "/home/real2");
}

TEST(EnterEvents, AreHiddenAndBelongToTheNextExit) {
  Host host;
  host.load_shell();
  for (const Ev type : {Ev::OPEN_E, Ev::OPENAT_2_E, Ev::OPENAT2_E, Ev::CREAT_E, Ev::CONNECT_E,
                        Ev::EXECVE_19_E, Ev::EXECVEAT_E}) {
    EXPECT_TRUE(host.send(type, 100, {}).hidden) << event_info(type).code;
  }
  host.send(Ev::OPENAT_2_E, 100, {kAtFdcwd, "asked", 1, 0});
  EXPECT_FALSE(host.close(100, 77, -9).has_enter) << "another call came between";
  EXPECT_FALSE(host.openat(100, 3, "own").has_enter);
  EXPECT_EQ(host.name(100, 3), "/home/own");
}

TEST(EnterEvents, TooLargeOnesAreCounted) {
  Host host;
  host.load_shell();
  host.send(Ev::OPEN_E, 100, {std::string(5000, 'x'), 1, 0});
  EXPECT_EQ(host.state.counters().enter_events_dropped, 1u);
  host.send(Ev::OPEN_E, 100, {"fits", 1, 0});
  EXPECT_EQ(host.state.counters().enter_events_stored, 1u);
}

TEST(StateOnly, EventsAreHiddenButCount) {
  Host host;
  host.load_shell();
  const EventState& now =
      host.send(Ev::OPENAT_2_X, 100, {3, kAtFdcwd, "f", 1, 0, 8, 9}, kStateOnly);
  EXPECT_TRUE(now.hidden);
  EXPECT_EQ(host.name(100, 3), "/home/f");
}

TEST(Close, TakesEffectAtTheNextEvent) {
  Host host;
  host.load_shell();
  host.openat(100, 3, "f");
  const EventState& now = host.close(100, 3);
  ASSERT_NE(now.fd, nullptr);
  EXPECT_EQ(view(now.fd->name), "/home/f");
  EXPECT_FALSE(now.fd_edited);
  host.tick();
  EXPECT_EQ(host.fd(100, 3), nullptr);
  host.openat(100, 4, "g");
  host.close(100, 4, -4);
  host.tick();
  EXPECT_NE(host.fd(100, 4), nullptr) << "a failed close closes nothing";
  EXPECT_EQ(host.close(100, 99).fd, nullptr);
}

TEST(CloseRange, ClosesOrMarks) {
  Host host;
  host.load_shell();
  for (int64_t fd = 3; fd < 9; ++fd) host.openat(100, fd, "f");
  host.send(Ev::CLOSE_RANGE_X, 100, {0, 4, 5, 0});
  EXPECT_NE(host.fd(100, 3), nullptr);
  EXPECT_EQ(host.fd(100, 4), nullptr);
  EXPECT_EQ(host.fd(100, 5), nullptr);
  host.send(Ev::CLOSE_RANGE_X, 100, {0, 6, 7, 4});
  EXPECT_NE(host.fd(100, 6)->open_flags & kOpenCloexec, 0u);
  EXPECT_EQ(host.fd(100, 8)->open_flags & kOpenCloexec, 0u);
  host.send(Ev::CLOSE_RANGE_X, 100, {-22, 0, 0xffffffffu, 0});
  EXPECT_NE(host.fd(100, 3), nullptr);
  host.send(Ev::CLOSE_RANGE_X, 100, {0, 0, 0xffffffffu, 0});
  EXPECT_EQ(host.state.fds(host.thread(100)).size(), 0u);
}

struct Copy {
  Ev type;
  Params params;
  bool cloexec;
};

TEST(Dup, CopiesWithoutCloseOnExec) {
  const Copy cases[] = {
      {Ev::DUP_1_X, {7, 3}, false},       {Ev::DUP2_X, {7, 3, 7}, false},
      {Ev::DUP3_X, {7, 3, 7, 0}, false},  {Ev::DUP3_X, {7, 3, 7, kOpenCloexec}, true},
      {Ev::FCNTL_X, {7, 3, 1, 7}, false}, {Ev::FCNTL_X, {7, 3, 26, 7}, true},
  };
  for (const Copy& c : cases) {
    Host host;
    host.load_shell();
    host.openat(100, 3, "f", 1 | kOpenCloexec);
    host.openat(100, 7, "old");
    const EventState& now = host.send(c.type, 100, c.params);
    EXPECT_EQ(now.fd, host.fd(100, 7));
    EXPECT_EQ(now.fd_number, 7);
    EXPECT_EQ(host.name(100, 7), "/home/f");
    EXPECT_EQ((host.fd(100, 7)->open_flags & kOpenCloexec) != 0, c.cloexec);
    EXPECT_NE(host.fd(100, 3)->open_flags & kOpenCloexec, 0u);
    Params failed = c.params;
    failed[0] = -24;
    host.close(100, 7);
    host.send(c.type, 100, failed);
    EXPECT_EQ(host.fd(100, 7), nullptr);
  }
}

TEST(Dup, OntoItselfKeepsTheEntry) {
  Host host;
  host.load_shell();
  host.openat(100, 3, "f");
  host.send(Ev::DUP2_X, 100, {3, 3, 3});
  EXPECT_EQ(host.name(100, 3), "/home/f");
  host.send(Ev::DUP2_X, 100, {5, 99, 5});
  EXPECT_EQ(host.fd(100, 5), nullptr) << "an unknown descriptor gives no copy";
}

TEST(Fcntl, SetsAndClearsCloseOnExec) {
  Host host;
  host.load_shell();
  host.openat(100, 3, "f");
  host.send(Ev::FCNTL_X, 100, {0, 3, 3, 1});
  EXPECT_NE(host.fd(100, 3)->open_flags & kOpenCloexec, 0u);
  host.send(Ev::FCNTL_X, 100, {-9, 3, 3, 0});
  EXPECT_NE(host.fd(100, 3)->open_flags & kOpenCloexec, 0u);
  host.send(Ev::FCNTL_X, 100, {0, 3, 3, 0});
  EXPECT_EQ(host.fd(100, 3)->open_flags & kOpenCloexec, 0u);
}

struct Made {
  Ev type;
  Params params;
  FdKind kind;
  uint32_t flags;
};

TEST(AnonymousDescriptors, OfEachKind) {
  const Made cases[] = {
      {Ev::EVENTFD_X, {5, 0, 0}, FdKind::Event, 0},
      {Ev::EVENTFD2_X, {5, 2, 0}, FdKind::Event, 2},
      {Ev::SIGNALFD_X, {5, -1, 0, 0}, FdKind::SignalFd, 0},
      {Ev::SIGNALFD4_X, {5, 64, -1, 0}, FdKind::SignalFd, 64},
      {Ev::TIMERFD_CREATE_X, {5, 1, 4}, FdKind::TimerFd, 4},
      {Ev::INOTIFY_INIT_X, {5, 0}, FdKind::Inotify, 0},
      {Ev::INOTIFY_INIT1_X, {5, 4}, FdKind::Inotify, 4},
      {Ev::BPF_2_X, {5, 3}, FdKind::Bpf, 0},
      {Ev::USERFAULTFD_X, {5, 8}, FdKind::UserFaultFd, 8},
      {Ev::IO_URING_SETUP_X, {5, 8, 8, 8, 0, 0, 0, 0}, FdKind::IoUring, 0},
      {Ev::EPOLL_CREATE_X, {5, 8}, FdKind::EventPoll, 0},
      {Ev::EPOLL_CREATE1_X, {5, 0}, FdKind::EventPoll, 0},
      {Ev::EPOLL_CREATE1_X, {5, 1}, FdKind::EventPoll, kOpenCloexec},
      {Ev::MEMFD_CREATE_X, {5, "buffer", 1}, FdKind::MemFd, 1},
      {Ev::PIDFD_OPEN_X, {5, 100, 0}, FdKind::PidFd, kOpenCloexec},
  };
  for (const Made& c : cases) {
    Host host;
    host.load_shell();
    Params failed = c.params;
    failed[0] = -22;
    EXPECT_EQ(host.send(c.type, 100, failed).fd, nullptr);
    EXPECT_EQ(host.state.fds(host.thread(100)).size(), 0u) << event_info(c.type).code;
    const EventState& now = host.send(c.type, 100, c.params);
    ASSERT_NE(now.fd, nullptr) << event_info(c.type).code;
    EXPECT_EQ(now.fd->kind, c.kind) << event_info(c.type).code;
    EXPECT_EQ(now.fd->open_flags, c.flags) << event_info(c.type).code;
    EXPECT_EQ(now.fd_number, 5);
  }
}

TEST(Pipes, HaveTwoEnds) {
  Host host;
  host.load_shell();
  const EventState& now = host.send(Ev::PIPE2_X, 100, {0, 3, 4, 55, kOpenCloexec});
  EXPECT_EQ(now.fd, host.fd(100, 4));
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Fifo);
  EXPECT_EQ(host.fd(100, 3)->ino, 55u);
  EXPECT_EQ(host.name(100, 3), "");
  host.send(Ev::PIPE_X, 100, {-24, 5, 6, 56});
  EXPECT_EQ(host.fd(100, 5), nullptr);
  host.send(Ev::PIPE_X, 100, {0, 5, 6, 56});
  EXPECT_EQ(host.fd(100, 6)->ino, 56u);
}

TEST(Pidfds, LeadToOtherProcessesDescriptors) {
  StateSettings settings;
  settings.host_root = "/host";
  Host host(settings);
  host.load_shell();
  host.openat(1, 8, "/secret");
  host.send(Ev::PIDFD_OPEN_X, 100, {5, 1, 0});
  EXPECT_EQ(host.name(100, 5), "/host/proc/1");
  host.send(Ev::PIDFD_GETFD_X, 100, {6, 5, 8, 0});
  EXPECT_EQ(host.name(100, 6), "/secret");
  EXPECT_NE(host.fd(100, 6)->open_flags & kOpenCloexec, 0u);
  host.send(Ev::PIDFD_GETFD_X, 100, {-1, 5, 8, 0});
  host.send(Ev::PIDFD_GETFD_X, 100, {7, 5, 99, 0});
  EXPECT_EQ(host.fd(100, 7), nullptr);
}

TEST(WorkingDirectory, FollowsTheCalls) {
  Host host;
  host.load_shell();
  host.send(Ev::CHDIR_X, 100, {0, "sub/.."});
  EXPECT_EQ(host.cwd(100), "/home/");
  host.send(Ev::CHDIR_X, 100, {0, "sub"});
  EXPECT_EQ(host.cwd(100), "/home/sub/");
  host.send(Ev::CHDIR_X, 100, {-2, "/gone"});
  EXPECT_EQ(host.cwd(100), "/home/sub/");
  host.openat(100, 4, "/opt", kOpenDirectory);
  host.send(Ev::FCHDIR_X, 100, {0, 4});
  EXPECT_EQ(host.cwd(100), "/opt/");
  host.send(Ev::FCHDIR_X, 100, {0, 44});
  EXPECT_EQ(host.cwd(100), "/opt/");
  host.send(Ev::GETCWD_X, 100, {0, "/real"});
  EXPECT_EQ(host.cwd(100), "/real/");
  host.send(Ev::CHDIR_X, 100, {0, "/"});
  EXPECT_EQ(host.cwd(100), "/");
}

TEST(Chroot, SetsTheRoot) {
  Host host;
  host.load_shell();
  host.send(Ev::CHROOT_X, 100, {-1, "/jail"});
  EXPECT_EQ(view(host.thread(100).root), "");
  host.send(Ev::CHROOT_X, 100, {0, "/jail"});
  EXPECT_EQ(view(host.thread(100).root), "/jail");
  host.send(Ev::CHROOT_X, 100, {0, "cell"});
  EXPECT_EQ(view(host.thread(100).root), "/home/cell");
}

TEST(Limits, FullDescriptorTableGivesUpOthers) {
  Host host;
  host.load_shell();
  for (int64_t fd = 0; fd < kFdLimit; ++fd) host.openat(100, fd, "f");
  const FdInfo* last = host.openat(100, kFdLimit, "/last").fd;
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->name.view(), "/last");
  EXPECT_EQ(host.state.counters().fds_dropped_full, 1u);
  EXPECT_EQ(host.state.fds(host.thread(100)).size(), static_cast<size_t>(kFdLimit));
}

}  // namespace
}  // namespace gyr
