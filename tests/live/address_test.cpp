// SPDX-License-Identifier: Apache-2.0
// Addresses of every family, sound and broken; calls relative to a directory; files without names.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "live_fixture.h"

namespace gyr::test {
namespace {

using std::string_literals::operator""s;

std::string raw(const void* at, size_t size) { return {static_cast<const char*>(at), size}; }

// As parameters have it: family, address, port in the order of the machine.
std::string end4(const char* text, uint16_t port) {
  in_addr address{};
  inet_pton(AF_INET, text, &address);
  return raw(&address, 4) + raw(&port, 2);
}
std::string end6(const char* text, uint16_t port) {
  in6_addr address{};
  inet_pton(AF_INET6, text, &address);
  return raw(&address, 16) + raw(&port, 2);
}
sockaddr_in internet4(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}
sockaddr_in6 internet6(const char* text, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  inet_pton(AF_INET6, text, &address.sin6_addr);
  return address;
}

class AddressLive : public LiveTest {
 protected:
  // bind() of a socket of that family to these bytes.
  Seen bind_to(int family, const void* address, uint32_t size) {
    return only(run([&] {
                  const long fd = syscall(SYS_socket, family, SOCK_DGRAM, 0);
                  out(0) = fd;
                  out(1) = syscall(SYS_bind, fd, address, size) == 0 ? 0 : -errno;
                }),
                Ev::BIND_X);
  }
  void expect_bind(const Seen& seen, const std::string& address) {
    expect(seen, {{"res", out(1)}, {"addr", address}, {"fd", out(0)}});
  }
};

TEST_F(AddressLive, bind_to_addresses_of_each_family) {
  const sockaddr_in four = internet4("127.0.0.1", 0);
  expect_bind(bind_to(AF_INET, &four, sizeof four), "\2" + end4("127.0.0.1", 0));
  EXPECT_EQ(out(1), 0);
  const sockaddr_in foreign = internet4("192.0.2.7", 513);
  expect_bind(bind_to(AF_INET, &foreign, sizeof foreign), "\2" + end4("192.0.2.7", 513));
  EXPECT_EQ(out(1), -EADDRNOTAVAIL);
  const sockaddr_in6 six = internet6("2001:db8::5", 9999);
  expect_bind(bind_to(AF_INET6, &six, sizeof six), "\n" + end6("2001:db8::5", 9999));
  const sockaddr_in6 mapped = internet6("::ffff:127.0.0.1", 0);
  expect_bind(bind_to(AF_INET6, &mapped, sizeof mapped), "\n" + end6("::ffff:127.0.0.1", 0));
  sockaddr_nl netlink{};
  netlink.nl_family = AF_NETLINK;
  expect_bind(bind_to(AF_NETLINK, &netlink, sizeof netlink), kEmpty);  // a family without a form
}

TEST_F(AddressLive, unix_addresses) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t head = offsetof(sockaddr_un, sun_path);
  const std::string path = dir() + "/u";
  std::strcpy(address.sun_path, path.c_str());
  expect_bind(bind_to(AF_UNIX, &address, sizeof address), "\1" + path + '\0');
  std::memset(address.sun_path, 'p', sizeof address.sun_path);  // no NUL fits
  std::memcpy(address.sun_path, (dir() + "/").c_str(), dir().size() + 1);
  expect_bind(bind_to(AF_UNIX, &address, sizeof address),
              "\1" + std::string(address.sun_path, sizeof address.sun_path) + '\0');
  EXPECT_EQ(out(1), 0);
  const std::string name = "gyr test " + std::to_string(getpid());
  address.sun_path[0] = '\0';
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  expect_bind(bind_to(AF_UNIX, &address, static_cast<uint32_t>(head + 1 + name.size())),
              "\1" + name + '\0');
  EXPECT_EQ(out(1), 0);
  expect_bind(bind_to(AF_UNIX, &address, static_cast<uint32_t>(head)),
              "\1\0"s);  // the kernel names it
  EXPECT_EQ(out(1), 0);
}

TEST_F(AddressLive, broken_addresses) {
  const sockaddr_in four = internet4("127.0.0.1", 80);
  for (const uint32_t size : {0u, 1u, 4u}) {
    SCOPED_TRACE(size);
    expect_bind(bind_to(AF_INET, &four, size), kEmpty);
    EXPECT_LT(out(1), 0);
  }
  expect_bind(bind_to(AF_INET, nullptr, 16), kEmpty);
  expect_bind(bind_to(AF_INET, &four, 1u << 20), "\2" + end4("127.0.0.1", 80));
  EXPECT_EQ(out(1), -EINVAL);
  const sockaddr_in6 six = internet6("::1", 80);
  expect_bind(bind_to(AF_INET6, &six, 20), kEmpty);
}

TEST_F(AddressLive, connect_and_disconnect) {
  const auto events =
      of(run([&] {
           const long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
           out(0) = fd;
           const sockaddr_in far = internet4("127.0.0.9", 4242);
           syscall(SYS_connect, fd, &far, sizeof far);
           sockaddr_in own{};
           socklen_t size = sizeof own;
           getsockname(static_cast<int>(fd), reinterpret_cast<sockaddr*>(&own), &size);
           out(1) = ntohs(own.sin_port);
           sockaddr none{};
           syscall(SYS_connect, fd, &none, sizeof none);  // AF_UNSPEC
           const long six = syscall(SYS_socket, AF_INET6, SOCK_DGRAM, 0);
           out(2) = six;
           const sockaddr_in6 mapped = internet6("::ffff:127.0.0.9", 4243);
           syscall(SYS_connect, six, &mapped, sizeof mapped);
         }),
         Ev::CONNECT_X);
  ASSERT_EQ(events.size(), 3u);
  const auto port = static_cast<uint16_t>(out(1));
  expect(events[0], {{"res", 0},
                     {"tuple", "\2" + end4("127.0.0.1", port) + end4("127.0.0.9", 4242)},
                     {"fd", out(0)},
                     {"addr", "\2" + end4("127.0.0.9", 4242)}});
  EXPECT_EQ(events[1].number("res"), 0);
  EXPECT_FALSE(events[1].has("addr"));
  EXPECT_EQ(events[2].bytes_of("addr"), "\n" + end6("::ffff:127.0.0.9", 4243));
  EXPECT_EQ(events[2].bytes_of("tuple").substr(19), end6("::ffff:127.0.0.9", 4243));
}

TEST_F(AddressLive, datagrams_between_strangers) {
  const auto events = run([&] {
    const sockaddr_in6 any = internet6("::1", 0);
    std::array<long, 2> fds{};
    std::array<sockaddr_in6, 2> names{};
    for (size_t i = 0; i < 2; ++i) {
      fds[i] = syscall(SYS_socket, AF_INET6, SOCK_DGRAM, 0);
      syscall(SYS_bind, fds[i], &any, sizeof any);
      socklen_t size = sizeof names[i];
      getsockname(static_cast<int>(fds[i]), reinterpret_cast<sockaddr*>(&names[i]), &size);
      out(i) = fds[i];
      out(2 + i) = ntohs(names[i].sin6_port);
    }
    char data[] = "hello";
    syscall(SYS_sendto, fds[0], data, 5, 0, &names[1], sizeof names[1]);
    std::array<char, 64> room{};
    sockaddr_in6 from{};
    socklen_t size = sizeof from;
    syscall(SYS_recvfrom, fds[1], room.data(), room.size(), 0, &from, &size);
    iovec part{data, 4};
    msghdr message{};
    message.msg_name = &names[0];
    message.msg_namelen = sizeof names[0];
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    syscall(SYS_sendmsg, fds[1], &message, 0);
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    syscall(SYS_recvmsg, fds[0], &message, 0);
  });
  const auto first = end6("::1", static_cast<uint16_t>(out(2)));
  const auto second = end6("::1", static_cast<uint16_t>(out(3)));
  expect(only(events, Ev::SENDTO_X), {{"res", 5},
                                      {"data", "hello"},
                                      {"fd", out(0)},
                                      {"size", 5},
                                      {"tuple", "\n" + first + second}});
  expect(only(events, Ev::RECVFROM_X), {{"res", 5},
                                        {"data", "hello"},
                                        {"tuple", "\n" + first + second},
                                        {"fd", out(1)},
                                        {"size", 64}});
  expect(only(events, Ev::SENDMSG_X), {{"res", 4},
                                       {"data", "hell"},
                                       {"fd", out(1)},
                                       {"size", 4},
                                       {"tuple", "\n" + second + first}});
  expect(only(events, Ev::RECVMSG_X), {{"res", 4},
                                       {"size", 4},
                                       {"data", "hell"},
                                       {"tuple", "\n" + second + first},
                                       {"msgcontrol", kEmpty},
                                       {"fd", out(0)}});
}

TEST_F(AddressLive, an_abstract_server) {
  const auto events = run([&] {
    const std::string name = "\0gyr server "s + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    const long server = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    syscall(SYS_bind, server, &address, size);
    syscall(SYS_listen, server, 1);
    const long client = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    out(0) = client;
    syscall(SYS_connect, client, &address, size);
    out(1) = syscall(SYS_accept4, server, nullptr, nullptr, SOCK_NONBLOCK);
  });
  const std::string name = "gyr server " + std::to_string(child()) + '\0';
  const Seen connect = only(events, Ev::CONNECT_X);
  const std::string tuple = connect.bytes_of("tuple");
  EXPECT_EQ(tuple.substr(17), name);
  expect(connect, {{"res", 0}, {"tuple", tuple}, {"fd", out(0)}, {"addr", "\1" + name}});
  expect(only(events, Ev::ACCEPT4_6_X), {{"fd", out(1)},
                                         {"tuple", tuple},
                                         {"queuepct", 0},
                                         {"queuelen", 0},
                                         {"queuemax", 1},
                                         {"flags", 64}});
}

using DirectoryLive = LiveTest;

TEST_F(DirectoryLive, calls_relative_to_a_directory) {
  const auto events = run([&] {
    const long d = syscall(SYS_openat, AT_FDCWD, dir().c_str(), O_RDONLY | O_DIRECTORY, 0);
    out(0) = d;
    syscall(SYS_mkdirat, d, "sub", 0700);
    syscall(SYS_mknodat, d, "node", S_IFREG | 0600, 0);
    syscall(SYS_linkat, d, "node", d, "hard", 0);
    syscall(SYS_symlinkat, "node", d, "soft");
    syscall(SYS_renameat, d, "hard", d, "harder");
    syscall(SYS_renameat2, d, "harder", d, "hardest", 1u);
    syscall(SYS_fchmodat, d, "node", 0640);
    syscall(SYS_fchownat, d, "soft", 1, 2, AT_SYMLINK_NOFOLLOW);
    struct stat st {};
    syscall(SYS_newfstatat, d, "node", &st, 0);
    syscall(SYS_newfstatat, d, "", &st, AT_EMPTY_PATH);
    syscall(SYS_unlinkat, d, "sub", AT_REMOVEDIR);
  });
  const int64_t d = out(0);
  expect(only(events, Ev::MKDIRAT_X), {{"res", 0}, {"dirfd", d}, {"path", "sub"}, {"mode", 0700}});
  expect(only(events, Ev::MKNODAT_X),
         {{"res", 0}, {"dirfd", d}, {"path", "node"}, {"mode", S_IFREG | 0600}, {"dev", 0}});
  expect(only(events, Ev::LINKAT_2_X), {{"res", 0},
                                        {"olddir", d},
                                        {"oldpath", "node"},
                                        {"newdir", d},
                                        {"newpath", "hard"},
                                        {"flags", 0}});
  expect(only(events, Ev::SYMLINKAT_X),
         {{"res", 0}, {"target", "node"}, {"linkdirfd", d}, {"linkpath", "soft"}});
  expect(
      only(events, Ev::RENAMEAT_X),
      {{"res", 0}, {"olddirfd", d}, {"oldpath", "hard"}, {"newdirfd", d}, {"newpath", "harder"}});
  expect(only(events, Ev::RENAMEAT2_X), {{"res", 0},
                                         {"olddirfd", d},
                                         {"oldpath", "harder"},
                                         {"newdirfd", d},
                                         {"newpath", "hardest"},
                                         {"flags", 1}});
  expect(only(events, Ev::FCHMODAT_X),
         {{"res", 0}, {"dirfd", d}, {"filename", "node"}, {"mode", 0640}});
  expect(only(events, Ev::FCHOWNAT_X),
         {{"res", 0}, {"dirfd", d}, {"pathname", "soft"}, {"uid", 1}, {"gid", 2}, {"flags", 1024}});
  const auto stats = of(events, Ev::NEWFSTATAT_X);
  ASSERT_EQ(stats.size(), 2u);
  expect(stats[0], {{"res", 0}, {"dirfd", d}, {"path", "node"}, {"flags", 0}});
  expect(stats[1], {{"res", 0}, {"dirfd", d}, {"path", ""}, {"flags", 4096}});
  expect(only(events, Ev::UNLINKAT_2_X),
         {{"res", 0}, {"dirfd", d}, {"name", "sub"}, {"flags", 512}});
}

TEST_F(DirectoryLive, files_without_a_name) {
  const auto events = of(run([&] {
                           const long fd = syscall(SYS_openat, AT_FDCWD, dir().c_str(),
                                                   O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
                           out(0) = fd;
                           struct stat st {};
                           if (fd < 0 || fstat(static_cast<int>(fd), &st) != 0) return;
                           out(1) = static_cast<int64_t>(st.st_ino);
                           const uint32_t low = minor(st.st_dev);
                           out(2) = (low & 0xff) | major(st.st_dev) << 8 | (low & ~0xffu) << 12;
                         }),
                         Ev::OPENAT_2_X);
  if (out(0) < 0) GTEST_SKIP() << "this file system makes no files without names";
  ASSERT_EQ(events.size(), 1u);
  const int64_t marks = events[0].number("flags") & 0x1c000;  // created, overlay layer
  expect(events[0], {{"fd", out(0)},
                     {"dirfd", AT_FDCWD},
                     {"name", dir()},
                     {"flags", 3 | 1024 | 4096 | 8192 | marks},
                     {"mode", 0600},
                     {"dev", out(2)},
                     {"ino", out(1)}});
}

TEST_F(DirectoryLive, a_path_alone) {
  const Seen seen = only(run([&] {
                           out(0) = syscall(SYS_openat, AT_FDCWD, "/etc/passwd",
                                            O_PATH | O_NOFOLLOW | O_LARGEFILE | 0100000, 0777);
                         }),
                         Ev::OPENAT_2_X);
  struct stat st {};
  ASSERT_EQ(stat("/etc/passwd", &st), 0);
  EXPECT_EQ(seen.number("fd"), out(0));
  EXPECT_EQ(seen.number("mode"), 0) << "nothing is created";
  EXPECT_EQ(seen.number("ino"), static_cast<int64_t>(st.st_ino));
  EXPECT_EQ(seen.bits("flags") & 0x3fff, 1u | 2048);
}

}  // namespace
}  // namespace gyr::test
