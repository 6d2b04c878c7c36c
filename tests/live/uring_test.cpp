// SPDX-License-Identifier: Apache-2.0
// Work submitted through io_uring arrives as the events of the calls it stands for, in the name of
// who submitted it.
#include "uring.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <thread>

#include "live_fixture.h"
#include "loopback.h"

namespace gyr::test {
namespace {

constexpr unsigned kBind = 56, kListen = 57;  // IORING_OP_*, newer than the headers may be

class UringLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) return;
    if (by_ptrace()) GTEST_SKIP() << kOfTheProbe;
    if (*no_uring()) GTEST_SKIP() << no_uring();
    for (const std::string& warning : source().warnings()) {
      if (warning.find("io_uring") != std::string::npos) GTEST_SKIP() << warning;
    }
  }
  // The events of that type whose name is `name`.
  static std::vector<Seen> named(const std::vector<Seen>& events, Ev type,
                                 const std::string& name) {
    std::vector<Seen> found = of(events, type);
    std::erase_if(found, [&](const Seen& seen) { return seen.text("name") != name; });
    return found;
  }
  // A child opens `name` by a ring made with `setup`, the request having `flags`.
  void expect_open(unsigned setup, uint8_t flags) {
    const std::string name = dir() + "/secret";
    const auto events = run([&] {
      Uring ring(setup);
      io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
      open.addr = address_of(name.c_str());
      open.open_flags = O_RDWR | O_CREAT;
      open.len = 0640;
      open.flags = flags;
      out(0) = ring.now(open);
      struct stat file {};
      if (fstat(static_cast<int>(out(0)), &file) == 0) out(1) = static_cast<int64_t>(file.st_ino);
    });
    const auto found = named(events, Ev::OPENAT_2_X, name);
    ASSERT_EQ(found.size(), 1u) << source().counters().lost_detail;
    ASSERT_GE(out(0), 0);
    EXPECT_EQ(found[0].tid(), child());
    EXPECT_EQ(found[0].number("fd"), out(0));
    EXPECT_EQ(found[0].number("dirfd"), AT_FDCWD);
    EXPECT_EQ(found[0].bits("flags") & 0x4007, 0x4007u) << "read, write, create, created";
    EXPECT_EQ(found[0].number("mode"), 0640);
    EXPECT_EQ(found[0].number("ino"), out(1));
  }
};

TEST_F(UringLive, an_open) { expect_open(0, 0); }
TEST_F(UringLive, an_open_by_a_worker) { expect_open(0, IOSQE_ASYNC); }
TEST_F(UringLive, an_open_by_the_kernel_thread_that_polls) { expect_open(IORING_SETUP_SQPOLL, 0); }
TEST_F(UringLive, an_open_by_a_worker_of_the_thread_that_polls) {
  expect_open(IORING_SETUP_SQPOLL, IOSQE_ASYNC);
}

TEST_F(UringLive, a_failed_open) {
  const auto events = run([&] {
    Uring ring;
    io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
    open.addr = address_of("/no/such/uring");
    open.open_flags = O_WRONLY;
    out(0) = ring.now(open);
  });
  EXPECT_EQ(out(0), -ENOENT);
  const auto found = named(events, Ev::OPENAT_2_X, "/no/such/uring");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].number("fd"), -ENOENT);
}

TEST_F(UringLive, openat2_and_close) {
  const auto events = run([&] {
    Uring ring;
    open_how how{};
    how.flags = O_RDONLY;
    how.resolve = RESOLVE_NO_SYMLINKS;
    io_uring_sqe& open = ring.request(IORING_OP_OPENAT2, AT_FDCWD);
    open.addr = address_of("/etc/passwd");
    open.len = sizeof how;
    open.off = address_of(&how);
    out(0) = ring.now(open);
    out(1) = ring.now(ring.request(IORING_OP_CLOSE, static_cast<int>(out(0))));
  });
  const auto found = named(events, Ev::OPENAT2_X, "/etc/passwd");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].number("fd"), out(0));
  EXPECT_EQ(found[0].bits("flags") & 7, 1u);
  EXPECT_EQ(found[0].bits("resolve"), 8u) << "no symlinks";
  const auto closes = of(events, Ev::CLOSE_X);
  EXPECT_EQ(out(1), 0);
  EXPECT_TRUE(std::any_of(closes.begin(), closes.end(),
                          [&](const Seen& seen) { return seen.number("fd") == out(0); }));
}

// Each request of a chain needs the one before.
TEST_F(UringLive, linked_requests_on_names) {
  const std::string made = dir() + "/made", moved = dir() + "/moved", other = dir() + "/other",
                    point = dir() + "/point";
  const auto events = run([&] {
    Uring ring;
    io_uring_sqe& mkdir = ring.request(IORING_OP_MKDIRAT, AT_FDCWD);
    mkdir.addr = address_of(made.c_str());
    mkdir.len = 0750;
    mkdir.flags = IOSQE_IO_LINK;
    io_uring_sqe& rename = ring.request(IORING_OP_RENAMEAT, AT_FDCWD);
    rename.addr = address_of(made.c_str());
    rename.len = static_cast<uint32_t>(AT_FDCWD);
    rename.addr2 = address_of(moved.c_str());
    rename.rename_flags = 1;  // RENAME_NOREPLACE
    rename.flags = IOSQE_IO_LINK;
    io_uring_sqe& symlink = ring.request(IORING_OP_SYMLINKAT, AT_FDCWD);
    symlink.addr = address_of(moved.c_str());
    symlink.addr2 = address_of(point.c_str());
    symlink.flags = IOSQE_IO_LINK;
    io_uring_sqe& link = ring.request(IORING_OP_LINKAT, AT_FDCWD);
    link.addr = address_of(point.c_str());
    link.len = static_cast<uint32_t>(AT_FDCWD);
    link.addr2 = address_of(other.c_str());
    link.flags = IOSQE_IO_LINK;
    io_uring_sqe& unlink = ring.request(IORING_OP_UNLINKAT, AT_FDCWD);
    unlink.addr = address_of(moved.c_str());
    unlink.unlink_flags = AT_REMOVEDIR;
    ring.submit(5);
    for (size_t i = 0; i < 5; ++i) out(i) = ring.result();
  });
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(out(i), 0) << i;
  expect(only(events, Ev::MKDIRAT_X),
         {{"res", 0}, {"dirfd", AT_FDCWD}, {"path", made}, {"mode", 0750}});
  expect(only(events, Ev::RENAMEAT2_X), {{"res", 0},
                                         {"olddirfd", AT_FDCWD},
                                         {"oldpath", made},
                                         {"newdirfd", AT_FDCWD},
                                         {"newpath", moved},
                                         {"flags", 1}});
  expect(only(events, Ev::SYMLINKAT_X),
         {{"res", 0}, {"target", moved}, {"linkdirfd", AT_FDCWD}, {"linkpath", point}});
  expect(only(events, Ev::LINKAT_2_X), {{"res", 0},
                                        {"olddir", AT_FDCWD},
                                        {"oldpath", point},
                                        {"newdir", AT_FDCWD},
                                        {"newpath", other},
                                        {"flags", 0}});
  expect(only(events, Ev::UNLINKAT_2_X),
         {{"res", 0}, {"dirfd", AT_FDCWD}, {"name", moved}, {"flags", AT_REMOVEDIR}});
}

TEST_F(UringLive, sockets) {
  const auto events = run([&] {
    Uring ring;
    const LoopbackServer server;
    out(0) = ntohs(server.address.sin_port);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    out(1) = client;
    io_uring_sqe& connect = ring.request(IORING_OP_CONNECT, client);
    connect.addr = address_of(&server.address);
    connect.off = sizeof server.address;
    out(2) = ring.now(connect);
    io_uring_sqe& accept = ring.request(IORING_OP_ACCEPT, server.fd);
    accept.accept_flags = SOCK_CLOEXEC;
    out(3) = ring.now(accept);
    io_uring_sqe& send = ring.request(IORING_OP_SEND, client);
    send.addr = address_of("hello");
    send.len = 5;
    out(4) = ring.now(send);
    char buffer[16] = {};
    io_uring_sqe& receive = ring.request(IORING_OP_RECV, static_cast<int>(out(3)));
    receive.addr = address_of(buffer);
    receive.len = sizeof buffer;
    out(5) = ring.now(receive);
    io_uring_sqe& shutdown = ring.request(IORING_OP_SHUTDOWN, client);
    shutdown.len = SHUT_RDWR;
    out(6) = ring.now(shutdown);
    io_uring_sqe& made = ring.request(45, AF_INET);  // IORING_OP_SOCKET
    made.off = SOCK_DGRAM | SOCK_CLOEXEC;
    made.len = 0;
    out(7) = ring.now(made);
  });
  const Seen connect = only(events, Ev::CONNECT_X);
  const auto port = static_cast<uint16_t>(out(0));
  const std::string end =
      std::string("\x7f\0\0\1", 4) + std::string(reinterpret_cast<const char*>(&port), sizeof port);
  EXPECT_EQ(connect.number("res"), 0);
  EXPECT_EQ(connect.number("fd"), out(1));
  EXPECT_EQ(connect.bytes_of("addr"), "\2" + end) << source().counters().lost_detail;
  EXPECT_TRUE(connect.bytes_of("tuple").ends_with(end));
  EXPECT_EQ(connect.bytes_of("tuple").size(), 13u);
  const Seen accept = only(events, Ev::ACCEPT4_6_X);
  EXPECT_GE(out(3), 0);
  EXPECT_EQ(accept.number("fd"), out(3));
  EXPECT_TRUE(accept.bytes_of("tuple").ends_with(end));
  EXPECT_EQ(accept.number("queuemax"), 4);
  const Seen send = only(events, Ev::SENDTO_X);
  EXPECT_EQ(send.number("res"), 5);
  EXPECT_EQ(send.number("fd"), out(1));
  EXPECT_EQ(send.number("size"), 5);
  EXPECT_EQ(send.bytes_of("data"), "hello");
  EXPECT_TRUE(send.bytes_of("tuple").ends_with(end));
  const Seen receive = only(events, Ev::RECVFROM_X);
  EXPECT_EQ(receive.number("res"), 5);
  EXPECT_EQ(receive.bytes_of("data"), "hello");
  const Seen shutdown = only(events, Ev::SHUTDOWN_X);
  EXPECT_EQ(shutdown.number("fd"), out(1));
  const auto sockets = of(events, Ev::SOCKET_X);
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_EQ(sockets[2].number("fd"), out(7));
  EXPECT_EQ(sockets[2].number("type") & 0xf, SOCK_DGRAM);
}

TEST_F(UringLive, bind_and_listen) {
  const auto events = run([&] {
    Uring ring;
    sockaddr_in address = loopback(0);
    out(0) = socket(AF_INET, SOCK_STREAM, 0);
    io_uring_sqe& bind = ring.request(kBind, static_cast<int>(out(0)));
    bind.addr = address_of(&address);
    bind.off = sizeof address;
    out(1) = ring.now(bind);
    io_uring_sqe& listen = ring.request(kListen, static_cast<int>(out(0)));
    listen.len = 7;
    out(2) = ring.now(listen);
  });
  if (out(1) == -EINVAL) GTEST_SKIP() << "this kernel's io_uring has no bind (6.11 has)";
  expect(only(events, Ev::BIND_X),
         {{"res", 0}, {"addr", std::string("\2\x7f\0\0\1\0\0", 7)}, {"fd", out(0)}});
  expect(only(events, Ev::LISTEN_X), {{"res", 0}, {"fd", out(0)}, {"backlog", 7}});
}

TEST_F(UringLive, an_accept_that_goes_on) {
  const auto events = run([&] {
    Uring ring;
    const LoopbackServer server;
    io_uring_sqe& accept = ring.request(IORING_OP_ACCEPT, server.fd);
    accept.ioprio = 1;  // IORING_ACCEPT_MULTISHOT
    ring.submit(0);
    for (int i = 0; i < 3; ++i) {
      const int client = socket(AF_INET, SOCK_STREAM, 0);
      connect(client, reinterpret_cast<const sockaddr*>(&server.address), sizeof server.address);
      ring.submit(static_cast<unsigned>(1));
      out(static_cast<size_t>(i)) = ring.result();
    }
  });
  std::vector<int64_t> fds;
  for (const Seen& seen : of(events, Ev::ACCEPT4_6_X)) {
    EXPECT_TRUE(seen.has("tuple"));
    if (seen.number("fd") >= 0) fds.push_back(seen.number("fd"));
  }
  EXPECT_EQ(fds, (std::vector<int64_t>{out(0), out(1), out(2)}));
}

TEST_F(UringLive, reads_and_writes) {
  const std::string name = dir() + "/file";
  const auto events = run([&] {
    Uring ring;
    const int fd = static_cast<int>(syscall(SYS_open, name.c_str(), O_RDWR | O_CREAT, 0600));
    out(0) = fd;
    io_uring_sqe& write = ring.request(IORING_OP_WRITE, fd);
    write.addr = address_of("written");
    write.len = 7;
    write.off = ~0ull;
    ring.now(write);
    char buffer[4] = {};
    io_uring_sqe& read = ring.request(IORING_OP_READ, fd);
    read.addr = address_of(buffer);
    read.len = sizeof buffer;
    read.off = 2;
    ring.now(read);
  });
  expect(only(events, Ev::WRITE_X), {{"res", 7}, {"data", "written"}, {"fd", out(0)}, {"size", 7}});
  expect(only(events, Ev::PREAD_X),
         {{"res", 4}, {"data", "itte"}, {"fd", out(0)}, {"size", 4}, {"pos", 2}});
}

// A file without a descriptor has a number no descriptor has, the same wherever it is used.
TEST_F(UringLive, files_without_descriptors) {
  const std::string name = dir() + "/direct";
  const auto events = run([&] {
    Uring ring;
    if (!ring.make_slots(4)) return;
    io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
    open.addr = address_of(name.c_str());
    open.open_flags = O_RDWR | O_CREAT;
    open.len = 0600;
    open.file_index = 3;  // slot 2
    out(0) = ring.now(open);
    io_uring_sqe& write = ring.request(IORING_OP_WRITE, 2);
    write.addr = address_of("x");
    write.len = 1;
    write.off = ~0ull;
    write.flags = IOSQE_FIXED_FILE;
    out(1) = ring.now(write);
    io_uring_sqe& close = ring.request(IORING_OP_CLOSE, 0);
    close.file_index = 3;
    out(2) = ring.now(close);
  });
  ASSERT_EQ(out(0), 0);
  ASSERT_EQ(out(1), 1);
  ASSERT_EQ(out(2), 0);
  const auto opens = named(events, Ev::OPENAT_2_X, name);
  ASSERT_EQ(opens.size(), 1u);
  const int64_t number = opens[0].number("fd");
  EXPECT_EQ(number & ~int64_t{0x1ff00000}, 0x40000002);
  EXPECT_EQ(only(events, Ev::WRITE_X).number("fd"), number);
  const auto closes = of(events, Ev::CLOSE_X);
  EXPECT_TRUE(std::any_of(closes.begin(), closes.end(),
                          [&](const Seen& seen) { return seen.number("fd") == number; }));
}

// What tells nobody that it succeeded is reported when it is handed in.
TEST_F(UringLive, a_success_that_is_not_told) {
  const std::string name = dir() + "/quiet", gone = dir() + "/gone";
  const auto events = run([&] {
    close(open(gone.c_str(), O_CREAT | O_WRONLY, 0600));
    Uring ring;
    io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
    open.addr = address_of(name.c_str());
    open.open_flags = O_WRONLY | O_CREAT;
    open.flags = 1u << 6;  // IOSQE_CQE_SKIP_SUCCESS
    io_uring_sqe& unlink = ring.request(IORING_OP_UNLINKAT, AT_FDCWD);
    unlink.addr = address_of(gone.c_str());
    unlink.flags = 1u << 6;
    ring.submit(0);
    out(0) = ring.result();
  });
  EXPECT_EQ(out(0), -1000) << "nothing is told";
  const auto opens = named(events, Ev::OPENAT_2_X, name);
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].number("fd"), 0x3fffffff);
  const auto unlinks = named(events, Ev::UNLINKAT_2_X, gone);
  ASSERT_EQ(unlinks.size(), 1u);
  EXPECT_EQ(unlinks[0].number("res"), 0);
}

// The kernel has copied the name when it takes the request in; what the program does to its own
// afterwards changes nothing.
TEST_F(UringLive, a_name_overwritten_before_the_work_is_done) {
  const std::string real = dir() + "/real.file", fake = dir() + "/fake.file";
  const auto events = run([&] {
    close(open(real.c_str(), O_CREAT | O_WRONLY, 0600));
    close(open(fake.c_str(), O_CREAT | O_WRONLY, 0600));
    Uring ring;
    char name[256];
    for (int i = 0; i < 50; ++i) {
      std::strcpy(name, real.c_str());
      io_uring_sqe& open = ring.request(IORING_OP_OPENAT, AT_FDCWD);
      open.addr = address_of(name);
      open.open_flags = O_RDONLY;
      open.flags = IOSQE_ASYNC;
      ring.submit(0);
      std::strcpy(name, fake.c_str());
      ring.submit(1);
      close(ring.result());
    }
  });
  EXPECT_EQ(named(events, Ev::OPENAT_2_X, real).size(), 50u + 1);
  EXPECT_EQ(named(events, Ev::OPENAT_2_X, fake).size(), 1u);
}

}  // namespace
}  // namespace gyr::test
