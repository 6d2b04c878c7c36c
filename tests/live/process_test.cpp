// SPDX-License-Identifier: Apache-2.0
// The life of processes and their credentials, live.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "coverage.h"
#include "live_fixture.h"
#include "row_model.h"

namespace gyr::test {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Of a parameter that the running program and its children share until they exec.
std::string shared(const Seen& seen, std::string_view name) {
  return expected_of_task(event_info(seen.type()).params()[seen.index_of(name)], 0);
}
std::string shared_text(const Seen& seen, std::string_view name) {
  return shared(seen, name).c_str();
}

struct Clone {
  int64_t res, tid, pid, ptid;
  int64_t flags = 0;  // portable
  bool in_namespace = false;
};

class ProcessLive : public LiveTest {
 protected:
  // The event of a clone-like call: of its caller, or of its child if `res` is 0.
  static void expect_clone(const Seen& seen, const Clone& clone) {
    if (seen.record.empty()) return;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const bool leads = clone.tid == clone.pid;
    expect(seen, {{"res", clone.res},
                  {"exe", shared_text(seen, "exe")},
                  {"args", shared(seen, "args").empty() ? kEmpty : shared(seen, "args")},
                  {"tid", clone.tid},
                  {"pid", clone.pid},
                  {"ptid", clone.ptid},
                  {"cwd", kEmpty},
                  {"fdlimit", static_cast<int64_t>(limit.rlim_cur)},
                  {"pgft_maj", kAny},
                  {"pgft_min", kAny},
                  {"vm_size", kAny},
                  {"vm_rss", kAny},
                  {"vm_swap", 0},
                  {"comm", shared_text(seen, "comm")},
                  {"cgroups", shared(seen, "cgroups")},
                  {"flags", clone.flags},
                  {"uid", geteuid()},
                  {"gid", getegid()},
                  {"vtid", clone.in_namespace && leads ? 1 : clone.tid},
                  {"vpid", clone.in_namespace ? 1 : clone.pid},
                  {"pidns_init_start_ts", kAny}});
    EXPECT_GT(seen.number("vm_size"), 1000);
    EXPECT_GT(seen.number("vm_rss"), 100);
    EXPECT_LT(seen.number("vm_rss"), seen.number("vm_size"));
    EXPECT_EQ(seen.number("pidns_init_start_ts") > 0, clone.res == 0);
  }
};

struct Sides {
  Seen caller, child;
};
Sides sides(const std::vector<Seen>& events, Ev type) {
  Sides found{{{}, 0}, {{}, 0}};
  for (const Seen& seen : events) {
    if (seen.type() != type) continue;
    if (seen.number("res") > 0) found.caller = seen;
    if (seen.number("res") == 0) found.child = seen;
  }
  EXPECT_FALSE(found.caller.record.empty());
  EXPECT_FALSE(found.child.record.empty());
  return found;
}

TEST_F(ProcessLive, fork) {
  const auto events = run_all([&] {
    out(0) = syscall(SYS_fork);
    if (out(0) == 0) _exit(0);
    const auto pid = static_cast<pid_t>(out(0));
    waitpid(pid, nullptr, 0);
    out(0) = pid;
  });
  const Sides fork = sides(events, Ev::FORK_20_X);
  expect_clone(fork.caller, {.res = out(0), .tid = child(), .pid = child(), .ptid = getpid()});
  expect_clone(fork.child, {.res = 0, .tid = out(0), .pid = out(0), .ptid = child()});
  EXPECT_LT(fork.caller.view().ts_ns(), of(events, Ev::PROCEXIT_1_E).back().view().ts_ns());
}

TEST_F(ProcessLive, vfork) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run_all([&] {
    const pid_t pid = vfork();
    if (pid == 0) _exit(3);
    out(0) = pid;
    waitpid(pid, nullptr, 0);
  });
  const Sides vfork = sides(events, Ev::VFORK_20_X);
  const int64_t flags = 0x8008000;  // CLONE_VFORK | CLONE_VM
  expect_clone(vfork.caller,
               {.res = out(0), .tid = child(), .pid = child(), .ptid = getpid(), .flags = flags});
  expect_clone(vfork.child,
               {.res = 0, .tid = out(0), .pid = out(0), .ptid = child(), .flags = flags});
}

TEST_F(ProcessLive, clone_success_and_failure) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run_all([&] {
    const long pid = syscall(SYS_clone, CLONE_FS | CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
    syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0);  // without CLONE_SIGHAND: refused
  });
  const Sides clone = sides(events, Ev::CLONE_20_X);
  expect_clone(clone.caller,
               {.res = out(0), .tid = child(), .pid = child(), .ptid = getpid(), .flags = 3});
  expect_clone(clone.child, {.res = 0, .tid = out(0), .pid = out(0), .ptid = child(), .flags = 3});
  const Seen failed = of(events, Ev::CLONE_20_X).back();
  EXPECT_EQ(failed.number("res"), -EINVAL);
  EXPECT_EQ(failed.bits("flags"), 8192u);
}

TEST_F(ProcessLive, clone3_success_and_failure) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run_all([&] {
    clone_args args{};
    args.flags = CLONE_FS;
    args.exit_signal = SIGCHLD;
    const long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
    args.flags = CLONE_SIGHAND;
    syscall(SYS_clone3, &args, sizeof args);
  });
  const Sides clone = sides(events, Ev::CLONE3_X);
  expect_clone(clone.caller,
               {.res = out(0), .tid = child(), .pid = child(), .ptid = getpid(), .flags = 2});
  expect_clone(clone.child, {.res = 0, .tid = out(0), .pid = out(0), .ptid = child(), .flags = 2});
  const Seen failed = of(events, Ev::CLONE3_X).back();
  EXPECT_EQ(failed.number("res"), -EINVAL);
}

TEST_F(ProcessLive, a_child_in_a_pid_namespace) {
  const auto events = run_all([&] {
    const long pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
  });
  const Sides clone = sides(events, Ev::CLONE_20_X);
  expect_clone(clone.child, {.res = 0,
                             .tid = out(0),
                             .pid = out(0),
                             .ptid = child(),
                             .flags = 0x20000040,  // CHILD_IN_PIDNS | CLONE_NEWPID
                             .in_namespace = true});
}

TEST_F(ProcessLive, execve) {
  struct stat exe {};
  ASSERT_EQ(stat("/bin/true", &exe), 0);
  const auto events = run([&] {
    setpgid(0, 0);
    // Pages that nobody touched yet cannot be read by the probe: the texts live on the stack.
    const char name[] = "my true", a[] = "a", none[] = "", b[] = "b c", home[] = "HOME=/x",
               empty[] = "EMPTY=";
    const char* argv[] = {name, a, none, b, nullptr};
    const char* envp[] = {home, empty, nullptr};
    syscall(SYS_execve, "/no/such", argv, envp);
    syscall(SYS_execve, "/bin/true", argv, envp);
  });
  const auto [good, bad] = both(events, Ev::EXECVE_19_X);
  using std::string_literals::operator""s;
  const int64_t ctime = exe.st_ctim.tv_sec * 1'000'000'000 + exe.st_ctim.tv_nsec;
  const int64_t mtime = exe.st_mtim.tv_sec * 1'000'000'000 + exe.st_mtim.tv_nsec;
  const int64_t flags = good.number("flags");
  EXPECT_EQ(flags & 5, 1) << "root may write it, it is no memfd";
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  expect(good, {{"res", 0},
                {"exe", "my true"},
                {"args", "a\0\0b c\0"s},
                {"tid", child()},
                {"pid", child()},
                {"ptid", getpid()},
                {"cwd", kEmpty},
                {"fdlimit", static_cast<int64_t>(limit.rlim_cur)},
                {"pgft_maj", good.number("pgft_maj")},
                {"pgft_min", good.number("pgft_min")},
                {"vm_size", good.number("vm_size")},
                {"vm_rss", good.number("vm_rss")},
                {"vm_swap", 0},
                {"comm", "true"},
                {"cgroups", kAny},
                {"env", "HOME=/x\0EMPTY=\0"s},
                {"tty", good.number("tty")},
                {"vpgid", child()},
                {"loginuid", good.number("loginuid")},
                {"flags", flags},
                {"cap_inheritable", good.number("cap_inheritable")},
                {"cap_permitted", good.number("cap_permitted")},
                {"cap_effective", good.number("cap_effective")},
                {"exe_ino", static_cast<int64_t>(exe.st_ino)},
                {"exe_ino_ctime", ctime},
                {"exe_ino_mtime", mtime},
                {"uid", 0},
                {"trusted_exepath", std::filesystem::canonical("/bin/true").string()},
                {"pgid", child()},
                {"gid", 0},
                {"filename", "/bin/true"}});
  EXPECT_GT(good.number("vm_size"), 100);
  uint64_t effective = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) effective = std::stoull(line.substr(7), nullptr, 16);
  }
  EXPECT_EQ(good.bits("cap_effective"), effective);
  EXPECT_EQ(good.bits("cap_permitted"), effective);
  EXPECT_EQ(bad.number("res"), -ENOENT);
  EXPECT_EQ(bad.text("exe"), "my true");
  EXPECT_EQ(bad.bytes_of("args"), "a\0\0b c\0"s);
  EXPECT_EQ(bad.bytes_of("env"), "HOME=/x\0EMPTY=\0"s);
  EXPECT_EQ(bad.text("filename"), "/no/such");
  EXPECT_EQ(bad.text("comm"), first_line("/proc/self/comm"));
  EXPECT_EQ(bad.text("trusted_exepath"), std::filesystem::read_symlink("/proc/self/exe").string());
}

TEST_F(ProcessLive, execveat_and_memfd_execution) {
  const auto events = run([&] {
    const char name[] = "from memory";  // on the stack: a page that is there
    const char* argv[] = {name, nullptr};
    const char* envp[] = {nullptr};
    const long copy = syscall(SYS_memfd_create, "payload", 0);
    const int from = open("/bin/true", O_RDONLY);
    std::array<char, 65536> block;
    for (ssize_t got; (got = read(from, block.data(), block.size())) > 0;) {
      if (write(static_cast<int>(copy), block.data(), static_cast<size_t>(got)) != got) _exit(9);
    }
    syscall(SYS_execveat, 900, "x", argv, envp, 0);
    syscall(SYS_execveat, copy, "", argv, envp, AT_EMPTY_PATH);
  });
  const Seen failed = only(events, Ev::EXECVEAT_X);
  EXPECT_EQ(failed.number("res"), -EBADF);
  EXPECT_EQ(failed.text("exe"), "from memory");
  const Seen good = only(events, Ev::EXECVE_19_X);  // the kernel makes it an execve
  Coverage::instance().excuse(Ev::EXECVEAT_X, false);
  EXPECT_EQ(good.number("res"), 0);
  EXPECT_EQ(good.text("exe"), "from memory");
  EXPECT_EQ(good.bits("flags") & 4, 4u) << "from a memfd";
  EXPECT_EQ(good.text("trusted_exepath"), "/memfd:payload");
  EXPECT_TRUE(good.text("filename").starts_with("/dev/fd/")) << good.text("filename");
  EXPECT_FALSE(good.has("env"));
}

TEST_F(ProcessLive, exit_codes_and_signals) {
  const Seen left = only(run([] { return 7; }), Ev::PROCEXIT_1_E);
  expect(left, {{"status", 7 << 8}, {"ret", 7}, {"sig", 0}, {"core", 0}, {"reaper_tid", 0}});
  const Seen killed = only(run([] { raise(SIGKILL); }), Ev::PROCEXIT_1_E);
  expect(killed,
         {{"status", SIGKILL}, {"ret", 0}, {"sig", SIGKILL}, {"core", 0}, {"reaper_tid", 0}});
}

TEST_F(ProcessLive, children_of_the_dead_get_a_reaper) {
  const auto events = run_all([&] {
    if (fork() == 0) {
      usleep(50'000);
      _exit(0);
    }
  });
  const auto exits = of(events, Ev::PROCEXIT_1_E);
  ASSERT_FALSE(exits.empty());
  EXPECT_EQ(exits.back().tid(), child());
  EXPECT_GE(exits.back().number("reaper_tid"), 1);
}

TEST_F(ProcessLive, user_ids) {
  const auto events = run([&] {
    syscall(SYS_setresgid, -1, 11, -1);
    syscall(SYS_setregid, 12, 13);
    syscall(SYS_setgid, 14);
    std::array<uint32_t, 3> ids{};
    syscall(SYS_getresgid, &ids[0], &ids[1], &ids[2]);
    syscall(SYS_setreuid, -1, 22);
    syscall(SYS_setresuid, 0, 0, 0);
    syscall(SYS_setuid, 23);
    syscall(SYS_setuid, 0);
    syscall(SYS_setresuid, 0, 1, 2);
    syscall(SYS_setreuid, 3, 4);
    syscall(SYS_setresgid, 3, 4, 5);
    syscall(SYS_setregid, 6, 7);
    syscall(SYS_setgid, 8);
    syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]);
    syscall(SYS_getuid);
    syscall(SYS_geteuid);
    syscall(SYS_getgid);
    syscall(SYS_getegid);
  });
  const int64_t none = 0xffffffff;
  const auto resuid = both(events, Ev::SETRESUID_X);
  expect(resuid.good, {{"res", 0}, {"ruid", 0}, {"euid", 0}, {"suid", 0}});
  expect(resuid.bad, {{"res", -EPERM}, {"ruid", 0}, {"euid", 1}, {"suid", 2}});
  const auto resgid = both(events, Ev::SETRESGID_X);
  expect(resgid.good, {{"res", 0}, {"rgid", none}, {"egid", 11}, {"sgid", none}});
  expect(resgid.bad, {{"res", -EPERM}, {"rgid", 3}, {"egid", 4}, {"sgid", 5}});
  const auto reuid = both(events, Ev::SETREUID_X);
  expect(reuid.good, {{"res", 0}, {"ruid", none}, {"euid", 22}});
  expect(reuid.bad, {{"res", -EPERM}, {"ruid", 3}, {"euid", 4}});
  const auto regid = both(events, Ev::SETREGID_X);
  expect(regid.good, {{"res", 0}, {"rgid", 12}, {"egid", 13}});
  expect(regid.bad, {{"res", -EPERM}, {"rgid", 6}, {"egid", 7}});
  const auto setuid = both(events, Ev::SETUID_X);
  expect(setuid.good, {{"res", 0}, {"uid", 23}});
  expect(setuid.bad, {{"res", -EPERM}, {"uid", 0}});
  const auto setgid = both(events, Ev::SETGID_X);
  expect(setgid.good, {{"res", 0}, {"gid", 14}});
  expect(setgid.bad, {{"res", -EPERM}, {"gid", 8}});
  expect(only(events, Ev::GETRESGID_X), {{"res", 0}, {"rgid", 14}, {"egid", 14}, {"sgid", 14}});
  expect(only(events, Ev::GETRESUID_X), {{"res", 0}, {"ruid", 23}, {"euid", 23}, {"suid", 23}});
  expect(only(events, Ev::GETUID_X), {{"uid", 23}});
  expect(only(events, Ev::GETEUID_X), {{"euid", 23}});
  expect(only(events, Ev::GETGID_X), {{"gid", 14}});
  expect(only(events, Ev::GETEGID_X), {{"egid", 14}});
}

TEST_F(ProcessLive, capset) {
  const auto [good, bad] = both(run([&] {
                                  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
                                  std::array<__user_cap_data_struct, 2> data{};
                                  data[0].effective = 1 << CAP_CHOWN;
                                  data[0].permitted = 1 << CAP_CHOWN | 1 << CAP_KILL;
                                  syscall(SYS_capset, &head, data.data());
                                  data[0].effective = 1 << CAP_SETUID;
                                  syscall(SYS_capset, &head, data.data());
                                }),
                                Ev::CAPSET_X);
  expect(good, {{"res", 0}, {"cap_inheritable", 0}, {"cap_permitted", 0x21}, {"cap_effective", 1}});
  expect(bad,
         {{"res", -EPERM}, {"cap_inheritable", 0}, {"cap_permitted", 0x21}, {"cap_effective", 1}});
}

TEST_F(ProcessLive, prctl) {
  const auto events = of(run([&] {
                           syscall(SYS_prctl, PR_SET_NAME, "renamed", 0, 0, 0);
                           syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
                           int is_reaper = 0;
                           syscall(SYS_prctl, PR_GET_CHILD_SUBREAPER, &is_reaper, 0, 0, 0);
                           syscall(SYS_prctl, PR_CAPBSET_DROP, 999, 0, 0, 0);
                         }),
                         Ev::PRCTL_X);
  ASSERT_EQ(events.size(), 4u);
  expect(events[0], {{"res", 0}, {"option", 15}, {"arg2_str", "renamed"}, {"arg2_int", 0}});
  expect(events[1], {{"res", 0}, {"option", 36}, {"arg2_str", kEmpty}, {"arg2_int", 1}});
  expect(events[2], {{"res", 0}, {"option", 37}, {"arg2_str", kEmpty}, {"arg2_int", 1}});
  expect(events[3], {{"res", -EINVAL}, {"option", 24}, {"arg2_str", kEmpty}, {"arg2_int", 999}});
}

TEST_F(ProcessLive, sessions_and_groups) {
  const auto events = run([&] {
    syscall(SYS_setpgid, 999999, 1);
    syscall(SYS_setpgid, 0, 0);
    syscall(SYS_setsid);
    const pid_t pid = fork();
    if (pid == 0) {
      syscall(SYS_setsid);
      _exit(0);
    }
    waitpid(pid, nullptr, 0);
  });
  const auto setpgid = both(events, Ev::SETPGID_X);
  expect(setpgid.good, {{"res", 0}, {"pid", 0}, {"pgid", 0}});
  expect(setpgid.bad, {{"res", -ESRCH}, {"pid", 999999}, {"pgid", 1}});
  expect(only(events, Ev::SETSID_X), {{"res", -EPERM}});
  const auto all = of(run([] { syscall(SYS_setsid); }), Ev::SETSID_X);
  ASSERT_EQ(all.size(), 1u);
  expect(all[0], {{"res", child()}});
}

TEST_F(ProcessLive, signals) {
  const auto events = run([&] {
    const auto self = getpid();
    signal(SIGUSR1, SIG_IGN);
    syscall(SYS_kill, self, SIGUSR1);
    syscall(SYS_kill, 999999, SIGTERM);
    syscall(SYS_tkill, self, SIGUSR1);
    syscall(SYS_tkill, 999999, SIGTERM);
    syscall(SYS_tgkill, self, self, SIGUSR1);
    syscall(SYS_tgkill, self, 999999, SIGTERM);
  });
  const auto kill = both(events, Ev::KILL_X);
  expect(kill.good, {{"res", 0}, {"pid", child()}, {"sig", SIGUSR1}});
  expect(kill.bad, {{"res", -ESRCH}, {"pid", 999999}, {"sig", SIGTERM}});
  const auto tkill = both(events, Ev::TKILL_X);
  expect(tkill.good, {{"res", 0}, {"tid", child()}, {"sig", SIGUSR1}});
  expect(tkill.bad, {{"res", -ESRCH}, {"tid", 999999}, {"sig", SIGTERM}});
  const auto tgkill = both(events, Ev::TGKILL_X);
  expect(tgkill.good, {{"res", 0}, {"pid", child()}, {"tid", child()}, {"sig", SIGUSR1}});
  expect(tgkill.bad, {{"res", -ESRCH}, {"pid", child()}, {"tid", 999999}, {"sig", SIGTERM}});
}

TEST_F(ProcessLive, ptrace) {
  if (by_ptrace()) GTEST_SKIP() << kOneTracer;
  using std::string_literals::operator""s;
  const auto events = of(run([&] {
                           const pid_t pid = fork();
                           if (pid == 0) {
                             alarm(5);
                             pause();
                             _exit(0);
                           }
                           out(0) = pid;
                           syscall(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0);
                           syscall(SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0);
                           waitpid(pid, nullptr, 0);
                           syscall(SYS_ptrace, PTRACE_DETACH, pid, 0, SIGKILL);
                           // The stop was no signal, so the detach delivers none.
                           kill(pid, SIGKILL);
                           waitpid(pid, nullptr, 0);
                           syscall(SYS_ptrace, PTRACE_ATTACH, 999999, 1, 2);
                         }),
                         Ev::PTRACE_X);
  const std::string zero = "\0\0\0\0\0\0\0\0\0"s;
  ASSERT_EQ(events.size(), 4u);
  expect(events[0], {{"res", 0}, {"addr", zero}, {"data", zero}, {"request", 20}, {"pid", out(0)}});
  expect(events[1], {{"res", 0}, {"addr", zero}, {"data", zero}, {"request", 21}, {"pid", out(0)}});
  expect(events[2],
         {{"res", 0}, {"addr", zero}, {"data", "\x01\x09"s}, {"request", 12}, {"pid", out(0)}});
  expect(events[3],
         {{"res", -ESRCH}, {"addr", zero}, {"data", zero}, {"request", 11}, {"pid", 999999}});
}

TEST_F(ProcessLive, limits) {
  const auto events = run([&] {
    rlimit limit{64, 128};
    syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit);
    syscall(SYS_getrlimit, RLIMIT_NOFILE, &limit);
    syscall(SYS_getrlimit, 99, &limit);
    limit = {200, 100};
    syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit);
    limit = {32, 128};
    rlimit old{};
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, &old);
    syscall(SYS_prlimit64, 999999, RLIMIT_NOFILE, nullptr, nullptr);
  });
  const auto set = both(events, Ev::SETRLIMIT_X);
  expect(set.good, {{"res", 0}, {"cur", 64}, {"max", 128}, {"resource", 7}});
  expect(set.bad, {{"res", -EINVAL}, {"cur", 200}, {"max", 100}, {"resource", 7}});
  const auto get = both(events, Ev::GETRLIMIT_X);
  expect(get.good, {{"res", 0}, {"cur", 64}, {"max", 128}, {"resource", 7}});
  EXPECT_EQ(get.bad.number("res"), -EINVAL);
  EXPECT_EQ(get.bad.number("resource"), 255);
  const auto both_limits = both(events, Ev::PRLIMIT_X);
  expect(both_limits.good, {{"res", 0},
                            {"newcur", 32},
                            {"newmax", 128},
                            {"oldcur", 64},
                            {"oldmax", 128},
                            {"pid", 0},
                            {"resource", 7}});
  expect(both_limits.bad, {{"res", -ESRCH},
                           {"newcur", -1},
                           {"newmax", -1},
                           {"oldcur", -1},
                           {"oldmax", -1},
                           {"pid", 999999},
                           {"resource", 7}});
}

}  // namespace
}  // namespace gyr::test
