// SPDX-License-Identifier: Apache-2.0
// Calls on the whole system: modules, bpf, keys, semaphores, quotas; and calls without an event of
// their own.
//
// First: the headers below define macros with names of the schema.
#include "live_fixture.h"
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
  expect(get.good, {{"res", out(0)}, {"key", 0}, {"nsems", 2}, {"semflg", 8192 | 0600}});
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

TEST_F(SystemLive, quotas_seccomp_fsconfig) {
  const auto events = run([&] {
    char device[] = "/dev/none";
    dqblk block{};
    syscall(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), device, 42, &block);
    syscall(SYS_seccomp, 99, 1, nullptr);
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
  expect(only(events, Ev::SECCOMP_X), {{"res", -EINVAL}, {"op", 99}, {"flags", 1}});
  expect(only(events, Ev::FSCONFIG_X), {{"res", kAny},
                                        {"fd", 900},
                                        {"cmd", 1},
                                        {"key", "source"},
                                        {"value_bytebuf", kEmpty},
                                        {"value_charbuf", "disk"},
                                        {"aux", 0}});
}

TEST_F(SystemLive, calls_without_an_event_of_their_own) {
  auto calls = every_call();
  calls.push_back(Sc::SYNC);
  source().select(calls);
  const Seen sync = only(run([] {
                           syscall(SYS_sync);
                           syscall(SYS_getppid);  // not selected
                         }),
                         Ev::GENERIC_X);
  source().select(every_call());
  expect(sync, {{"ID", static_cast<int64_t>(Sc::SYNC)}, {"nativeID", SYS_sync}});
}

TEST_F(SystemLive, what_is_not_selected_is_not_seen) {
  const std::array chosen{Sc::SCHED_PROCESS_EXIT, Sc::MKDIR};
  source().select(chosen);
  const auto events = run([] {
    syscall(SYS_rmdir, "/no/such");
    syscall(SYS_mkdir, "/no/such/dir", 0);
  });
  source().select(every_call());
  EXPECT_TRUE(of(events, Ev::RMDIR_2_X).empty());
  EXPECT_EQ(of(events, Ev::MKDIR_2_X).size(), 1u);
}

TEST_F(SystemLive, our_own_calls_are_not_seen) {
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

// The 32-bit entry, as a 32-bit program uses it; pointers must lie below 4 GiB.
long call_32bit(long number, long a, long b, long c, long d = 0, long e = 0) {
  long result;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST_F(SystemLive, calls_of_32_bit_programs) {
  const uint64_t before = source().counters().unmapped_32bit;
  const auto events = run([&] {
    auto* low = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    std::strcpy(low, "/no/such");
    const auto path = reinterpret_cast<long>(low);
    call_32bit(5, path, O_RDWR, 0);  // open
    call_32bit(40, path, 0, 0);      // rmdir, whose number is another call's for 64-bit programs
    auto* arguments = reinterpret_cast<uint32_t*>(low + 256);
    arguments[0] = AF_INET;
    arguments[1] = SOCK_DGRAM;
    arguments[2] = 0;
    out(0) = call_32bit(102, 1, path + 256, 0);  // socketcall(SYS_SOCKET)
    call_32bit(180, 900, path, 4, 5, 1);         // pread64 at 1 << 32 | 5
    call_32bit(5000, 0, 0, 0);
    call_32bit(17, 0, 0, 0);  // break: never existed
  });
  expect(
      only(events, Ev::OPEN_X),
      {{"fd", -ENOENT}, {"name", "/no/such"}, {"flags", 3}, {"mode", 0}, {"dev", 0}, {"ino", 0}});
  expect(only(events, Ev::RMDIR_2_X), {{"res", -ENOENT}, {"path", "/no/such"}});
  expect(only(events, Ev::SOCKET_X),
         {{"fd", out(0)}, {"domain", 2}, {"type", SOCK_DGRAM}, {"proto", 0}, {"flags", 0}});
  expect(only(events, Ev::PREAD_X),
         {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 4}, {"pos", 0x100000005}});
  EXPECT_GE(source().counters().unmapped_32bit, before + 1);
}

}  // namespace
}  // namespace gyr::test
