// SPDX-License-Identifier: Apache-2.0
// Calls of 32-bit programs whose arguments are not where those of their 64-bit counterparts are,
// made through int 0x80; calls of the x32 machine; calls without an event of their own.
//
// First: the headers below define macros with names of the schema.
#include "live_fixture.h"
#include "row_model.h"
//
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

// Memory below 4 GiB, which pointers of 32 bits reach.
class LowMemory {
 public:
  LowMemory()
      : base_(static_cast<char*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0))) {
    EXPECT_NE(static_cast<void*>(base_), MAP_FAILED);
  }
  ~LowMemory() { munmap(base_, kSize); }
  LowMemory(const LowMemory&) = delete;
  LowMemory& operator=(const LowMemory&) = delete;

  uint32_t put(const void* bytes, size_t size) {
    EXPECT_LE(used_ + size, kSize);
    char* at = base_ + used_;
    std::memcpy(at, bytes, size);
    used_ += (size + 15) / 16 * 16;
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(at));
  }
  uint32_t text(const std::string& text) { return put(text.c_str(), text.size() + 1); }
  uint32_t words(std::initializer_list<uint32_t> words) {
    return put(words.begin(), words.size() * 4);
  }
  uint32_t space(size_t size) { return put(std::string(size, '\0').data(), size); }
  static uint32_t word_at(uint32_t address) {
    uint32_t word = 0;
    std::memcpy(&word, reinterpret_cast<const void*>(uintptr_t{address}), 4);
    return word;
  }

 private:
  static constexpr size_t kSize = 65536;
  char* base_;
  size_t used_ = 0;
};

long call32(long number, std::array<uint64_t, 6> args) {
  return make({.compat = true, .number = number, .args = args});
}
constexpr long kSocketcall = 102, kIpc = 117;

class CompatLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (per_syscall()) GTEST_SKIP() << kNot32Bit;
  }
  LowMemory low_;
  long socketcall(uint32_t what, std::initializer_list<uint32_t> args) {
    return call32(kSocketcall, {what, low_.words(args)});
  }
};

TEST_F(CompatLive, their_own_numbers) {
  const auto events = run([&] {
    const uint32_t path = low_.text("/no/such");
    call32(5, {path, O_RDWR, 0});  // open
    call32(40, {path});            // rmdir, whose number is another call's for 64-bit programs
    call32(212, {path, 7, 8});     // chown32
  });
  expect(
      only(events, Ev::OPEN_X),
      {{"fd", -ENOENT}, {"name", "/no/such"}, {"flags", 3}, {"mode", 0}, {"dev", 0}, {"ino", 0}});
  expect(only(events, Ev::RMDIR_2_X), {{"res", -ENOENT}, {"path", "/no/such"}});
  expect(only(events, Ev::CHOWN_X),
         {{"res", -ENOENT}, {"path", "/no/such"}, {"uid", 7}, {"gid", 8}});
}

TEST_F(CompatLive, socketcall_servers_and_clients) {
  const auto events = run([&] {
    const uint32_t size = low_.words({16});
    const uint32_t name = low_.space(128);
    const std::string abstract = "\1\0\0gyr_"s + std::to_string(getpid());
    const uint32_t address = low_.put(abstract.data(), abstract.size());
    const auto length = static_cast<uint32_t>(abstract.size());
    const auto server = static_cast<uint32_t>(socketcall(1, {AF_UNIX, SOCK_STREAM, 0}));
    out(0) = server;
    socketcall(2, {server, address, length});  // bind
    socketcall(4, {server, 5});                // listen
    const auto client = static_cast<uint32_t>(socketcall(1, {AF_UNIX, SOCK_STREAM, 0}));
    out(1) = client;
    socketcall(3, {client, address, length});  // connect
    out(2) = socketcall(5, {server, 0, 0});    // accept
    socketcall(3,
               {static_cast<uint32_t>(socketcall(1, {AF_UNIX, SOCK_STREAM, 0})), address, length});
    out(3) = socketcall(18, {server, 0, 0, SOCK_CLOEXEC});  // accept4
    socketcall(5, {900, 0, 0});
    socketcall(6, {server, name, size});  // getsockname
    socketcall(7, {900, name, size});     // getpeername
    socketcall(13, {client, SHUT_WR});    // shutdown
  });
  const std::string address = "\1gyr_"s + std::to_string(child()) + '\0';
  const auto sockets = of(events, Ev::SOCKET_X);
  ASSERT_EQ(sockets.size(), 3u);
  expect(sockets[0],
         {{"fd", out(0)}, {"domain", AF_UNIX}, {"type", SOCK_STREAM}, {"proto", 0}, {"flags", 0}});
  expect(only(events, Ev::BIND_X), {{"res", 0}, {"addr", address}, {"fd", out(0)}});
  expect(only(events, Ev::LISTEN_X), {{"res", 0}, {"fd", out(0)}, {"backlog", 5}});
  const auto connects = of(events, Ev::CONNECT_X);
  ASSERT_EQ(connects.size(), 2u);
  const std::string tuple = connects[0].bytes_of("tuple");
  EXPECT_EQ(tuple.substr(17), address.substr(1));
  expect(connects[0], {{"res", 0}, {"tuple", tuple}, {"fd", out(1)}, {"addr", address}});
  const auto accept = both(events, Ev::ACCEPT_5_X);
  expect(accept.good,
         {{"fd", out(2)}, {"tuple", tuple}, {"queuepct", 0}, {"queuelen", 0}, {"queuemax", 5}});
  expect(accept.bad,
         {{"fd", -EBADF}, {"tuple", kEmpty}, {"queuepct", 0}, {"queuelen", 0}, {"queuemax", 0}});
  expect(only(events, Ev::ACCEPT4_6_X), {{"fd", out(3)},
                                         {"tuple", connects[1].bytes_of("tuple")},
                                         {"queuepct", 0},
                                         {"queuelen", 0},
                                         {"queuemax", 5},
                                         {"flags", 4096}});
  expect(only(events, Ev::GETSOCKNAME_X), {});
  expect(only(events, Ev::GETPEERNAME_X), {});
  expect(only(events, Ev::SHUTDOWN_X), {{"res", 0}, {"fd", out(1)}, {"how", 1}});
}

TEST_F(CompatLive, socketcall_data) {
  const auto events = run([&] {
    const uint32_t fds = low_.space(8);
    socketcall(8, {AF_UNIX, SOCK_DGRAM, 0, fds});  // socketpair
    const uint32_t a = LowMemory::word_at(fds), b = LowMemory::word_at(fds + 4);
    out(0) = a;
    out(1) = b;
    const uint32_t data = low_.text("hello"), room = low_.space(64);
    socketcall(9, {a, data, 5, 0});  // send
    socketcall(9, {900, data, 5, 0});
    socketcall(10, {b, room, 64, 0});  // recv
    socketcall(10, {900, room, 64, 0});
    socketcall(11, {a, data, 4, 0, 0, 0});   // sendto
    socketcall(12, {b, room, 64, 0, 0, 0});  // recvfrom
    const uint32_t part = low_.words({data, 5});
    const uint32_t message = low_.words({0, 0, part, 1, 0, 0, 0});
    socketcall(16, {a, message, 0});  // sendmsg
    const uint32_t into = low_.words({room, 64});
    const uint32_t received = low_.words({0, 0, into, 1, 0, 0, 0});
    socketcall(17, {b, received, 0});  // recvmsg
    const uint32_t many = low_.words({0, 0, part, 1, 0, 0, 0, 0, 0, 0, part, 1, 0, 0, 0, 0});
    socketcall(20, {a, many, 2, 0});  // sendmmsg
    const uint32_t got = low_.words({0, 0, into, 1, 0, 0, 0, 0, 0, 0, into, 1, 0, 0, 0, 0});
    socketcall(19, {b, got, 2, 0, 0});  // recvmmsg
  });
  const Seen pair = only(events, Ev::SOCKETPAIR_X);
  expect(pair, {{"res", 0},
                {"fd1", out(0)},
                {"fd2", out(1)},
                {"source", kAny},
                {"peer", kAny},
                {"domain", AF_UNIX},
                {"type", SOCK_DGRAM},
                {"proto", 0}});
  // Sent by one, received by the other: the same source and destination.
  const std::string tuple = "\1" + pair.bytes_of("source") + pair.bytes_of("peer") + '\0';
  const auto send = both(events, Ev::SEND_X);
  expect(send.good, {{"res", 5}, {"data", "hello"}, {"fd", out(0)}, {"size", 5}, {"tuple", tuple}});
  expect(send.bad,
         {{"res", -EBADF}, {"data", "hello"}, {"fd", 900}, {"size", 5}, {"tuple", kEmpty}});
  const auto recv = both(events, Ev::RECV_X);
  expect(recv.good,
         {{"res", 5}, {"data", "hello"}, {"fd", out(1)}, {"size", 64}, {"tuple", tuple}});
  expect(recv.bad,
         {{"res", -EBADF}, {"data", kEmpty}, {"fd", 900}, {"size", 64}, {"tuple", kEmpty}});
  expect(only(events, Ev::SENDTO_X),
         {{"res", 4}, {"data", "hell"}, {"fd", out(0)}, {"size", 4}, {"tuple", tuple}});
  expect(only(events, Ev::RECVFROM_X),
         {{"res", 4}, {"data", "hell"}, {"tuple", tuple}, {"fd", out(1)}, {"size", 64}});
  expect(only(events, Ev::SENDMSG_X),
         {{"res", 5}, {"data", "hello"}, {"fd", out(0)}, {"size", 5}, {"tuple", tuple}});
  expect(only(events, Ev::RECVMSG_X), {{"res", 5},
                                       {"size", 5},
                                       {"data", "hello"},
                                       {"tuple", tuple},
                                       {"msgcontrol", kEmpty},
                                       {"fd", out(1)}});
  const auto sendmmsg = of(events, Ev::SENDMMSG_X);
  ASSERT_EQ(sendmmsg.size(), 2u);
  for (const Seen& seen : sendmmsg) {
    expect(seen, {{"res", 5}, {"fd", out(0)}, {"size", 5}, {"data", "hello"}, {"tuple", tuple}});
  }
  const auto recvmmsg = of(events, Ev::RECVMMSG_X);
  ASSERT_EQ(recvmmsg.size(), 2u);
  for (const Seen& seen : recvmmsg) {
    expect(seen, {{"res", 5},
                  {"fd", out(1)},
                  {"size", 5},
                  {"data", "hello"},
                  {"tuple", tuple},
                  {"msgcontrol", kEmpty}});
  }
}

TEST_F(CompatLive, socketcall_options_and_nonsense) {
  const uint64_t before = source().counters().unmapped_32bit;
  const auto events = run([&] {
    const auto fd = static_cast<uint32_t>(socketcall(1, {AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0}));
    out(0) = fd;
    const uint32_t time = low_.words({2, 500'000});  // struct timeval of two words
    socketcall(14, {fd, SOL_SOCKET, 20, time, 8});   // setsockopt(SO_RCVTIMEO)
    const uint32_t wide = low_.words({3, 0, 7, 0});
    socketcall(14, {fd, SOL_SOCKET, 67, wide, 16});  // SO_SNDTIMEO_NEW
    const uint32_t value = low_.words({0}), size = low_.words({4});
    socketcall(15, {fd, SOL_SOCKET, SO_TYPE, value, size});  // getsockopt
    call32(kSocketcall, {21, low_.words({0})});
    call32(kSocketcall, {99, low_.words({0})});
  });
  const auto set = of(events, Ev::SETSOCKOPT_X);
  ASSERT_EQ(set.size(), 2u);
  const auto time = [](int64_t ns) { return "\4"s + std::string(reinterpret_cast<char*>(&ns), 8); };
  expect(set[0], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 20},
                  {"val", time(2'500'000'000)},
                  {"optlen", 8}});
  expect(set[1], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 21},
                  {"val", time(3'000'007'000)},
                  {"optlen", 16}});
  expect(only(events, Ev::GETSOCKOPT_X), {{"res", 0},
                                          {"fd", out(0)},
                                          {"level", 1},
                                          {"optname", 3},
                                          {"val", "\2\1\0\0\0"s},
                                          {"optlen", 4}});
  EXPECT_GE(source().counters().unmapped_32bit, before + 2);
}

TEST_F(CompatLive, ipc_semaphores) {
  const auto events = run([&] {
    const auto id = call32(kIpc, {2, IPC_PRIVATE, 2, IPC_CREAT | 0600});  // semget
    out(0) = id;
    const auto set = static_cast<uint64_t>(id);
    const std::array<sembuf, 2> list{{{0, 1, IPC_NOWAIT}, {1, 2, SEM_UNDO}}};
    const uint32_t operations = low_.put(list.data(), sizeof list);
    call32(kIpc, {1 | 1u << 16, set, 2, 0, operations});  // semop, of a later version
    call32(kIpc, {1, 999999, 1, 0, operations});
    call32(kIpc, {3, set, 1, SETVAL, low_.words({9})});  // semctl
    call32(kIpc, {3, set, 0, IPC_RMID, low_.words({0})});
    call32(kIpc, {2, 0x7654, 0, IPC_EXCL});
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
  expect(op.bad, {{"res", kAny},
                  {"nsops", 1},
                  {"sem_num_0", 0},
                  {"sem_op_0", 1},
                  {"sem_flg_0", 1},
                  {"sem_num_1", 0},
                  {"sem_op_1", 0},
                  {"sem_flg_1", 0},
                  {"semid", 999999}});
  const auto ctl = of(events, Ev::SEMCTL_X);
  ASSERT_EQ(ctl.size(), 2u);
  expect(ctl[0], {{"res", 0}, {"semid", out(0)}, {"semnum", 1}, {"cmd", 4096}, {"val", 9}});
  expect(ctl[1], {{"res", 0}, {"semid", out(0)}, {"semnum", 0}, {"cmd", 4}, {"val", 0}});
}

TEST_F(CompatLive, positions_in_two_registers) {
  const auto events = run([&] {
    out(0) = open((dir() + "/f").c_str(), O_RDWR | O_CREAT, 0600);
    const auto fd = static_cast<uint64_t>(out(0));
    const uint32_t data = low_.text("abcdef"), room = low_.space(16);
    call32(181, {fd, data, 6, 3, 1});  // pwrite64 at 1 << 32 | 3
    call32(180, {fd, room, 4, 5, 1});  // pread64
    const uint32_t part = low_.words({data, 2}), into = low_.words({room, 3});
    call32(334, {fd, part, 1, 9, 1});  // pwritev
    call32(333, {fd, into, 1, 3, 1});  // preadv
    const uint32_t result = low_.space(8);
    call32(140, {fd, 2, 7, result, SEEK_SET});  // _llseek to 2 << 32 | 7
    call32(140, {900, 1, 2, result, SEEK_CUR});
  });
  const int64_t high = int64_t{1} << 32;
  expect(only(events, Ev::PWRITE_X),
         {{"res", 6}, {"data", "abcdef"}, {"fd", out(0)}, {"size", 6}, {"pos", high + 3}});
  expect(only(events, Ev::PREAD_X),
         {{"res", 4}, {"data", "cdef"}, {"fd", out(0)}, {"size", 4}, {"pos", high + 5}});
  expect(only(events, Ev::PWRITEV_X),
         {{"res", 2}, {"data", "ab"}, {"fd", out(0)}, {"size", 2}, {"pos", high + 9}});
  expect(only(events, Ev::PREADV_X),
         {{"res", 3}, {"size", 3}, {"data", "abc"}, {"fd", out(0)}, {"pos", high + 3}});
  const auto seek = both(events, Ev::LSEEK_X);
  expect(seek.good, {{"res", 0}, {"fd", out(0)}, {"offset", 2 * high + 7}, {"whence", 0}});
  expect(seek.bad, {{"res", -EBADF}, {"fd", 900}, {"offset", high + 2}, {"whence", 1}});
}

TEST_F(CompatLive, memory_maps) {
  const auto events =
      of(run([&] {
           // mmap: its arguments are in memory; mmap2: the offset counts pages.
           out(0) = call32(
               90, {low_.words({0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0xffffffff, 0})});
           call32(192, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 900, 3});
         }),
         Ev::MMAP_X);
  ASSERT_EQ(events.size(), 2u);
  expect(events[0], {{"res", out(0) & 0xffffffff},
                     {"vm_size", kAny},
                     {"vm_rss", kAny},
                     {"vm_swap", 0},
                     {"addr", 0},
                     {"length", 8192},
                     {"prot", 1},
                     {"flags", 2 | 8},
                     {"fd", -1},
                     {"offset", 0}});
  expect(events[1], {{"res", -EBADF},
                     {"vm_size", kAny},
                     {"vm_rss", kAny},
                     {"vm_swap", 0},
                     {"addr", 0},
                     {"length", 4096},
                     {"prot", 3},
                     {"flags", 1},
                     {"fd", 900},
                     {"offset", 3 * 4096}});
}

TEST_F(CompatLive, the_old_umount_has_no_flags) {
  const Seen seen = only(run([&] {
                           call32(22, {low_.text("/no/such"), 0xffffffff});
                         }),
                         Ev::UMOUNT2_X);
  expect(seen, {{"res", -ENOENT}, {"name", "/no/such"}, {"flags", 0}});
}

TEST_F(CompatLive, what_has_no_counterpart_is_counted) {
  const uint64_t before = source().counters().unmapped_32bit;
  run([&] {
    call32(5000, {});
    call32(17, {});  // break: never existed
  });
  EXPECT_GE(source().counters().unmapped_32bit, before + 2);
}

uint64_t x32_calls(const SourceCounters& counters) {
  const size_t at = counters.lost_detail.find(" x32 calls");
  if (at == std::string::npos) return 0;
  const size_t begin = counters.lost_detail.rfind(' ', at - 1) + 1;
  return std::stoull(counters.lost_detail.substr(begin == std::string::npos ? 0 : begin));
}

TEST_F(CompatLive, x32_calls_are_counted) {
  const uint64_t before = x32_calls(source().counters());
  run([] {
    for (int i = 0; i < 3; ++i) syscall(0x40000000 | SYS_rmdir, "/no/such");
  });
  EXPECT_GE(x32_calls(source().counters()), before + 3);
}

TEST_F(CompatLive, calls_without_an_event_of_their_own) {
  struct Case {
    Sc sc;
    RowCall call;
    int64_t native;
  };
  const auto wide = [](long number) { return RowCall{.number = number}; };
  const auto narrow32 = [](long number, uint64_t first = 0) {
    return RowCall{.compat = true, .number = number, .args = {first}};
  };
  const std::vector<Case> cases{
      {Sc::SYNC, wide(SYS_sync), SYS_sync},
      {Sc::GETPPID, wide(SYS_getppid), SYS_getppid},
      {Sc::LANDLOCK_CREATE_RULESET, wide(444), 444},
      {Sc::FSOPEN, wide(430), 430},
      {Sc::MOVE_MOUNT, wide(429), 429},
      {Sc::PERF_EVENT_OPEN, wide(SYS_perf_event_open), SYS_perf_event_open},
      {Sc::GETPPID, narrow32(64), 64},
      {Sc::SYNC, narrow32(36), 36},
      {Sc::OLDUNAME, narrow32(109), 109},      // only 32-bit programs have it
      {Sc::SHMGET, narrow32(kIpc, 23), kIpc},  // within ipc
      {Sc::SEMTIMEDOP, narrow32(kIpc, 4), kIpc},
  };
  for (const Case& one : cases) {
    const ScInfo& info = *sc_info(static_cast<uint16_t>(one.sc));
    SCOPED_TRACE(info.name);
    const auto events = run_with({one.sc}, [&] {
      make(one.call);
      make({.number = SYS_sched_yield});  // not selected
      return 0;
    });
    expect(only(events, Ev::GENERIC_X),
           {{"ID", static_cast<int64_t>(one.sc)}, {"nativeID", one.native}});
  }
}

}  // namespace
}  // namespace gyr::test
