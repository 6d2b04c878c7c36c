// SPDX-License-Identifier: Apache-2.0
// Calls on the whole system: modules, bpf, keys, semaphores, quotas; and what is selected.
//
// First: the headers below define macros with names of the schema.
#include "live_fixture.h"
#include "row_model.h"
//
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/quota.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace gyr::test {
namespace {

using SystemLive = LiveTest;
using std::string_literals::operator""s;

TEST_F(SystemLive, modules) {
  if (lacks_tracepoint(Sc::DELETE_MODULE)) GTEST_SKIP() << kNoTracepoint;
  const auto events = run([&] {
    char image[] = "not an image", arguments[] = "debug=1";
    syscall(SYS_init_module, image, sizeof image, arguments);
    syscall(SYS_finit_module, 900, arguments, 3);
    char name[] = "no_such_module";
    syscall(SYS_delete_module, name, O_NONBLOCK | O_TRUNC);
  });
  const Seen init = only(events, Ev::INIT_MODULE_X);
  EXPECT_LT(init.number("res"), 0);
  expect(init, {{"res", kAny}, {"img", "not an image\0"s}, {"length", 13}, {"uargs", "debug=1"}});
  const Seen finit = only(events, Ev::FINIT_MODULE_X);
  EXPECT_LT(finit.number("res"), 0);
  expect(finit, {{"res", kAny}, {"fd", 900}, {"uargs", "debug=1"}, {"flags", 3}});
  const Seen remove = only(events, Ev::DELETE_MODULE_X);
  EXPECT_LT(remove.number("res"), 0);
  expect(remove, {{"res", kAny}, {"name", "no_such_module"}, {"flags", 3}});
}

// No test changes the host's kernel: a filter answers these calls with 0 without making them.
TEST_F(SystemLive, modules_that_load) {
  if (lacks_tracepoint(Sc::DELETE_MODULE)) GTEST_SKIP() << kNoTracepoint;
  const auto events = run([&] {
    for (const long number : {SYS_init_module, SYS_finit_module, SYS_delete_module}) {
      if (!refuse({.number = number}, 0)) return 1;
    }
    char image[] = "an image", arguments[] = "debug=1", name[] = "some_module";
    syscall(SYS_init_module, image, sizeof image, arguments);
    syscall(SYS_finit_module, 7, arguments, 4);
    syscall(SYS_delete_module, name, O_TRUNC);
    return 0;
  });
  EXPECT_EQ(status(), 0);
  expect(only(events, Ev::INIT_MODULE_X),
         {{"res", 0}, {"img", "an image\0"s}, {"length", 9}, {"uargs", "debug=1"}});
  expect(only(events, Ev::FINIT_MODULE_X),
         {{"res", 0}, {"fd", 7}, {"uargs", "debug=1"}, {"flags", 4}});
  expect(only(events, Ev::DELETE_MODULE_X), {{"res", 0}, {"name", "some_module"}, {"flags", 1}});
}

TEST_F(SystemLive, bpf) {
  const auto [good, bad] =
      both(run([&] {
             // An array map: type, size of a key, of a value, entries. <linux/bpf.h> has macros
             // that clash with ours.
             std::array<uint32_t, 16> attr{2, 4, 4, 1};
             out(0) = syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, attr.data(), sizeof attr);
             syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, nullptr, 4096);
           }),
           Ev::BPF_2_X);
  expect(good, {{"fd", out(0)}, {"cmd", 0}});
  EXPECT_LT(bad.number("fd"), 0);
  EXPECT_EQ(bad.number("cmd"), 5);
}

TEST_F(SystemLive, keyctl) {
  const auto events = of(run([] {
                           char name[] = "ring";
                           syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 2, 3, 4);
                           syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 0, 0, 0);
                         }),
                         Ev::KEYCTL_X);
  ASSERT_EQ(events.size(), 2u);
  expect(events[0], {{"res", kAny},
                     {"operation", 1},
                     {"arg2", "\1ring\0"s},
                     {"arg3", "\0\2\0\0\0\0\0\0\0"s},
                     {"arg4", "\0\3\0\0\0\0\0\0\0"s},
                     {"arg5", "\0\4\0\0\0\0\0\0\0"s}});
  EXPECT_EQ(events[1].bytes_of("arg2"), "\0\xfd\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST_F(SystemLive, semaphores) {
  const auto events = run([&] {
    out(0) = syscall(SYS_semget, IPC_PRIVATE, 2, IPC_CREAT | 0600);
    syscall(SYS_semget, 0x7654, 0, IPC_EXCL);
    std::array<sembuf, 2> ops{{{0, 1, IPC_NOWAIT}, {1, 2, SEM_UNDO}}};
    syscall(SYS_semop, out(0), ops.data(), 2);
    syscall(SYS_semop, 999999, ops.data(), 1);
    syscall(SYS_semctl, out(0), 1, SETVAL, 9);
    syscall(SYS_semctl, out(0), 0, IPC_RMID, 0);
  });
  const auto get = both(events, Ev::SEMGET_X);
  expect(get.good, {{"res", out(0)}, {"key", 0}, {"nsems", 2}, {"semflg", 8192}});
  expect(get.bad, {{"res", -ENOENT}, {"key", 0x7654}, {"nsems", 0}, {"semflg", 16384}});
  const auto op = both(events, Ev::SEMOP_X);
  expect(op.good, {{"res", 0},
                   {"nsops", 2},
                   {"sem_num_0", 0},
                   {"sem_op_0", 1},
                   {"sem_flg_0", 1},
                   {"sem_num_1", 1},
                   {"sem_op_1", 2},
                   {"sem_flg_1", 2},
                   {"semid", out(0)}});
  EXPECT_LT(op.bad.number("res"), 0);
  EXPECT_EQ(op.bad.number("sem_num_1"), 0);
  const auto ctl = of(events, Ev::SEMCTL_X);
  ASSERT_EQ(ctl.size(), 2u);
  expect(ctl[0], {{"res", 0}, {"semid", out(0)}, {"semnum", 1}, {"cmd", 4096}, {"val", 9}});
  expect(ctl[1], {{"res", 0}, {"semid", out(0)}, {"semnum", 0}, {"cmd", 4}, {"val", 0}});
}

// File systems with quotas are rare: a filter answers the calls, and the structures that the kernel
// would have written are there already.
TEST_F(SystemLive, quotas_that_are_answered) {
  const auto events = of(run([&] {
                           if (!refuse({.number = SYS_quotactl}, 0)) return 1;
                           char device[] = "/dev/some", path[] = "/quota.user";
                           dqblk block{};
                           block.dqb_bhardlimit = 1;
                           block.dqb_bsoftlimit = 2;
                           block.dqb_curspace = 3;
                           block.dqb_ihardlimit = 4;
                           block.dqb_isoftlimit = 5;
                           block.dqb_curinodes = 6;
                           block.dqb_btime = 7;
                           block.dqb_itime = 8;
                           block.dqb_valid = QIF_ALL;
                           syscall(SYS_quotactl, QCMD(Q_GETQUOTA, GRPQUOTA), device, 42, &block);
                           dqinfo info{};
                           info.dqi_bgrace = 9;
                           info.dqi_igrace = 10;
                           info.dqi_flags = 1;  // DQF_ROOT_SQUASH
                           info.dqi_valid = IIF_ALL;
                           syscall(SYS_quotactl, QCMD(Q_GETINFO, USRQUOTA), device, 0, &info);
                           uint32_t format = 4;
                           syscall(SYS_quotactl, QCMD(Q_GETFMT, USRQUOTA), device, 0, &format);
                           syscall(SYS_quotactl, QCMD(Q_QUOTAON, USRQUOTA), device, 2, path);
                           syscall(SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), nullptr, 0, nullptr);
                           return 0;
                         }),
                         Ev::QUOTACTL_X);
  EXPECT_EQ(status(), 0);
  ASSERT_EQ(events.size(), 5u);
  const auto quota = [&](size_t at, std::vector<Expected> told) {
    std::vector<Expected> all{{"res", 0},
                              {"special", "/dev/some"},
                              {"quotafilepath", kEmpty},
                              {"dqb_bhardlimit", 0},
                              {"dqb_bsoftlimit", 0},
                              {"dqb_curspace", 0},
                              {"dqb_ihardlimit", 0},
                              {"dqb_isoftlimit", 0},
                              {"dqb_btime", 0},
                              {"dqb_itime", 0},
                              {"dqi_bgrace", 0},
                              {"dqi_igrace", 0},
                              {"dqi_flags", 0},
                              {"quota_fmt_out", 1},
                              {"cmd", 0},
                              {"type", 1},
                              {"id", 0},
                              {"quota_fmt", 1}};
    for (Expected& one : all) {
      for (Expected& other : told) {
        if (one.name == other.name) one.value = other.value;
      }
    }
    SCOPED_TRACE(at);
    expect(events[at], all);
  };
  quota(0, {{"cmd", 32},
            {"type", 2},
            {"id", 42},
            {"dqb_bhardlimit", 1},
            {"dqb_bsoftlimit", 2},
            {"dqb_curspace", 3},
            {"dqb_ihardlimit", 4},
            {"dqb_isoftlimit", 5},
            {"dqb_btime", 7},
            {"dqb_itime", 8}});
  quota(1, {{"cmd", 8}, {"dqi_bgrace", 9}, {"dqi_igrace", 10}, {"dqi_flags", 2}});
  quota(2, {{"cmd", 4}, {"quota_fmt_out", 8}});
  quota(3, {{"cmd", 1}, {"quotafilepath", "/quota.user"}, {"quota_fmt", 4}});
  quota(4, {{"cmd", 128}, {"special", kEmpty}});
}

TEST_F(SystemLive, file_systems_are_configured) {
  const auto events = of(run([&] {
                           const long fd = syscall(SYS_fsopen, "tmpfs", 0);
                           out(0) = fd;
                           char size[] = "size", limit[] = "1M", flag[] = "ro", bytes[] = "a\0b";
                           syscall(SYS_fsconfig, fd, 1, size, limit, 0);         // SET_STRING
                           syscall(SYS_fsconfig, fd, 0, flag, nullptr, 0);       // SET_FLAG
                           syscall(SYS_fsconfig, fd, 2, size, bytes, 3);         // SET_BINARY
                           syscall(SYS_fsconfig, fd, 3, size, limit, AT_FDCWD);  // SET_PATH
                           syscall(SYS_fsconfig, fd, 5, size, nullptr, 1);       // SET_FD
                           syscall(SYS_fsconfig, fd, 6, nullptr, nullptr, 0);    // CMD_CREATE
                         }),
                         Ev::FSCONFIG_X);
  if (out(0) < 0) GTEST_SKIP() << "file systems cannot be opened here";
  ASSERT_EQ(events.size(), 6u);
  const auto config = [&](size_t at, const char* key, const std::string& bytes,
                          const std::string& text, int64_t aux) {
    SCOPED_TRACE(at);
    static constexpr std::array<int64_t, 6> kCommands{1, 0, 2, 3, 5, 6};
    expect(events[at], {{"res", events[at].number("res")},
                        {"fd", out(0)},
                        {"cmd", kCommands[at]},
                        {"key", key},
                        {"value_bytebuf", bytes},
                        {"value_charbuf", text},
                        {"aux", aux}});
  };
  config(0, "size", kEmpty, "1M", 0);
  config(1, "ro", kEmpty, kEmpty, 0);
  config(2, "size", kEmpty, kEmpty, 3);  // refused: no value is told
  config(3, "size", kEmpty, kEmpty, AT_FDCWD);
  config(4, "size", kEmpty, kEmpty, 1);
  config(5, kEmpty.c_str(), kEmpty, kEmpty, 0);
  EXPECT_EQ(events[0].number("res"), 0);
  EXPECT_LT(events[2].number("res"), 0);
}

TEST_F(SystemLive, quotas_seccomp_fsconfig) {
  const auto events = run([&] {
    char device[] = "/dev/none";
    dqblk block{};
    syscall(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), device, 42, &block);
    syscall(SYS_seccomp, 99, 1, nullptr);
    uint32_t action = 0x7fff0000;         // SECCOMP_RET_ALLOW
    syscall(SYS_seccomp, 2, 0, &action);  // SECCOMP_GET_ACTION_AVAIL
    char key[] = "source", value[] = "disk";
    syscall(SYS_fsconfig, 900, 1, key, value, 0);
  });
  const Seen quota = only(events, Ev::QUOTACTL_X);
  EXPECT_LT(quota.number("res"), 0);
  EXPECT_EQ(quota.text("special"), "/dev/none");
  EXPECT_EQ(quota.bits("cmd"), 32u);
  EXPECT_EQ(quota.bits("type"), 1u);
  EXPECT_EQ(quota.bits("id"), 42u);
  EXPECT_FALSE(quota.has("quotafilepath"));
  const auto seccomp = both(events, Ev::SECCOMP_X);
  expect(seccomp.good, {{"res", 0}, {"op", 2}, {"flags", 0}});
  expect(seccomp.bad, {{"res", -EINVAL}, {"op", 99}, {"flags", 1}});
  expect(only(events, Ev::FSCONFIG_X), {{"res", kAny},
                                        {"fd", 900},
                                        {"cmd", 1},
                                        {"key", "source"},
                                        {"value_bytebuf", kEmpty},
                                        {"value_charbuf", kEmpty},
                                        {"aux", 0}});
}

TEST_F(SystemLive, what_is_not_selected_is_not_seen) {
  const std::vector<Sc> chosen{Sc::SCHED_PROCESS_EXIT, Sc::MKDIR};
  source().collect({.syscalls = chosen});
  const auto events = run([] {
    syscall(SYS_rmdir, "/no/such");
    syscall(SYS_mkdir, "/no/such/dir", 0);
  });
  source().collect(collection_of(every_call()));
  EXPECT_TRUE(of(events, Ev::RMDIR_2_X).empty());
  EXPECT_EQ(of(events, Ev::MKDIR_2_X).size(), 1u);
}

TEST_F(SystemLive, our_own_calls_are_not_seen) {
  if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
  const auto before = getpid();
  syscall(SYS_rmdir, "/no/such");
  bool own = false;
  for (int i = 0; i < 20; ++i) {
    Record record;
    while (source().next(&record) == SourceStatus::Event) {
      EventView view;
      if (view.decode(record) && view.tid() == before) own = true;
    }
  }
  EXPECT_FALSE(own);
}

}  // namespace
}  // namespace gyr::test
