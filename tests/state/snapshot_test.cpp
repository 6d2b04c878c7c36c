// SPDX-License-Identifier: Apache-2.0
// Snapshots in and out; roles of scanned sockets (state-engine 5.4).
#include <gtest/gtest.h>

#include "host.h"

namespace gyr {
namespace {

using test::Host;

SnapshotFd socket_of(int64_t tid, int64_t fd, FdKind kind, uint16_t source, uint16_t dest) {
  SnapshotFd result;
  result.tid = tid;
  result.fd = fd;
  result.kind = kind;
  result.l4 = 2;
  result.source_ip = {10, 0, 0, 1};
  result.dest_ip = {10, 0, 0, 2};
  result.source_port = source;
  result.dest_port = dest;
  return result;
}

TEST(Snapshot, RolesComeFromServerPorts) {
  Host host;
  host.snapshot.fds = {
      socket_of(1, 3, FdKind::Ipv4Server, 80, 0), socket_of(100, 4, FdKind::Ipv4, 80, 5000),
      socket_of(100, 5, FdKind::Ipv4, 6000, 443), socket_of(100, 6, FdKind::Ipv6, 80, 5000),
      socket_of(100, 7, FdKind::Unix, 0, 0),      socket_of(4711, 3, FdKind::Ipv4, 1, 2)};
  host.load_shell();
  EXPECT_EQ(host.fd(1, 3)->role, FdRole::None);
  EXPECT_EQ(host.name(1, 3), "10.0.0.1:80");
  EXPECT_EQ(host.fd(100, 4)->role, FdRole::Server);
  EXPECT_EQ(host.name(100, 4), "10.0.0.2:5000->10.0.0.1:80");
  EXPECT_EQ(host.fd(100, 5)->role, FdRole::Client);
  EXPECT_EQ(host.name(100, 5), "10.0.0.1:6000->10.0.0.2:443");
  EXPECT_TRUE(host.fd(100, 5)->connected);
  EXPECT_EQ(host.fd(100, 6)->role, FdRole::None);
  EXPECT_EQ(host.fd(100, 7)->role, FdRole::Client) << "a unix socket without a name";
  EXPECT_EQ(host.state.find(4711), nullptr) << "descriptors of unknown threads are passed over";
}

TEST(Snapshot, DirectoriesEndInASlash) {
  Host host;
  host.had(1, 0, "init").cwd = "";
  host.had(2, 1, "a").cwd = "/srv/x/..";
  host.had(3, 1, "b").cwd = "/";
  host.load();
  EXPECT_EQ(host.cwd(1), "/");
  EXPECT_EQ(host.cwd(2), "/srv/");
  EXPECT_EQ(host.cwd(3), "/");
}

TEST(Snapshot, DumpTellsWhatWasLoaded) {
  Host host;
  SnapshotThread& init = host.had(1, 0, "init");
  init.args = std::string("-x\0", 3);
  init.env = std::string("A=b\0", 4);
  init.cgroups = std::string("cpu=/\0", 6);
  init.uid = 4;
  init.loginuid = 5;
  init.cap_effective = 6;
  init.exe_ino = 7;
  init.cwd = "/x/";
  host.snapshot.machine.hostname = "there";
  host.snapshot.users = {{0, 0, "root", "/root", "/bin/sh"}, {4, 4, "four", "/4", "/bin/4"}};
  host.snapshot.groups = {{0, "root"}};
  host.snapshot.interfaces.push_back({"lo", false, {127, 0, 0, 1}, {255}, {}, 0, true});
  SnapshotFd file = socket_of(1, 9, FdKind::FileV2, 0, 0);
  file.l4 = 0;
  file.name = "/etc/x";
  file.open_flags = 3;
  file.ino = 8;
  file.source_ip = file.dest_ip = {};
  host.snapshot.fds = {file, socket_of(1, 10, FdKind::Ipv4, 6000, 443)};
  host.load();
  host.send(Ev::CHDIR_X, 99, {0, "/"});  // a fake entry, which nobody wants to see again
  const Snapshot out = host.state.dump();
  ASSERT_EQ(out.threads.size(), 1u);
  EXPECT_EQ(out.threads[0].args, init.args);
  EXPECT_EQ(out.threads[0].env, init.env);
  EXPECT_EQ(out.threads[0].cgroups, init.cgroups);
  EXPECT_EQ(out.threads[0].cwd, "/x/");
  EXPECT_EQ(out.threads[0].uid, 4u);
  EXPECT_EQ(out.threads[0].loginuid, 5u);
  EXPECT_EQ(out.threads[0].cap_effective, 6u);
  EXPECT_EQ(out.threads[0].exe_ino, 7u);
  EXPECT_EQ(out.fd_tids, std::vector<int64_t>{1});
  ASSERT_EQ(out.fds.size(), 2u);
  EXPECT_EQ(out.fds[0].name, "/etc/x");
  EXPECT_EQ(out.fds[0].ino, 8u);
  EXPECT_EQ(out.fds[1].dest_port, 443);
  ASSERT_EQ(out.users.size(), 2u);
  EXPECT_EQ(out.users[1].name, "four");
  EXPECT_EQ(out.machine.hostname, "there");
  ASSERT_EQ(out.interfaces.size(), 1u);
  // What was dumped loads to the same.
  Host again;
  again.snapshot = out;
  again.load();
  EXPECT_EQ(again.state.dump().threads[0].cwd, "/x/");
  EXPECT_EQ(again.name(1, 10), host.name(1, 10));
}

// What the lists cannot tell comes back too: half known threads, a dead leader, who just ended,
// what was called, roles of connections, descriptors as their owner wrote them.
TEST(Snapshot, ADumpGoesOnWhereTheStateWas) {
  Host host;
  host.snapshot.container_users = {{"0123456789ab", {5, 5, "five", "/5", "/bin/5"}}};
  host.snapshot.progress.containers = {
      R"({"id":"0123456789ab","image":"nginx","ip":"10.1.1.1","type":3,"labels":{"a":"b"}})"};
  host.load_shell();
  host.openat(100, 3, "../x");
  host.openat(99, 4, "/of a thread that nobody knows");
  host.fork(100, 101);
  host.exit(101);
  host.send(Ev::OPENAT_2_E, 100, {kAtFdcwd, "entered", 1u, 0u});
  Host again;
  again.snapshot = host.state.dump();
  EXPECT_EQ(host.state.find(101), nullptr) << "what was left for the next event is done";
  again.load();
  EXPECT_EQ(again.name(100, 3), host.name(100, 3));
  EXPECT_EQ(again.fd(100, 3)->name_raw.view(), "../x");
  EXPECT_FALSE(again.fd(100, 3)->from_snapshot);
  EXPECT_TRUE(again.thread(99).is_invalid());
  EXPECT_EQ(again.name(99, 4), "/of a thread that nobody knows");
  EXPECT_EQ(again.thread(100).last_type, Ev::OPENAT_2_E);
  EXPECT_EQ(again.thread(100).enter_event, host.thread(100).enter_event);
  EXPECT_FALSE(again.thread(100).enter_event.empty());
  const Str id = again.state.pool().intern("0123456789ab");
  ASSERT_NE(again.state.user(id, 5), nullptr);
  EXPECT_EQ(again.state.user(id, 5)->name.view(), "five");
  ASSERT_NE(again.state.container(id), nullptr);
  EXPECT_EQ(again.state.container(id)->image.view(), "nginx");
  EXPECT_EQ(again.state.container(id)->more.labels.size(), 1u);
  EXPECT_EQ(again.state.container(id)->more.type, 3);
  ASSERT_EQ(again.snapshot.progress.exits.size(), 1u);
  EXPECT_EQ(again.snapshot.progress.exits[0].tid, 101);
  // Once more, and nothing is lost.
  const Snapshot third = again.state.dump();
  EXPECT_EQ(third.progress.threads.size(), again.snapshot.progress.threads.size());
  EXPECT_EQ(third.progress.fds.size(), again.snapshot.progress.fds.size());
  EXPECT_EQ(third.progress.half_known.size(), 1u);
  EXPECT_EQ(third.progress.exits.size(), 1u);
}

// A live snapshot is younger than the events that gather while it is read.
TEST(Snapshot, WhatASnapshotTellsAlreadyIsNotDoneAgain) {
  Host host;
  const uint64_t as_of_ns = host.ts_ns + 10'000;
  host.had(1, 0, "init");
  host.had(100, 1, "sh").cwd = "/usr/lib";
  host.had(101, 100, "cat").cwd = "/tmp";
  for (SnapshotThread& thread : host.snapshot.threads) thread.as_of_ns = as_of_ns;
  host.snapshot.fds = {socket_of(101, 5, FdKind::Ipv4, 6000, 443)};
  host.load();
  host.send(Ev::CHDIR_X, 100, {0, "lib"});
  EXPECT_EQ(host.cwd(100), "/usr/lib/");
  host.send(Ev::CHROOT_X, 100, {0, "/x"});
  EXPECT_EQ(host.thread(100).root.view(), "");
  host.fork(100, 101);  // by the child and by its parent: neither may replace what was read
  host.clone({.result = 101, .tid = 100, .pid = 100, .ptid = 1});
  EXPECT_EQ(host.thread(101).comm.view(), "cat");
  EXPECT_NE(host.fd(101, 5), nullptr);
  // Descriptors are opened and closed again, which gives the same in the end.
  host.openat(100, 7, "x");
  EXPECT_NE(host.fd(100, 7), nullptr);
  host.ts_ns = as_of_ns + 1;
  host.send(Ev::CHDIR_X, 100, {0, "python3"});
  EXPECT_EQ(host.cwd(100), "/usr/lib/python3/");
}

TEST(Snapshot, WhatIsLookedUpIsToldAndCanBeLearnt) {
  std::vector<Finding> told;
  StateSettings live;
  live.live = true;
  live.find_thread = [](int64_t tid) -> std::optional<FoundThread> {
    if (tid != 7) return std::nullopt;
    FoundThread found;
    found.thread.tid = found.thread.pid = found.thread.vtid = found.thread.vpid = 7;
    found.thread.ptid = 1;
    found.thread.comm = "found";
    found.fds = {socket_of(7, 5, FdKind::Ipv4, 6000, 443)};
    return found;
  };
  live.on_finding = [&](const Finding& finding) { told.push_back(finding); };
  Host host(live);
  host.load_shell();
  host.openat(8, 3, "/unknown to /proc");
  EXPECT_TRUE(told.empty());
  host.openat(7, 3, "/x");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(host.thread(7).comm.view(), "found");

  Host again;  // a replay
  again.load_shell();
  again.state.learn(told[0]);
  EXPECT_EQ(again.thread(7).comm.view(), "found");
  EXPECT_EQ(again.name(7, 5), host.name(7, 5));
  EXPECT_TRUE(again.thread(7).recovered);
  again.state.learn(FoundFds{7, {socket_of(7, 6, FdKind::Ipv4, 6001, 443)}});
  EXPECT_NE(again.fd(7, 6), nullptr);
  again.state.learn(FoundFds{12345, {socket_of(12345, 6, FdKind::Ipv4, 6001, 443)}});
  again.state.learn(FoundUser{"", {1000, 1000, "alice", "/home/alice", "/bin/sh"}});
  ASSERT_NE(again.state.user(Str(), 1000), nullptr);
  EXPECT_EQ(again.state.user(Str(), 1000)->name.view(), "alice");
  again.state.learn(FoundGroup{"", {1000, "people"}});
  ASSERT_NE(again.state.group(Str(), 1000), nullptr);
  again.state.learn(GoneThread{7});
  EXPECT_EQ(again.state.find(7), nullptr);
}

TEST(Snapshot, DescriptorsOfAProcessThatLostEventsAreLookedUpAgain) {
  std::vector<Finding> told;
  int asked = 0;
  StateSettings live;
  live.live = true;
  live.on_finding = [&](const Finding& finding) { told.push_back(finding); };
  live.find_fd = [&](int64_t pid, int64_t fd) -> std::optional<SnapshotFd> {
    ++asked;
    if (fd != 5) return std::nullopt;
    return socket_of(pid, fd, FdKind::Ipv4, 6001, 443);
  };
  Host host(live);
  host.load_shell();
  host.openat(100, 5, "/old");
  host.openat(100, 6, "/other");
  EXPECT_EQ(host.name(100, 5), "/old");
  host.state.learn(LostEvents{1});
  EXPECT_EQ(host.name(100, 5), "/old") << "another process";
  host.state.learn(LostEvents{100});
  EXPECT_EQ(host.fd(100, 5), nullptr);
  host.send(Ev::READ_X, 100, {0, "", 6, 1});
  EXPECT_EQ(host.fd(100, 6), nullptr);
  host.send(Ev::READ_X, 100, {0, "", 5, 1});
  ASSERT_NE(host.fd(100, 5), nullptr);
  EXPECT_EQ(host.fd(100, 5)->kind, FdKind::Ipv4);
  host.send(Ev::READ_X, 100, {0, "", 5, 1});
  EXPECT_EQ(asked, 2) << "what is known is not asked for";
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(std::get<FoundFds>(told[0]).fds.front().fd, 5);
  // A second loss is still to come: what is opened before it may be closed in it.
  host.state.learn(LostEvents{100, host.ts_ns + 2500});
  host.openat(100, 7, "/between");
  EXPECT_EQ(host.name(100, 7), "/between") << "at its own event";
  host.send(Ev::READ_X, 100, {0, "", 7, 1});
  EXPECT_EQ(host.fd(100, 7), nullptr);
  host.tick();
  host.openat(100, 7, "/after");
  host.send(Ev::READ_X, 100, {0, "", 7, 1});
  EXPECT_EQ(host.name(100, 7), "/after");
  host.state.learn(LostEvents{});
  EXPECT_EQ(host.fd(100, 5), nullptr);
  EXPECT_EQ(host.state.counters().losses_learnt, 4u);
  EXPECT_EQ(host.state.counters().fds_recovered, 1u);
}

TEST(Snapshot, AFreshOneCorrectsWhatLostEventsLeftWrong) {
  std::vector<Finding> told;
  StateSettings live;
  live.live = true;
  live.on_finding = [&](const Finding& finding) { told.push_back(finding); };
  Host host(live);
  host.load_shell();
  host.fork(100, 101);
  host.fork(100, 102);
  host.openat(102, 5, "/kept");
  Host fresh;
  fresh.had(1, 0, "init");
  fresh.had(100, 1, "sh");
  const auto child = [&](int64_t tid, const char* program) -> SnapshotThread& {
    SnapshotThread& thread = fresh.had(tid, 100, "child");
    thread.exe = std::string(host.thread(102).exe.view());
    thread.exepath = program;
    thread.args = std::string(host.thread(102).args.view());
    thread.as_of_ns = host.ts_ns + 1000;
    return thread;
  };
  child(101, "/bin/other").uid = 5;  // its exec and setuid were lost
  child(102, "/bin/sh");
  child(103, "/bin/new");  // its start was lost
  for (SnapshotThread& thread : fresh.snapshot.threads) {
    const Thread* known = host.state.find(thread.tid);
    if (known == nullptr || thread.tid == 101) continue;
    thread.uid = known->uid;
    thread.gid = known->gid;
    thread.cap_effective = known->cap_effective;
  }
  fresh.snapshot.fds = {socket_of(103, 3, FdKind::Ipv4, 6001, 443)};
  host.state.reconcile(fresh.snapshot);
  EXPECT_EQ(host.thread(101).exepath.view(), "/bin/other");
  EXPECT_EQ(host.thread(101).uid, 5u);
  EXPECT_EQ(host.thread(103).exepath.view(), "/bin/new");
  EXPECT_NE(host.fd(103, 3), nullptr);
  EXPECT_FALSE(host.thread(102).recovered) << "it was right";
  EXPECT_EQ(host.name(102, 5), "/kept");
  EXPECT_EQ(host.state.counters().threads_corrected, 2u);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(std::get<FoundThread>(told[0]).thread.tid, 101);
  EXPECT_EQ(std::get<FoundThread>(told[1]).thread.tid, 103);
}

TEST(Snapshot, AFreshOneCorrectsWhereProcessesWork) {
  StateSettings live;
  live.live = true;
  Host host(live);
  host.load_shell();
  for (const int64_t tid : {101, 102, 103}) host.fork(100, tid);
  Host fresh;
  for (const int64_t tid : {100, 101, 102, 103}) {
    const Thread& known = host.thread(tid);
    SnapshotThread& thread = fresh.had(tid, known.ptid, std::string(known.comm.view()));
    thread.exepath = known.exepath.view();
    thread.args = known.args.view();
    thread.uid = known.uid;
    thread.gid = known.gid;
    thread.cap_effective = known.cap_effective;
    thread.sid = known.sid;
    thread.root = known.root.view();
    thread.cwd = "/home/user";
    thread.as_of_ns = host.ts_ns + 1500;
  }
  host.send(Ev::CHDIR_X, 103, {0, "/home/user"});
  SnapshotThread* const threads = fresh.snapshot.threads.data();
  threads[2].cwd = "/gone (deleted)";
  threads[0].cwd = host.state.cwd(host.thread(100)).view();
  if (threads[0].cwd.size() > 1) threads[0].cwd.pop_back();
  host.state.reconcile(fresh.snapshot);
  EXPECT_FALSE(host.thread(100).recovered) << "it is where it was";
  EXPECT_EQ(host.state.cwd(host.thread(101)).view(), "/home/user/") << "its chdir was lost";
  EXPECT_FALSE(host.thread(102).recovered) << "nobody knows its directory any more";
  EXPECT_FALSE(host.thread(103).recovered) << "it was right";
  // What is in the rings still was seen by who looked.
  host.send(Ev::CHDIR_X, 101, {0, "user"});
  EXPECT_EQ(host.state.cwd(host.thread(101)).view(), "/home/user/");
  host.send(Ev::CHDIR_X, 101, {0, "sub"});
  EXPECT_EQ(host.state.cwd(host.thread(101)).view(), "/home/user/sub/");
  threads[1].cwd = "/home/user/sub";
  threads[1].sid = 101;  // its setsid was lost
  threads[3].root = "/jail";
  fresh.snapshot.threads[3].sid = host.thread(103).sid;
  host.state.reconcile(fresh.snapshot);
  EXPECT_EQ(host.thread(101).sid, 101);
  EXPECT_EQ(host.thread(103).root.view(), "/jail");
}

// The reaper must be known before the children go to it, and be told in front of the exit.
TEST(Snapshot, AReaperThatIsUnknownIsLookedUpAtTheExit) {
  std::vector<Finding> told;
  StateSettings live;
  live.live = true;
  live.find_thread = [](int64_t tid) {
    FoundThread found;
    found.thread.tid = found.thread.pid = found.thread.vtid = found.thread.vpid = tid;
    found.thread.ptid = 1;
    return std::optional(found);
  };
  live.on_finding = [&](const Finding& finding) { told.push_back(finding); };
  Host host(live);
  host.load_shell();
  host.fork(100, 101);
  host.exit(100, 50);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(std::get<FoundThread>(told[0]).thread.tid, 50);
  host.tick();
  EXPECT_EQ(host.thread(101).ptid, 50);
}

}  // namespace
}  // namespace gyr
