// SPDX-License-Identifier: Apache-2.0
// clone, exec, exit and the family tree (state-engine 3 and 4.1 to 4.3).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host.h"

namespace gyr {
namespace {

using test::CloneSpec;
using test::ExecSpec;
using test::Host;
using test::Missing;

std::string view(const Str& text) { return std::string(text.view()); }

CloneSpec caller_side(int64_t caller, int64_t child, uint32_t flags = 0) {
  CloneSpec spec;
  spec.result = child;
  spec.tid = spec.pid = caller;
  spec.flags = flags;
  spec.comm = "caller";
  spec.exe = "caller-exe";
  return spec;
}

TEST(Clone, ChildReportsItself) {
  Host host;
  host.had(1, 0, "init");
  SnapshotThread& shell = host.had(100, 1, "sh");
  shell.sid = 55;
  shell.tty = 7;
  shell.loginuid = 1000;
  shell.root = "/jail";
  shell.cap_permitted = 9;
  shell.env = std::string("A=1\0", 4);
  host.load();
  host.openat(100, 3, "file");
  const EventState& now = host.fork(100, 200, "kid");
  ASSERT_NE(now.thread, nullptr);
  EXPECT_EQ(now.thread->tid, 200);
  const Thread& child = host.thread(200);
  EXPECT_EQ(child.ptid, 100);
  EXPECT_EQ(view(child.comm), "kid");
  EXPECT_EQ(view(child.exepath), "/bin/sh");
  EXPECT_EQ(view(child.root), "/jail");
  EXPECT_EQ(child.sid, 55);
  EXPECT_EQ(child.tty, 7u);
  EXPECT_EQ(child.loginuid, 1000u);
  EXPECT_EQ(child.cap_permitted, 9u);
  EXPECT_EQ(host.cwd(200), "/home/");
  EXPECT_EQ(host.state.env(child).view(), std::string_view("A=1\0", 4));
  EXPECT_EQ(host.name(200, 3), "/home/file");
  EXPECT_EQ(host.state.parent(child), host.state.find(100));
  EXPECT_NE(child.flags & kCloneInverted, 0u);
  EXPECT_EQ(child.clone_ts_ns, host.event.ts_ns());
}

TEST(Clone, CallerReportsTheChild) {
  Host host;
  host.load_shell();
  host.openat(100, 3, "file");
  const EventState& now = host.clone(caller_side(100, 200));
  EXPECT_EQ(now.thread->tid, 100);
  ASSERT_NE(host.state.find(200), nullptr);
  EXPECT_EQ(host.thread(200).ptid, 100);
  EXPECT_EQ(host.thread(200).vpid, 200);
  EXPECT_EQ(view(host.thread(200).exepath), "/bin/sh");
  EXPECT_EQ(host.name(200, 3), "/home/file");
  EXPECT_EQ(host.cwd(200), "/home/");
  // Tables are apart from here on.
  host.openat(200, 4, "own");
  EXPECT_EQ(host.fd(100, 4), nullptr);
}

TEST(Clone, FailedCallsChangeNothing) {
  Host host;
  host.load_shell();
  CloneSpec spec = caller_side(100, -11);
  host.clone(spec);
  EXPECT_EQ(host.state.thread_count(), 2u);
  EXPECT_EQ(host.state.find(-11), nullptr);
}

TEST(Clone, CallerLeavesSomeChildrenToThemselves) {
  for (const uint32_t flags : {kChildInPidns, kCloneNewPid, kCloneParent, kCloneVfork}) {
    Host host;
    host.load_shell();
    host.clone(caller_side(100, 200, flags));
    EXPECT_EQ(host.state.find(200), nullptr) << flags;
  }
  Host host;
  host.load_shell();
  CloneSpec spec = caller_side(100, 200);
  spec.type = Ev::VFORK_20_X;
  host.clone(spec);
  EXPECT_EQ(host.state.find(200), nullptr);
  spec.type = Ev::FORK_20_X;
  host.clone(spec);
  EXPECT_NE(host.state.find(200), nullptr);
}

TEST(Clone, CallerInAPidNamespaceLeavesItsChildren) {
  Host host;
  host.had(1, 0, "init");
  host.had(100, 1, "sh").vtid = 5;
  host.load();
  host.clone(caller_side(100, 200));
  EXPECT_EQ(host.state.find(200), nullptr);
}

TEST(Clone, ChildThatExitedAlreadyStaysGone) {
  Host host;
  host.load_shell();
  host.fork(100, 200);
  host.exit(200);
  host.tick();
  ASSERT_EQ(host.state.find(200), nullptr);
  host.clone(caller_side(100, 200));
  EXPECT_EQ(host.state.find(200), nullptr) << "the parent's report comes late";
  host.clone(caller_side(1, 200));
  EXPECT_NE(host.state.find(200), nullptr) << "another parent's child is another child";
  host.exit(200);
  host.tick();
  host.ts_ns += 3'000'000'000;
  host.clone(caller_side(1, 200));
  EXPECT_NE(host.state.find(200), nullptr) << "after two seconds it is a new one";
}

TEST(Clone, RecentExitsAreARing) {
  Host host;
  host.load_shell();
  host.fork(100, 5000);
  host.exit(5000);
  for (int64_t i = 0; i < 8191; ++i) {
    host.fork(100, 6000 + i);
    host.exit(6000 + i);
  }
  host.tick();
  host.ts_ns -= 8191 * 2 * 1000;  // still within the window
  host.clone(caller_side(100, 5000));
  EXPECT_EQ(host.state.find(5000), nullptr) << "8192 exits are remembered";
  host.fork(100, 90000);
  host.exit(90000);
  host.tick();
  host.clone(caller_side(100, 5000));
  EXPECT_NE(host.state.find(5000), nullptr) << "the oldest makes room";
}

TEST(Clone, ThreadsShareTheLeadersTables) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  const Thread& worker = host.thread(101);
  EXPECT_EQ(worker.pid, 100);
  EXPECT_NE(worker.flags & kCloneFiles, 0u);
  host.openat(101, 5, "shared");
  EXPECT_EQ(host.name(100, 5), "/home/shared");
  EXPECT_EQ(host.state.leader(worker), host.state.find(100));
  EXPECT_EQ(worker.group->alive, 2u);
  host.send(Ev::CHDIR_X, 100, {0, "/srv"});
  EXPECT_EQ(host.cwd(101), "/srv/");
  host.send(Ev::CHDIR_X, 101, {0, "sub"});
  EXPECT_EQ(host.cwd(100), "sub/") << "as in the reference";
}

TEST(Clone, CallerReportsAThread) {
  Host host;
  host.load_shell();
  host.clone(caller_side(100, 101, kCloneThread | kCloneFiles | kCloneFs));
  const Thread& worker = host.thread(101);
  EXPECT_EQ(worker.pid, 100);
  EXPECT_EQ(worker.ptid, 1);
  EXPECT_EQ(worker.vpid, 100);
  EXPECT_NE(worker.flags & kCloneFiles, 0u);
}

TEST(Clone, UnknownParentBecomesAFakeEntry) {
  Host host;
  host.load_shell();
  host.fork(777, 778, "orphan");
  ASSERT_NE(host.state.find(777), nullptr);
  EXPECT_EQ(view(host.thread(777).comm), "<NA>");
  EXPECT_TRUE(host.thread(777).is_invalid());
  EXPECT_EQ(host.thread(777).uid, kNoId);
  EXPECT_EQ(host.thread(778).ptid, 0) << "an invalid parent is none";
}

TEST(Clone, UnknownLeaderLearnsFromItsThread) {
  Host host;
  host.load_shell();
  host.new_thread(300, 301, "worker");
  const Thread& leader = host.thread(300);
  EXPECT_EQ(leader.pid, 300);
  EXPECT_EQ(view(leader.comm), "worker");
  EXPECT_EQ(host.state.leader(host.thread(301)), &leader);
}

TEST(Clone, UnknownCallerLearnsFromItsCall) {
  Host host;
  host.load_shell();
  CloneSpec spec = caller_side(300, 301);
  spec.ptid = 1;
  spec.vtid = spec.vpid = 300;
  host.clone(spec);
  EXPECT_EQ(host.thread(300).pid, 300);
  EXPECT_EQ(host.thread(300).ptid, 1);
  EXPECT_EQ(view(host.thread(300).comm), "caller");
  ASSERT_NE(host.state.find(301), nullptr);
  EXPECT_EQ(host.thread(301).ptid, 300);
}

TEST(Clone, KnownChildIsKeptOrReplaced) {
  Host host;
  host.load_shell();
  host.fork(100, 200, "first");
  host.fork(100, 200, "again");
  EXPECT_EQ(view(host.thread(200).comm), "first") << "a fresh entry is the same child";
  host.ts_ns += 3'000'000'000;
  host.fork(100, 200, "again");
  EXPECT_EQ(view(host.thread(200).comm), "again");
  host.clone(caller_side(100, 200));
  EXPECT_EQ(view(host.thread(200).comm), "again") << "its own report is worth more";
  // One of the snapshot, which has no time of birth, is replaced at once; its children stay
  // children.
  host.fork(100, 210);
  host.fork(100, 100 + 1);
  host.fork(1, 100, "newshell");
  EXPECT_EQ(view(host.thread(100).comm), "newshell");
  EXPECT_EQ(host.state.parent(host.thread(210)), host.state.find(100));
}

TEST(Clone, NamespaceStartIsCounted) {
  StateSettings settings;
  settings.live = true;  // a replay counts from zero
  Host host(settings);
  host.snapshot.machine.boot_ts_ns = 5000;
  host.load_shell();
  host.fork(100, 200);
  EXPECT_EQ(host.thread(200).pidns_init_start_ts_ns, 5000u);
  CloneSpec spec;
  spec.tid = spec.pid = 201;
  spec.ptid = 100;
  spec.flags = kChildInPidns;
  spec.vtid = spec.vpid = 1;
  spec.pidns_start = 70;
  host.clone(spec);
  EXPECT_EQ(host.thread(201).pidns_init_start_ts_ns, 5070u);
  spec.tid = spec.pid = 202;
  spec.pidns_start = Missing{};
  host.clone(spec);
  EXPECT_EQ(host.thread(202).pidns_init_start_ts_ns, 0u);
}

TEST(Exec, ReplacesTheImage) {
  Host host;
  host.load_shell();
  host.fork(100, 200);
  ExecSpec spec;
  spec.ptid = 100;
  spec.comm = "cat";
  spec.exe = "cat";
  spec.args = test::list({"/etc/passwd", "-n"});
  spec.env = test::list({"HOME=/root"});
  spec.trusted_exepath = "/usr/bin/cat (deleted)";
  spec.pgid = 44;
  spec.uid = 5;
  spec.gid = 6;
  spec.flags = 1 | 8;
  spec.vpgid = 43;
  host.exec(200, spec);
  const Thread& thread = host.thread(200);
  EXPECT_EQ(view(thread.comm), "cat");
  EXPECT_EQ(view(host.state.command_line(thread)), "cat /etc/passwd -n");
  EXPECT_EQ(view(thread.exepath), "/usr/bin/cat");
  EXPECT_EQ(view(host.state.env(thread)), std::string("HOME=/root\0", 11));
  EXPECT_EQ(thread.uid, 5u);
  EXPECT_EQ(thread.gid, 6u);
  EXPECT_EQ(thread.pgid, 44);
  EXPECT_EQ(thread.vpgid, 43);
  EXPECT_EQ(thread.tty, 34816u);
  EXPECT_EQ(thread.loginuid, 1000u);
  EXPECT_TRUE(thread.exe_writable);
  EXPECT_TRUE(thread.exe_lower_layer);
  EXPECT_FALSE(thread.exe_upper_layer);
  EXPECT_EQ(thread.cap_effective, 3u);
  EXPECT_EQ(thread.exe_ino, 42u);
  EXPECT_EQ(thread.ctime_duration_clone_ns, thread.clone_ts_ns - 5000);
  EXPECT_EQ(thread.fdlimit, 2048);
  EXPECT_EQ(thread.vmrss_kb, 200u);
  EXPECT_EQ(thread.lastexec_ts_ns, host.event.ts_ns());
  host.exec(200, ExecSpec{});
  EXPECT_EQ(thread.pgid, -1) << "an event without it clears it";
  EXPECT_EQ(thread.uid, 5u) << "others keep what they had";
}

TEST(Exec, FailureChangesNothing) {
  Host host;
  host.load_shell();
  ExecSpec spec;
  spec.comm = "cat";
  host.exec(100, spec, -2);
  EXPECT_EQ(view(host.thread(100).comm), "sh");
}

TEST(Exec, DropsDescriptorsMarkedForIt) {
  Host host;
  host.load_shell();
  host.openat(100, 3, "stays");
  host.openat(100, 4, "goes", 1 | kOpenCloexec);
  host.send(Ev::EPOLL_CREATE1_X, 100, {5, 1});
  host.send(Ev::MEMFD_CREATE_X, 100, {6, "m", 1});
  host.send(Ev::MEMFD_CREATE_X, 100, {7, "n", 0});
  host.exec(100, ExecSpec{});
  EXPECT_NE(host.fd(100, 3), nullptr);
  EXPECT_EQ(host.fd(100, 4), nullptr);
  EXPECT_EQ(host.fd(100, 5), nullptr);
  EXPECT_EQ(host.fd(100, 6), nullptr);
  EXPECT_NE(host.fd(100, 7), nullptr);
}

TEST(Exec, EndsTheOtherThreads) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  host.new_thread(100, 102);
  host.exec(100, ExecSpec{});
  EXPECT_EQ(host.state.find(101), nullptr);
  EXPECT_EQ(host.state.find(102), nullptr);
  EXPECT_EQ(host.thread(100).group->alive, 1u);
}

// When another thread than the leader execs, the kernel gives it the leader's tid, after the
// leader's exit.
TEST(Exec, RevivesADeadLeader) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  host.exit(100);
  host.tick();
  ASSERT_NE(host.state.find(100), nullptr);
  EXPECT_TRUE(host.thread(100).is_dead());
  host.exec(100, ExecSpec{});
  EXPECT_FALSE(host.thread(100).is_dead());
  EXPECT_EQ(host.state.find(101), nullptr);
  EXPECT_EQ(host.thread(100).group->alive, 1u);
}

TEST(Exec, PathComesFromTheEnterEventWhenTheKernelGaveNone) {
  Host host;
  host.load_shell();
  EXPECT_TRUE(host.send(Ev::EXECVE_19_E, 100, {"tool"}).hidden);
  host.exec(100, ExecSpec{});
  EXPECT_EQ(view(host.thread(100).exepath), "/home/tool");
  host.send(Ev::EXECVE_19_E, 100, {"<NA>"});
  host.exec(100, ExecSpec{});
  EXPECT_EQ(view(host.thread(100).exepath), "<NA>");
  host.exec(100, ExecSpec{});
  EXPECT_EQ(view(host.thread(100).exepath), "<NA>") << "nothing stored: as it was";
}

TEST(Exec, ExecveatTakesPathsFromDescriptors) {
  Host host;
  host.load_shell();
  host.openat(100, 9, "/opt/bin", kOpenDirectory);
  ExecSpec spec;
  spec.type = Ev::EXECVEAT_X;
  const auto run = [&](int64_t dirfd, test::Param path, int64_t flags) {
    host.send(Ev::EXECVEAT_E, 100, {dirfd, path, flags});
    host.exec(100, spec);
    return view(host.thread(100).exepath);
  };
  EXPECT_EQ(run(9, "tool", 0), "/opt/bin/tool");
  EXPECT_EQ(run(9, "/abs", 0), "/abs");
  EXPECT_EQ(run(8, "tool", 0), "<NA>");
  EXPECT_EQ(run(9, "<NA>", 0), "<NA>");
  // The reference reports a successful execveat as an execve that follows execveat's enter event.
  spec.type = Ev::EXECVE_19_X;
  EXPECT_EQ(run(9, "tool2", 0), "/opt/bin/tool2");
}

TEST(Exec, EmptyCommIsTheProgram) {
  Host host;
  host.load_shell();
  ExecSpec spec;
  spec.comm = "";
  spec.exe = "/x/prog";
  host.exec(100, spec);
  EXPECT_EQ(view(host.thread(100).comm), "/x/prog");
}

TEST(Exit, TakesEffectAtTheNextEvent) {
  Host host;
  host.load_shell();
  host.fork(100, 200);
  const EventState& now = host.exit(200);
  ASSERT_EQ(now.thread, host.state.find(200));
  EXPECT_TRUE(now.thread->is_dead());
  host.tick();
  EXPECT_EQ(host.state.find(200), nullptr);
  EXPECT_EQ(host.thread(100).children.size(), 0u);
}

TEST(Exit, OfAnUnknownThreadMakesNoEntry) {
  Host host;
  host.load_shell();
  EXPECT_EQ(host.exit(4242).thread, nullptr);
  EXPECT_EQ(host.state.thread_count(), 2u);
}

TEST(Exit, DeadLeaderStaysWhileItsThreadsLive) {
  Host host;
  host.load_shell();
  host.new_thread(100, 101);
  host.exit(100);
  host.tick();
  EXPECT_NE(host.state.find(100), nullptr);
  EXPECT_EQ(host.cwd(101), "/home/");
  host.exit(101);
  host.tick();
  EXPECT_EQ(host.state.find(101), nullptr);
  EXPECT_EQ(host.state.find(100), nullptr) << "the last thread takes the leader along";
}

TEST(Reaping, KernelsChoiceCounts) {
  Host host;
  host.load_shell();
  host.had(50, 1, "reaper");
  host.load();
  host.fork(100, 200);
  host.fork(200, 300);
  host.exit(200, 50);
  EXPECT_EQ(host.thread(300).ptid, 200);
  host.tick();
  EXPECT_EQ(host.thread(300).ptid, 50);
  EXPECT_EQ(host.state.parent(host.thread(300)), host.state.find(50));
  EXPECT_TRUE(host.thread(50).group->reaper);
}

TEST(Reaping, SiblingsThenReaperThenNobody) {
  Host host;
  host.load_shell();
  // A thread of the same process is next of kin.
  host.fork(100, 200);
  host.new_thread(200, 201);
  host.fork(200, 300);
  host.exit(200);
  host.tick();
  EXPECT_EQ(host.thread(300).ptid, 201);
  // Then the nearest reaper above: init, or who asked to be one.
  host.exit(201);
  host.tick();
  EXPECT_EQ(host.thread(300).ptid, 1);
  host.fork(100, 400);
  host.fork(400, 500);
  host.send(Ev::PRCTL_X, 100, {0, 36, Missing{}, 1});
  host.exit(400);
  host.tick();
  EXPECT_EQ(host.thread(500).ptid, 100);
  host.send(Ev::PRCTL_X, 100, {0, 36, Missing{}, 0});
  EXPECT_FALSE(host.thread(100).group->reaper);
}

TEST(Reaping, NobodyAcrossNamespaces) {
  Host host;
  host.load_shell();
  CloneSpec spec;
  spec.tid = spec.pid = 200;
  spec.ptid = 100;
  spec.flags = kChildInPidns;
  spec.vtid = spec.vpid = 9;
  host.clone(spec);
  spec.tid = spec.pid = 300;
  spec.ptid = 200;
  spec.vtid = spec.vpid = 10;
  host.clone(spec);
  host.exit(200);
  host.tick();
  EXPECT_EQ(host.thread(300).ptid, 0);
  EXPECT_EQ(host.state.parent(host.thread(300)), nullptr);
}

TEST(Reaping, CirclesInASnapshotEnd) {
  Host host;
  host.had(10, 20, "a");
  host.had(20, 30, "b");
  host.had(30, 10, "c");
  host.had(40, 10, "d");
  host.had(50, 40, "e");
  host.load();
  host.exit(40);
  host.tick();
  EXPECT_EQ(host.thread(50).ptid, 0);
}

TEST(Limits, FullTableDropsThreads) {
  StateSettings settings;
  settings.thread_limit = 3;
  Host host(settings);
  host.load_shell();
  host.fork(100, 200);
  EXPECT_NE(host.state.find(200), nullptr);
  const EventState& now = host.fork(100, 201);
  EXPECT_EQ(now.thread, nullptr);
  EXPECT_EQ(host.state.find(201), nullptr);
  EXPECT_EQ(host.state.thread_count(), 3u);
  EXPECT_EQ(host.state.counters().threads_dropped_full, 1u);
}

// Whoever fills the table must not hide what follows: rules see what the events themselves tell.
TEST(Limits, EventsOfThreadsThatAFullTableDropsAreEvaluated) {
  StateSettings settings;
  settings.thread_limit = 3;
  Host host(settings);
  host.load_shell();
  host.fork(100, 200);
  const EventState& opened = host.openat(999, 3, "/etc/shadow");
  ASSERT_NE(opened.thread, nullptr);
  EXPECT_EQ(opened.thread->tid, 999);
  EXPECT_EQ(opened.thread->comm.view(), "<NA>");
  ASSERT_NE(opened.fd, nullptr);
  EXPECT_EQ(opened.fd->name.view(), "/etc/shadow");
  EXPECT_EQ(host.state.find(999), nullptr);
  const EventState& other = host.openat(998, 4, "/etc/passwd");
  ASSERT_NE(other.thread, nullptr);
  EXPECT_EQ(other.thread->tid, 998);
  EXPECT_EQ(other.thread->own_fds.find(3), nullptr) << "nothing of another thread is left";
  ExecSpec curl;
  curl.pid = 998;
  curl.comm = "curl";
  const EventState& executed = host.exec(998, curl);
  ASSERT_NE(executed.thread, nullptr);
  EXPECT_EQ(executed.thread->comm.view(), "curl");
  EXPECT_EQ(executed.thread->group, nullptr) << "it is in no family";
  EXPECT_EQ(host.state.thread_count(), 3u);
  EXPECT_EQ(host.state.counters().threads_dropped_full, 3u);
}

TEST(Lookup, LiveThreadsAreRecovered) {
  StateSettings settings;
  settings.live = true;
  settings.find_thread = [](int64_t tid) -> std::optional<FoundThread> {
    if (tid != 77) return std::nullopt;
    FoundThread found;
    found.thread.tid = found.thread.pid = found.thread.vtid = found.thread.vpid = 77;
    found.thread.ptid = 1;
    found.thread.comm = "late";
    found.thread.cwd = "/late";
    SnapshotFd fd;
    fd.tid = 77;
    fd.fd = 3;
    fd.kind = FdKind::FileV2;
    fd.name = "/late/file";
    found.fds.push_back(fd);
    return found;
  };
  Host host(settings);
  host.load_shell();
  const EventState& now = host.close(77, 3);
  ASSERT_NE(now.thread, nullptr);
  EXPECT_EQ(view(now.thread->comm), "late");
  EXPECT_TRUE(now.thread->recovered);
  ASSERT_NE(now.fd, nullptr);
  EXPECT_EQ(view(now.fd->name), "/late/file");
  EXPECT_EQ(host.cwd(77), "/late/");
  EXPECT_EQ(host.state.counters().threads_recovered, 1u);
  EXPECT_EQ(view(host.close(78, 3).thread->comm), "<NA>");
}

TEST(Purge, RemovesWhatIsGone) {
  class OneProcess : public Files {
   public:
    Result<std::string> read(std::string_view path, size_t) const override {
      if (path == "/proc/100/task/100/comm") return std::string("sh\n");
      return Error{"no such file"};
    }
    Result<std::vector<std::string>> list(std::string_view) const override { return Error{"no"}; }
    Result<std::string> read_link(std::string_view) const override { return Error{"no"}; }
    Result<FileStat> stat(std::string_view, bool) const override { return Error{"no"}; }
  };
  const OneProcess files;
  StateSettings settings;
  settings.live = true;
  settings.files = &files;
  Host host(settings);
  host.load_shell();
  host.close(555, 1);  // a fake entry
  host.fork(100, 200);
  host.tick();
  ASSERT_NE(host.state.find(555), nullptr);
  host.ts_ns += 31'000'000'000;
  host.tick();
  EXPECT_EQ(host.state.find(555), nullptr) << "invalid entries go first";
  EXPECT_NE(host.state.find(200), nullptr) << "used lately";
  host.ts_ns += 301'000'000'000;
  host.tick();
  EXPECT_EQ(host.state.find(200), nullptr);
  EXPECT_NE(host.state.find(100), nullptr) << "still in /proc";
}

TEST(Purge, ForgetsContainersWithoutThreads) {
  int asked = 0;
  std::vector<std::string> forgotten;
  StateSettings settings;
  settings.live = true;
  settings.find_container = [&](std::string_view id, std::string_view, int64_t, uint64_t) {
    ++asked;
    return ContainerAnswer{R"({"container":{"id":")" + std::string(id) + R"("}})",
                           ContainerAnswer::kNever};
  };
  settings.forget_container = [&](std::string_view id) { forgotten.emplace_back(id); };
  Host host(settings);
  host.load_shell();
  const std::string id = "0123456789ab";
  const std::string path = "/docker/" + id + std::string(52, 'c');
  const auto start = [&](int64_t tid) {
    CloneSpec spec;
    spec.tid = spec.pid = tid;
    spec.vtid = spec.vpid = tid;
    spec.ptid = 100;
    spec.cgroups = test::list({"cpu=" + path});
    host.clone(spec);
  };
  start(200);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(view(host.state.find(200)->container_id), id);
  host.tick();  // the first time to clean up is set
  host.ts_ns += 31'000'000'000;
  host.tick();
  EXPECT_THAT(forgotten, testing::ElementsAre()) << "it has a thread";
  host.exit(200);
  host.ts_ns += 301'000'000'000;
  host.tick();
  EXPECT_THAT(forgotten, testing::ElementsAre(id));
  start(300);
  EXPECT_EQ(asked, 2) << "it was started again";
}

TEST(OwnEvents, ArePassedOverWhenLive) {
  StateSettings settings;
  settings.live = true;
  settings.own_pid = 100;
  Host host(settings);
  host.load_shell();
  EXPECT_TRUE(host.openat(100, 3, "x").hidden);
  EXPECT_EQ(host.fd(100, 3), nullptr);
  EXPECT_FALSE(host.openat(1, 3, "x").hidden);
}

}  // namespace
}  // namespace gyr
