// SPDX-License-Identifier: Apache-2.0
// Programs that replace others: scripts, long argument lists, threads, other users. Ends of
// threads and processes. New namespaces.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "live_fixture.h"
#include "row_model.h"

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

class ExecLive : public LiveTest {
 protected:
  std::string script(const std::string& name, const std::string& text) {
    const std::string path = dir() + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), 0755);
    chmod(dir().c_str(), 0755);
    return path;
  }
  // The only exec of a child that runs `path` with these arguments.
  Seen exec(const std::string& path, std::vector<std::string> args,
            std::vector<std::string> environment = {}) {
    std::vector<char*> argv, envp;
    for (std::string& arg : args) argv.push_back(arg.data());
    for (std::string& one : environment) envp.push_back(one.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    return only(run([&] { syscall(SYS_execve, path.c_str(), argv.data(), envp.data()); }),
                Ev::EXECVE_19_X);
  }
};

std::string real(const char* path) { return std::filesystem::canonical(path).string(); }

TEST_F(ExecLive, a_script) {
  const std::string path = script("a_script", "#!/bin/sh -e\n:\n");
  const Seen seen = exec(path, {"ignored", "one", "two"}, {"A=b"});
  struct stat shell {};
  ASSERT_EQ(stat("/bin/sh", &shell), 0);
  EXPECT_EQ(seen.number("res"), 0);
  EXPECT_EQ(seen.text("exe"), "/bin/sh");
  EXPECT_EQ(seen.bytes_of("args"), "-e\0"s + path + "\0one\0two\0"s);
  EXPECT_EQ(seen.text("comm"), "a_script");
  EXPECT_EQ(seen.text("filename"), path);
  EXPECT_EQ(seen.text("trusted_exepath"), real("/bin/sh"));
  EXPECT_EQ(seen.number("exe_ino"), static_cast<int64_t>(shell.st_ino));
  EXPECT_EQ(seen.bytes_of("env"), "A=b\0"s);
}

TEST_F(ExecLive, a_script_whose_interpreter_is_a_script) {
  const std::string inner = script("inner", "#!/bin/sh\n:\n");
  const std::string outer = script("outer", "#!" + inner + " word\n");
  const Seen seen = exec(outer, {"x", "last"});
  EXPECT_EQ(seen.number("res"), 0);
  EXPECT_EQ(seen.text("exe"), "/bin/sh");
  EXPECT_EQ(seen.bytes_of("args"), inner + "\0word\0"s + outer + "\0last\0"s);
  EXPECT_EQ(seen.text("filename"), outer);
}

TEST_F(ExecLive, programs_that_do_not_start) {
  const std::string lost = script("lost", "#!/no/such/interpreter\n");
  const std::string text = script("text", "no program\n");
  const struct {
    std::string path;
    int error;
  } cases[] = {{lost, ENOENT}, {text, ENOEXEC}, {dir(), EACCES}, {"", ENOENT}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.path);
    const Seen seen = exec(one.path, {"name", "argument"}, {"A=b"});
    EXPECT_EQ(seen.number("res"), -one.error);
    EXPECT_EQ(seen.text("exe"), "name");
    EXPECT_EQ(seen.bytes_of("args"), "argument\0"s);
    EXPECT_EQ(seen.bytes_of("env"), "A=b\0"s);
    EXPECT_EQ(seen.text("filename"), one.path);
    EXPECT_EQ(seen.text("trusted_exepath"), real("/proc/self/exe")) << "still the old program";
  }
}

TEST_F(ExecLive, long_lists_are_cut) {
  const std::string large(3000, 'a');
  const Seen good = exec("/bin/true", {"true", large, large}, {"A=" + large, "B=" + large});
  EXPECT_EQ(good.number("res"), 0);
  const std::string args = (large + '\0' + large + '\0').substr(0, 4095) + '\0';
  const std::string env = ("A=" + large + "\0B="s + large).substr(0, 4095) + '\0';
  EXPECT_EQ(good.bytes_of("args"), args);
  EXPECT_EQ(good.bytes_of("env"), env);
  const Seen bad = exec("/no/such", {"true", large, large}, {"A=" + large, "B=" + large});
  EXPECT_EQ(bad.number("res"), -ENOENT);
  EXPECT_EQ(bad.bytes_of("args"), args);
  EXPECT_EQ(bad.bytes_of("env"), env);
}

TEST_F(ExecLive, no_arguments_at_all) {
  const Seen good = exec("/bin/true", {});
  EXPECT_EQ(good.number("res"), 0);
  EXPECT_EQ(good.text("exe"), "") << "the kernel makes one, empty";
  EXPECT_FALSE(good.has("args"));
  EXPECT_FALSE(good.has("env"));
  const Seen bad = exec("/no/such", {});
  EXPECT_FALSE(bad.has("exe"));
}

TEST_F(ExecLive, execveat_from_a_directory) {
  const Seen seen = only(run([&] {
                           const char name[] = "true";
                           const char* argv[] = {name, nullptr};
                           const long bin = syscall(SYS_openat, AT_FDCWD, "/bin", O_DIRECTORY);
                           out(0) = bin;
                           syscall(SYS_execveat, bin, "true", argv, argv, 0);
                         }),
                         Ev::EXECVE_19_X);
  EXPECT_EQ(seen.number("res"), 0);
  EXPECT_EQ(seen.text("filename"), "/dev/fd/" + std::to_string(out(0)) + "/true");
  EXPECT_EQ(seen.text("trusted_exepath"), real("/bin/true"));
}

TEST_F(ExecLive, execveat_is_told_when_it_alone_is_collected) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  source().collect(collection_of({Sc::EXECVEAT, Sc::SCHED_PROCESS_EXIT}));
  const auto events = run([&] {
    const char* argv[] = {"true", nullptr};
    syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv, 0);
  });
  source().collect(collection_of(every_call()));
  EXPECT_EQ(only(events, Ev::EXECVE_19_X).text("trusted_exepath"), real("/bin/true"));
}

TEST_F(ExecLive, a_thread_that_starts_a_program_becomes_the_leader) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run_all([&] {
    const pid_t pid = fork();
    if (pid == 0) {
      std::thread([] { execl("/bin/true", "true", nullptr); }).join();
      _exit(1);
    }
    out(0) = pid;
    waitpid(pid, nullptr, 0);
  });
  std::vector<Ev> order;
  for (const Seen& seen : events) {
    if (seen.tid() != out(0)) continue;
    if (seen.type() != Ev::EXECVE_19_X && seen.type() != Ev::PROCEXIT_1_E) continue;
    order.push_back(seen.type());
    if (seen.type() != Ev::EXECVE_19_X) continue;
    EXPECT_EQ(seen.number("res"), 0);
    EXPECT_EQ(seen.number("tid"), out(0));
    EXPECT_EQ(seen.number("pid"), out(0));
    EXPECT_EQ(seen.text("exe"), "true");
  }
  EXPECT_EQ(order, (std::vector{Ev::PROCEXIT_1_E, Ev::EXECVE_19_X, Ev::PROCEXIT_1_E}));
}

// A program of another user's, with the mark that makes it run as its owner.
TEST_F(ExecLive, programs_that_run_as_their_owner) {
  const std::string copy = dir() + "/owned";
  std::filesystem::copy_file("/bin/true", copy);
  chmod(dir().c_str(), 0755);
  chmod(copy.c_str(), 04755);
  const auto start = [&] {
    return only(run([&] {
                  const char name[] = "owned";
                  const char* argv[] = {name, nullptr};
                  if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) {
                    return;
                  }
                  syscall(SYS_execve, copy.c_str(), argv, argv + 1);
                }),
                Ev::EXECVE_19_X);
  };
  const Seen as_root = start();
  if (as_root.number("uid") != 0) GTEST_SKIP() << "this file system ignores set-user-id";
  EXPECT_NE(as_root.bits("cap_effective"), 0u);
  EXPECT_EQ(as_root.number("gid"), 65534);
  EXPECT_EQ(as_root.number("flags") & 1, 1) << "root may write it";
  chmod(copy.c_str(), 0755);
  const Seen as_nobody = start();
  EXPECT_EQ(as_nobody.number("uid"), 65534);
  EXPECT_EQ(as_nobody.bits("cap_effective"), 0u);
  EXPECT_EQ(as_nobody.number("flags") & 1, 0) << "nobody may not";
  chmod(copy.c_str(), 0757);
  EXPECT_EQ(start().number("flags") & 1, 1) << "anybody may";
}

TEST_F(ExecLive, a_new_thread) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events =
      of(run_all([&] { std::thread([&] { out(0) = gettid(); }).join(); }), Ev::CLONE3_X);
  ASSERT_EQ(events.size(), 2u);
  // FILES, FS, SIGHAND, THREAD, VM; and PARENT_SETTID, SYSVSEM, CHILD_CLEARTID, SETTLS, which the
  // kernel does not keep: the thread may find other bytes where its creator had the arguments.
  const int64_t kept = 0xa803, others = 0x2801200;
  for (const Seen& seen : events) {
    const bool is_child = seen.number("res") == 0;
    EXPECT_EQ(seen.tid(), is_child ? out(0) : child());
    EXPECT_EQ(seen.number("tid"), seen.tid());
    EXPECT_EQ(seen.number("vtid"), seen.tid());
    EXPECT_EQ(seen.number("pid"), child());
    EXPECT_EQ(seen.number("vpid"), child());
    EXPECT_EQ(seen.number("ptid"), getpid());
    // A tracer stops the thread before its creator goes on.
    EXPECT_EQ(seen.number("flags"), is_child && !by_ptrace() ? kept : kept | others);
    EXPECT_TRUE(is_child || seen.number("res") == out(0));
  }
}

using ExitLive = LiveTest;

TEST_F(ExitLive, the_status_is_that_of_wait) {
  for (const int how : {0, 1, 255, -SIGTERM, -SIGKILL, -SIGPIPE, -SIGSEGV, -SIGABRT}) {
    SCOPED_TRACE(how);
    const Seen seen = only(run([&] {
                             if (chdir(dir().c_str()) != 0) return 99;  // a core may be left there
                             if (how >= 0) return how;
                             signal(-how, SIG_DFL);
                             raise(-how);
                             return 98;
                           }),
                           Ev::PROCEXIT_1_E);
    expect(seen, {{"status", status()},
                  {"ret", how > 0 ? how : 0},
                  {"sig", how < 0 ? -how : 0},
                  {"core", WCOREDUMP(status()) ? 1 : 0},
                  {"reaper_tid", 0}});
  }
}

TEST_F(ExitLive, a_thread_ends_alone_or_with_all) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = of(run_all([&] {
                           std::thread([&] {
                             out(0) = gettid();
                             syscall(SYS_exit, 3);
                           }).detach();
                           while (true) {
                             usleep(1000);
                             if (out(0) != 0 && syscall(SYS_tgkill, getpid(), out(0), 0) != 0)
                               break;
                           }
                           std::thread([&] {
                             out(1) = gettid();
                             syscall(SYS_exit_group, 5);
                           }).join();
                         }),
                         Ev::PROCEXIT_1_E);
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events[0].tid(), out(0));
  expect(events[0], {{"status", 3 << 8}, {"ret", 3}, {"sig", 0}, {"core", 0}, {"reaper_tid", 0}});
  for (size_t i = 1; i < events.size(); ++i) {
    EXPECT_TRUE(events[i].tid() == out(1) || events[i].tid() == child());
    expect(events[i], {{"status", 5 << 8}, {"ret", 5}, {"sig", 0}, {"core", 0}, {"reaper_tid", 0}});
  }
}

TEST_F(ExitLive, children_go_to_a_living_thread) {
  if (kThreadSanitizer) GTEST_SKIP() << kSeesThreadSanitizer;
  const auto events = run([&] {
    std::thread([&] {
      out(0) = gettid();
      usleep(100'000);
      _exit(0);
    }).detach();
    if (fork() == 0) {
      usleep(100'000);
      _exit(0);
    }
    while (*const_cast<volatile int64_t*>(&out(0)) == 0) usleep(1000);
    syscall(SYS_exit, 0);
    return 0;
  });
  EXPECT_EQ(only(events, Ev::PROCEXIT_1_E).number("reaper_tid"), out(0));
}

TEST_F(ExitLive, children_go_to_a_subreaper) {
  const auto events = of(run_all([&] {
                           prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
                           const pid_t pid = fork();
                           if (pid == 0) {
                             if (fork() == 0) {
                               usleep(50'000);
                               _exit(0);
                             }
                             _exit(0);
                           }
                           out(0) = pid;
                           while (wait(nullptr) > 0) {
                           }
                         }),
                         Ev::PROCEXIT_1_E);
  bool found = false;
  for (const Seen& seen : events) {
    if (seen.tid() != out(0)) continue;
    found = true;
    expect(seen, {{"status", 0}, {"ret", 0}, {"sig", 0}, {"core", 0}, {"reaper_tid", child()}});
  }
  EXPECT_TRUE(found);
}

// New namespaces, by each of the calls that make them.
struct NamespaceCase {
  const char* name;
  uint64_t flag;
  int64_t portable;
};
constexpr std::array kNamespaces{NamespaceCase{"mounts", CLONE_NEWNS, 32},
                                 NamespaceCase{"uts", CLONE_NEWUTS, 128},
                                 NamespaceCase{"ipc", CLONE_NEWIPC, 8},
                                 NamespaceCase{"users", CLONE_NEWUSER, 1 << 20},
                                 NamespaceCase{"pids", CLONE_NEWPID, 64},
                                 NamespaceCase{"net", CLONE_NEWNET, 16},
                                 NamespaceCase{"cgroups", CLONE_NEWCGROUP, 1 << 28}};

class NamespaceLive : public LiveTest, public testing::WithParamInterface<NamespaceCase> {
 protected:
  void expect_child(const std::vector<Seen>& events, Ev type) {
    const int64_t inside = GetParam().flag == CLONE_NEWPID ? 1 << 29 : 0;  // CHILD_IN_PIDNS
    bool found = false;
    for (const Seen& seen : of(events, type)) {
      if (seen.tid() != out(0)) continue;
      found = true;
      EXPECT_EQ(seen.number("res"), 0);
      EXPECT_EQ(seen.number("tid"), out(0));
      EXPECT_EQ(seen.number("pid"), out(0));
      EXPECT_EQ(seen.number("ptid"), child());
      EXPECT_EQ(seen.number("vtid"), inside ? 1 : out(0));
      EXPECT_EQ(seen.number("vpid"), inside ? 1 : out(0));
      EXPECT_EQ(seen.number("flags"), GetParam().portable | inside);
      EXPECT_EQ(seen.number("uid"), geteuid()) << "as the host counts";
    }
    EXPECT_TRUE(found);
  }
};

TEST_P(NamespaceLive, clone) {
  const auto events = run_all([&] {
    const long pid = syscall(SYS_clone, GetParam().flag | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
  });
  if (out(0) < 0) GTEST_SKIP() << "this kernel makes no such namespace";
  expect_child(events, Ev::CLONE_20_X);
}

TEST_P(NamespaceLive, clone3) {
  const auto events = run_all([&] {
    clone_args args{};
    args.flags = GetParam().flag;
    args.exit_signal = SIGCHLD;
    const long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) _exit(0);
    out(0) = pid;
    waitpid(static_cast<pid_t>(pid), nullptr, 0);
  });
  if (out(0) < 0) GTEST_SKIP() << "this kernel makes no such namespace";
  expect_child(events, Ev::CLONE3_X);
}

TEST_P(NamespaceLive, unshare_and_setns) {
  const auto events =
      run([&] { out(0) = syscall(SYS_unshare, GetParam().flag) == 0 ? 0 : -errno; });
  expect(only(events, Ev::UNSHARE_X), {{"res", out(0)}, {"flags", GetParam().portable}});
  const auto setns = run([&] {
    const long fd = syscall(SYS_pidfd_open, getpid(), 0);
    out(0) = fd;
    out(1) = syscall(SYS_setns, fd, GetParam().flag) == 0 ? 0 : -errno;
  });
  expect(only(setns, Ev::SETNS_X),
         {{"res", out(1)}, {"fd", out(0)}, {"nstype", GetParam().portable}});
}

INSTANTIATE_TEST_SUITE_P(Each, NamespaceLive, testing::ValuesIn(kNamespaces),
                         [](const testing::TestParamInfo<NamespaceCase>& one) {
                           return std::string(one.param.name);
                         });

// A user chooses how deep a program lies, and must not hide its start by that.
TEST_F(ExecLive, a_program_below_a_very_long_path_is_seen) {
  const auto events = run([&] {
    if (chdir(dir().c_str()) != 0) return 1;
    const std::string name(250, 'n');
    for (int i = 0; i < 40; ++i) {
      if (mkdir(name.c_str(), 0755) != 0 || chdir(name.c_str()) != 0) return 2;
    }
    std::filesystem::copy_file("/bin/true", "program");
    execl("./program", "program", nullptr);
    return 3;
  });
  EXPECT_EQ(status(), 0);
  const Seen seen = only(events, Ev::EXECVE_19_X);
  EXPECT_EQ(seen.number("res"), 0);
  EXPECT_EQ(seen.text("comm"), "program");
  if (by_ptrace()) return;  // /proc does not tell a path that is so long
  const std::string path = seen.text("trusted_exepath");
  EXPECT_LE(path.size(), 4096u);
  EXPECT_THAT(path, testing::HasSubstr("/nnnn"));
}

}  // namespace
}  // namespace gyr::test
