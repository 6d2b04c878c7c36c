// SPDX-License-Identifier: Apache-2.0
// Who shares descriptors and the working directory with whom (CLONE_FILES, CLONE_FS), and when that
// ends. What one of them opens under a number that it closed, the others have too, and where one
// goes, the others are: an old name there would hide a socket behind a harmless file.
#include <gtest/gtest.h>

#include <algorithm>

#include "host.h"

namespace gyr {
namespace {

using test::CloneSpec;
using test::ExecSpec;
using test::Host;
using test::Missing;

constexpr uint32_t kCloneVm = 0x8000;
constexpr int64_t kShell = 100;
constexpr int64_t kChild = 101;

CloneSpec child_report(uint32_t flags, int64_t child = kChild, int64_t parent = kShell) {
  CloneSpec spec;
  spec.tid = spec.pid = child;
  spec.ptid = parent;
  spec.flags = flags;
  spec.vtid = spec.vpid = child;
  return spec;
}
CloneSpec caller_report(uint32_t flags, int64_t child = kChild, int64_t caller = kShell) {
  CloneSpec spec;
  spec.result = child;
  spec.tid = spec.pid = caller;
  spec.flags = flags;
  spec.vtid = spec.vpid = caller;
  return spec;
}

// Captures of others are taken as the reference takes them.
StateSettings live() {
  StateSettings settings;
  settings.live = true;
  return settings;
}

struct Shared : Host {
  explicit Shared(uint32_t flags = kCloneFiles | kCloneVm, bool caller_first = false,
                  const StateSettings& settings = live())
      : Host(settings) {
    load_shell();
    openat(kShell, 3, "/innocent");
    if (caller_first) clone(caller_report(flags));
    clone(child_report(flags));
    if (!caller_first) clone(caller_report(flags));
  }
};

TEST(SharedFds, WhatEitherOpensBothHave) {
  for (const bool caller_first : {false, true}) {
    SCOPED_TRACE(caller_first);
    Shared host(kCloneFiles | kCloneVm, caller_first);
    EXPECT_EQ(host.name(kChild, 3), "/innocent");
    host.close(kChild, 3);
    host.openat(kChild, 3, "/etc/shadow");
    EXPECT_EQ(host.name(kShell, 3), "/etc/shadow");
    host.openat(kShell, 4, "/other");
    EXPECT_EQ(host.name(kChild, 4), "/other");
    host.exit(kChild);
    host.tick();
    EXPECT_EQ(host.name(kShell, 3), "/etc/shadow");
  }
}

TEST(SharedFds, InCapturesOfOthersEachProcessHasACopy) {
  Shared host(kCloneFiles | kCloneVm, false, StateSettings{});
  host.openat(kChild, 4, "/of/the/child");
  EXPECT_EQ(host.name(kChild, 3), "/innocent");
  EXPECT_EQ(host.fd(kShell, 4), nullptr);
}

TEST(SharedFds, TheMakerMayEndFirst) {
  Shared host;
  host.exit(kShell);
  host.tick();
  EXPECT_EQ(host.state.find(kShell), nullptr);
  EXPECT_EQ(host.name(kChild, 3), "/innocent");
  host.openat(kChild, 4, "/later");
  EXPECT_EQ(host.name(kChild, 4), "/later");
}

TEST(SharedFds, WithoutTheFlagEachHasItsOwn) {
  Shared host(kCloneVm);
  host.openat(kChild, 3, "/etc/shadow");
  EXPECT_EQ(host.name(kShell, 3), "/innocent");
}

TEST(SharedFds, ACallThatUnsharesEndsIt) {
  const struct {
    const char* what;
    void (*unshare)(Host& host);
  } rows[] = {
      {"unshare",
       [](Host& host) {
         host.send(Ev::UNSHARE_X, kChild, {0, kCloneFiles});
       }},
      {"close_range",
       [](Host& host) {
         host.send(Ev::CLOSE_RANGE_X, kChild, {0, 50, 60, 2});
       }},
      {"exec", [](Host& host) { host.exec(kChild, ExecSpec{}); }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    Shared host;
    row.unshare(host);
    EXPECT_EQ(host.name(kChild, 3), "/innocent");
    host.openat(kChild, 3, "/mine");
    EXPECT_EQ(host.name(kShell, 3), "/innocent");
    EXPECT_EQ(host.name(kChild, 3), "/mine");
  }
}

TEST(SharedFds, AThreadMayLeaveItsLeader) {
  Host host(live());
  host.load_shell();
  host.openat(kShell, 3, "/innocent");
  host.new_thread(kShell, 200);
  host.send(Ev::UNSHARE_X, 200, {0, kCloneFiles});
  host.openat(200, 3, "/socket");
  EXPECT_EQ(host.name(kShell, 3), "/innocent");
  EXPECT_EQ(host.name(200, 3), "/socket");
  // A thread that it makes has its table, not the leader's.
  CloneSpec spec = caller_report(kCloneThread | kCloneFiles | kCloneFs, 201, 200);
  spec.pid = kShell;
  spec.vpid = kShell;
  host.clone(spec);
  EXPECT_EQ(host.name(201, 3), "/socket");
  host.openat(201, 4, "/both");
  EXPECT_EQ(host.name(200, 4), "/both");
  EXPECT_EQ(host.fd(kShell, 4), nullptr);
}

TEST(SharedFds, ALeaderMayLeaveItsThreads) {
  Host host(live());
  host.load_shell();
  host.openat(kShell, 3, "/innocent");
  host.new_thread(kShell, 200);
  host.new_thread(kShell, 201);
  host.send(Ev::UNSHARE_X, kShell, {0, kCloneFiles});
  host.openat(kShell, 3, "/leaders");
  EXPECT_EQ(host.name(200, 3), "/innocent");
  host.openat(200, 4, "/theirs");
  EXPECT_EQ(host.name(201, 4), "/theirs");
  EXPECT_EQ(host.fd(kShell, 4), nullptr);
}

TEST(SharedFds, AThreadMayBeMadeWithItsOwn) {
  for (const bool by_caller : {false, true}) {
    SCOPED_TRACE(by_caller);
    Host host(live());
    host.load_shell();
    host.openat(kShell, 3, "/innocent");
    CloneSpec spec = by_caller ? caller_report(kCloneThread | kCloneFs, 200)
                               : child_report(kCloneThread | kCloneFs, 200, 1);
    spec.pid = kShell;
    spec.vpid = kShell;
    host.clone(spec);
    EXPECT_EQ(host.name(200, 3), "/innocent");
    host.openat(200, 3, "/socket");
    EXPECT_EQ(host.name(kShell, 3), "/innocent");
    EXPECT_EQ(host.name(200, 3), "/socket");
  }
}

TEST(SharedFds, ALossOfOneIsALossOfAll) {
  Shared host;
  host.state.learn(LostEvents{.pid = kChild, .until_ns = 0});
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
}

TEST(SharedFds, ADumpKnowsWhoShares) {
  Shared host;
  host.new_thread(kChild, 300);
  host.send(Ev::UNSHARE_X, 300, {0, kCloneFiles});
  host.openat(300, 5, "/thread");
  Host again;
  again.state.load(host.state.dump());
  EXPECT_EQ(again.name(kChild, 3), "/innocent");
  again.openat(kChild, 4, "/both");
  EXPECT_EQ(again.name(kShell, 4), "/both");
  EXPECT_EQ(again.name(300, 5), "/thread");
  EXPECT_EQ(again.fd(300, 4), nullptr);
  EXPECT_EQ(again.fd(kChild, 5), nullptr);
}

TEST(SharedFds, ADumpListsATableOnceAndGoesOnAsItWas) {
  Shared host;
  const Snapshot dump = host.state.dump();
  EXPECT_EQ(std::count_if(dump.fds.begin(), dump.fds.end(),
                          [](const SnapshotFd& fd) { return fd.name == "/innocent"; }),
            1);
  Host again;
  again.state.load(dump);
  again.send(Ev::UNSHARE_X, kChild, {0, kCloneFiles});
  again.openat(kChild, 3, "/mine");
  EXPECT_EQ(again.name(kShell, 3), "/innocent");
  EXPECT_EQ(again.name(kChild, 3), "/mine");
}

// The kernel gives the thread that executes the number of its leader, which has ended.
TEST(SharedFds, AThreadThatLeftAndExecutesKeepsItsOwn) {
  Host host(live());
  host.load_shell();
  host.openat(kShell, 3, "/innocent");
  host.new_thread(kShell, 200);
  host.send(Ev::UNSHARE_X, 200, {0, kCloneFiles});
  host.openat(200, 3, "/socket");
  host.exit(kShell);
  host.exec(kShell, ExecSpec{});
  EXPECT_EQ(host.name(kShell, 3), "/socket");
}

TEST(SharedFds, DescriptorsOfAThreadThatLeftAreLookedUpOfTheThread) {
  std::vector<int64_t> asked;
  StateSettings settings;
  settings.live = true;
  settings.find_fd = [&](int64_t pid, int64_t fd) {
    asked.push_back(pid);
    SnapshotFd found;
    found.tid = pid;
    found.fd = fd;
    found.kind = FdKind::FileV2;
    found.name = "/found";
    return std::optional(found);
  };
  Host host(settings);
  host.load_shell();
  host.new_thread(kShell, 200);
  host.send(Ev::FCHMOD_X, 200, {0, 8, 0});
  host.send(Ev::UNSHARE_X, 200, {0, kCloneFiles});
  host.send(Ev::FCHMOD_X, 200, {0, 9, 0});
  EXPECT_EQ(asked, (std::vector<int64_t>{kShell, 200}));
  EXPECT_EQ(host.name(200, 9), "/found");
  EXPECT_EQ(host.fd(kShell, 9), nullptr);
}

// Its parent is its maker's parent: only the maker's event tells whose table it has.
TEST(SharedFds, AChildThatGetsItsMakersParentSharesWithItsMaker) {
  Host host(live());
  host.load_shell();
  host.openat(1, 3, "/of/init");
  host.openat(kShell, 3, "/socket");
  host.clone(child_report(kCloneParent | kCloneFiles, kChild, 1));
  host.openat(kChild, 4, "/mine");
  EXPECT_EQ(host.fd(1, 4), nullptr);
  host.clone(caller_report(kCloneParent | kCloneFiles));
  EXPECT_EQ(host.name(kChild, 3), "/socket");
}

TEST(SharedDirectory, WhereOneGoesBothAre) {
  Shared host(kCloneFs | kCloneVm);
  host.send(Ev::CHDIR_X, kChild, {0, "/etc"});
  EXPECT_EQ(host.cwd(kShell), "/etc/");
  host.send(Ev::CHDIR_X, kShell, {0, "ssl"});
  EXPECT_EQ(host.cwd(kChild), "/etc/ssl/");
  Host again;
  again.state.load(host.state.dump());
  again.send(Ev::CHDIR_X, kChild, {0, "certs"});
  EXPECT_EQ(again.cwd(kShell), "/etc/ssl/certs/");
  host.send(Ev::UNSHARE_X, kChild, {0, kCloneFs});
  host.send(Ev::CHDIR_X, kChild, {0, "/tmp"});
  EXPECT_EQ(host.cwd(kShell), "/etc/ssl/");
  EXPECT_EQ(host.cwd(kChild), "/tmp/");
}

TEST(SharedDirectory, AnExecKeepsIt) {
  Shared host(kCloneFs | kCloneVm);
  host.exec(kChild, ExecSpec{});
  host.send(Ev::CHDIR_X, kChild, {0, "/etc"});
  EXPECT_EQ(host.cwd(kShell), "/etc/");
}

TEST(SharedDirectory, AThreadMayLeaveItsLeader) {
  Host host(live());
  host.load_shell();
  host.new_thread(kShell, 200);
  host.send(Ev::UNSHARE_X, 200, {0, kCloneNewNs});
  host.send(Ev::CHDIR_X, 200, {0, "/etc"});
  EXPECT_EQ(host.cwd(kShell), "/home/");
  EXPECT_EQ(host.cwd(200), "/etc/");
  Host again;
  again.state.load(host.state.dump());
  EXPECT_EQ(again.cwd(200), "/etc/");
  EXPECT_EQ(again.cwd(kShell), "/home/");
  again.send(Ev::CHDIR_X, kShell, {0, "/srv"});
  EXPECT_EQ(again.cwd(200), "/etc/");
}

TEST(SharedDirectory, ALeaderMayLeaveItsThreads) {
  Host host(live());
  host.load_shell();
  host.new_thread(kShell, 200);
  host.new_thread(kShell, 201);
  host.send(Ev::UNSHARE_X, kShell, {0, kCloneFs});
  host.send(Ev::CHDIR_X, kShell, {0, "/leaders"});
  host.send(Ev::CHDIR_X, 200, {0, "/theirs"});
  EXPECT_EQ(host.cwd(kShell), "/leaders/");
  EXPECT_EQ(host.cwd(201), "/theirs/");
}

TEST(SharedDirectory, EntersAMountNamespaceAtItsRoot) {
  Host host(live());
  host.load_shell();
  host.openat(kShell, 3, "/proc/1/ns/net");
  host.send(Ev::SETNS_X, kShell, {0, 3, 0});
  EXPECT_EQ(host.cwd(kShell), "/home/");
  host.openat(kShell, 3, "/proc/1/ns/mnt");
  host.send(Ev::SETNS_X, kShell, {0, 3, 0});
  EXPECT_EQ(host.cwd(kShell), "/");
  host.send(Ev::CHDIR_X, kShell, {0, "/home"});
  host.send(Ev::SETNS_X, kShell, {0, 3, kCloneNewNs});
  EXPECT_EQ(host.cwd(kShell), "/");
}

struct SlowClose : Host {
  SlowClose() : Host(live()) {
    load_shell();
    new_thread(kShell, kChild);
    openat(kShell, 3, "/innocent");
    openat(kShell, 4, "/of/the/closing/thread");
    openat(kChild, 5, "/last/seen/of/the/other");
  }
};

TEST(SlowClose, KeepsWhatAnotherThreadHasOpenedMeanwhile) {
  SlowClose host;
  host.openat(kChild, 3, "/secret");
  EXPECT_EQ(host.slow_close(kShell, 3).fd, nullptr) << "it is not the secret that was closed";
  host.tick();
  EXPECT_EQ(host.name(kShell, 3), "/secret");
}

TEST(SlowClose, EndsBeforeTheOpenIsTold) {
  SlowClose host;
  EXPECT_EQ(host.slow_close(kShell, 3).fd->name.view(), "/innocent");
  host.openat(kChild, 3, "/secret");
  EXPECT_EQ(host.name(kShell, 3), "/secret");
}

// What took the place came by no event of ours, or by one that is not collected.
TEST(SlowClose, LeavesNoOldNameToWhatNobodyTellsOf) {
  SlowClose host;
  host.slow_close(kShell, 3);
  host.tick();
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
  host.slow_close(kShell, 4);
  host.tick();
  EXPECT_EQ(host.fd(kShell, 4), nullptr);
}

TEST(SlowClose, KnowsNothingOfWhatIsOlderThanItsThreadsLastEvent) {
  SlowClose host;
  host.openat(kChild, 3, "/opened/before");
  host.close(kShell, 77, -9);
  host.slow_close(kShell, 3);
  host.tick();
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
  host.openat(kChild, 3, "/opened/long/before");
  host.ts_ns += (uint64_t{1} << 32) * 1000;  // the low bits of the time are the same again
  host.slow_close(kShell, 3);
  host.tick();
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
}

TEST(SlowClose, ACopyIsAsNewAsItsEvent) {
  SlowClose host;
  host.send(Ev::DUP2_X, kChild, {3, 5, 3});
  host.slow_close(kShell, 3);
  host.tick();
  EXPECT_EQ(host.name(kShell, 3), "/last/seen/of/the/other");
}

// The name that a number had is gone whatever becomes of it.
TEST(UnknownSources, LeaveNoOldName) {
  Host host(live());
  host.load_shell();
  host.openat(kShell, 3, "/innocent");
  EXPECT_EQ(host.send(Ev::DUP2_X, kShell, {3, 77, 3}).fd, nullptr);
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
  host.openat(kShell, 3, "/innocent");
  host.send(Ev::PIDFD_GETFD_X, kShell, {3, 50, 8, 0});
  EXPECT_EQ(host.fd(kShell, 3), nullptr);
}

TEST(UnknownSources, AreAsInTheReferenceInCapturesOfOthers) {
  Host host;
  host.load_shell();
  host.openat(kShell, 3, "/innocent");
  host.send(Ev::DUP2_X, kShell, {3, 77, 3});
  EXPECT_EQ(host.name(kShell, 3), "/innocent");
}

TEST(UnknownSources, APidfdOfAPidNamespaceNamesNobodyOutside) {
  Host host(live());
  host.load_shell();
  host.openat(1, 8, "/of/the/hosts/init");
  CloneSpec spec = child_report(kChildInPidns);
  spec.vtid = spec.vpid = 2;
  host.clone(spec);
  host.send(Ev::PIDFD_OPEN_X, kChild, {5, 1, 0});
  host.send(Ev::PIDFD_GETFD_X, kChild, {6, 5, 8, 0});
  EXPECT_EQ(host.fd(kChild, 6), nullptr);
}

}  // namespace
}  // namespace gyr
