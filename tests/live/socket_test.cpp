// SPDX-License-Identifier: Apache-2.0
// Sockets, live: addresses, tuples, data, options.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "live_fixture.h"
#include "loopback.h"

namespace gyr::test {
namespace {

using SocketLive = LiveTest;

uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

std::string raw(const void* at, size_t size) { return {static_cast<const char*>(at), size}; }
std::string end4(uint16_t port, uint32_t ip = INADDR_LOOPBACK) {
  const uint32_t wire = htonl(ip);
  return raw(&wire, 4) + raw(&port, 2);
}
std::string address4(uint16_t port) { return "\x02" + end4(port); }
std::string tuple4(uint16_t from, uint16_t to, uint32_t from_ip = INADDR_LOOPBACK) {
  return "\x02" + end4(from, from_ip) + end4(to);
}
std::string end6(uint16_t port) { return raw(&in6addr_loopback, 16) + raw(&port, 2); }

TEST_F(SocketLive, socket_and_socketpair) {
  const auto events = run([&] {
    out(0) = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    syscall(SYS_socket, AF_INET, 99, 0);
    std::array<int, 2> fds{};
    syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, fds.data());
    out(1) = fds[0];
    out(2) = fds[1];
    syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, fds.data());
  });
  const auto socket = both(events, Ev::SOCKET_X);
  expect(socket.good, {{"fd", out(0)},
                       {"domain", 2},
                       {"type", SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK},
                       {"proto", 6},
                       {"flags", 4096 | 64}});
  expect(socket.bad, {{"fd", -EINVAL}, {"domain", 2}, {"type", 99}, {"proto", 0}, {"flags", 0}});
  const auto pair = both(events, Ev::SOCKETPAIR_X);
  if (!by_ptrace()) {  // addresses of the kernel, which only the probe knows
    EXPECT_NE(pair.good.bits("source"), 0u);
    EXPECT_NE(pair.good.bits("peer"), pair.good.bits("source"));
  }
  expect(pair.good, {{"res", 0},
                     {"fd1", out(1)},
                     {"fd2", out(2)},
                     {"source", kAny},
                     {"peer", kAny},
                     {"domain", 1},
                     {"type", SOCK_DGRAM},
                     {"proto", 0}});
  expect(pair.bad, {{"res", -EOPNOTSUPP},
                    {"fd1", -1},
                    {"fd2", -1},
                    {"source", 0},
                    {"peer", 0},
                    {"domain", 2},
                    {"type", SOCK_STREAM},
                    {"proto", 0}});
}

TEST_F(SocketLive, tcp_on_loopback) {
  const auto events = run([&] {
    const long server = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = loopback(0);
    syscall(SYS_bind, server, &address, sizeof address);
    syscall(SYS_bind, 900, &address, sizeof address);
    syscall(SYS_listen, server, 7);
    syscall(SYS_listen, 900, 8);
    out(0) = server;
    out(1) = port_of(static_cast<int>(server));
    address = loopback(static_cast<uint16_t>(out(1)));
    const long client = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    syscall(SYS_connect, client, &address, sizeof address);
    out(2) = client;
    out(3) = port_of(static_cast<int>(client));
    out(4) = syscall(SYS_accept4, server, nullptr, nullptr, SOCK_CLOEXEC);
    syscall(SYS_accept4, 900, nullptr, nullptr, 0);
    char text[16] = "hello there";
    syscall(SYS_sendto, client, text, 5, 0, nullptr, 0);
    syscall(SYS_sendto, 900, text, 5, 0, nullptr, 0);
    std::array<char, 64> buffer{};
    syscall(SYS_recvfrom, out(4), buffer.data(), buffer.size(), 0, nullptr, nullptr);
    syscall(SYS_recvfrom, out(4), buffer.data(), buffer.size(), MSG_DONTWAIT, nullptr, nullptr);
    syscall(SYS_shutdown, client, SHUT_WR);
    syscall(SYS_shutdown, 900, SHUT_RDWR);
    sockaddr_in refused = loopback(1);
    const long other = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    syscall(SYS_connect, other, &refused, sizeof refused);
    out(5) = other;
  });
  const auto server_port = static_cast<uint16_t>(out(1));
  const auto client_port = static_cast<uint16_t>(out(3));
  const std::string tuple = tuple4(client_port, server_port);
  const auto bind = both(events, Ev::BIND_X);
  expect(bind.good, {{"res", 0}, {"addr", address4(0)}, {"fd", out(0)}});
  expect(bind.bad, {{"res", -EBADF}, {"addr", address4(0)}, {"fd", 900}});
  const auto listen = both(events, Ev::LISTEN_X);
  expect(listen.good, {{"res", 0}, {"fd", out(0)}, {"backlog", 7}});
  expect(listen.bad, {{"res", -EBADF}, {"fd", 900}, {"backlog", 8}});
  const auto connect = both(events, Ev::CONNECT_X);
  expect(connect.good,
         {{"res", 0}, {"tuple", tuple}, {"fd", out(2)}, {"addr", address4(server_port)}});
  expect(connect.bad,
         {{"res", -ECONNREFUSED}, {"tuple", kEmpty}, {"fd", out(5)}, {"addr", address4(1)}});
  const auto accept = both(events, Ev::ACCEPT4_6_X);
  expect(accept.good, {{"fd", out(4)},
                       {"tuple", tuple},
                       {"queuepct", 0},
                       {"queuelen", 0},
                       {"queuemax", 7},
                       {"flags", 4096}});
  expect(accept.bad, {{"fd", -EBADF},
                      {"tuple", kEmpty},
                      {"queuepct", 0},
                      {"queuelen", 0},
                      {"queuemax", 0},
                      {"flags", 0}});
  const auto send = both(events, Ev::SENDTO_X);
  expect(send.good, {{"res", 5}, {"data", "hello"}, {"fd", out(2)}, {"size", 5}, {"tuple", tuple}});
  expect(send.bad,
         {{"res", -EBADF}, {"data", "hello"}, {"fd", 900}, {"size", 5}, {"tuple", kEmpty}});
  const auto recv = both(events, Ev::RECVFROM_X);
  expect(recv.good,
         {{"res", 5}, {"data", "hello"}, {"tuple", tuple}, {"fd", out(4)}, {"size", 64}});
  expect(recv.bad,
         {{"res", -EAGAIN}, {"data", kEmpty}, {"tuple", kEmpty}, {"fd", out(4)}, {"size", 64}});
  const auto shutdown = both(events, Ev::SHUTDOWN_X);
  expect(shutdown.good, {{"res", 0}, {"fd", out(2)}, {"how", 1}});
  expect(shutdown.bad, {{"res", -EBADF}, {"fd", 900}, {"how", 2}});
}

TEST_F(SocketLive, accept_and_ipv6) {
  const auto events = run([&] {
    const long server = syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    if (syscall(SYS_bind, server, &address, sizeof address) != 0) return 1;
    syscall(SYS_listen, server, 3);
    socklen_t size = sizeof address;
    getsockname(static_cast<int>(server), reinterpret_cast<sockaddr*>(&address), &size);
    out(0) = ntohs(address.sin6_port);
    const long client = syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);
    syscall(SYS_connect, client, &address, sizeof address);
    out(3) = syscall(SYS_accept, server, nullptr, nullptr);
    syscall(SYS_accept, 900, nullptr, nullptr);
    size = sizeof address;
    getsockname(static_cast<int>(client), reinterpret_cast<sockaddr*>(&address), &size);
    out(1) = ntohs(address.sin6_port);
    out(2) = client;
    return 0;
  });
  if (WEXITSTATUS(status()) != 0) GTEST_SKIP() << "no IPv6 here";
  const auto server = static_cast<uint16_t>(out(0));
  const auto client = static_cast<uint16_t>(out(1));
  const std::string tuple = "\x0a" + end6(client) + end6(server);
  expect(only(events, Ev::CONNECT_X),
         {{"res", 0}, {"tuple", tuple}, {"fd", out(2)}, {"addr", "\x0a" + end6(server)}});
  const auto accept = both(events, Ev::ACCEPT_5_X);
  expect(accept.good,
         {{"fd", out(3)}, {"tuple", tuple}, {"queuepct", 0}, {"queuelen", 0}, {"queuemax", 3}});
  expect(accept.bad,
         {{"fd", -EBADF}, {"tuple", kEmpty}, {"queuepct", 0}, {"queuelen", 0}, {"queuemax", 0}});
}

TEST_F(SocketLive, udp_messages) {
  const auto events = run([&] {
    const long a = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    const long b = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    sockaddr_in at_b = loopback(0);
    syscall(SYS_bind, b, &at_b, sizeof at_b);
    at_b = loopback(port_of(static_cast<int>(b)));
    sockaddr_in at_a = loopback(0);
    syscall(SYS_bind, a, &at_a, sizeof at_a);
    out(0) = port_of(static_cast<int>(a));
    out(1) = port_of(static_cast<int>(b));
    out(2) = a;
    out(3) = b;
    char one[] = "first ", two[] = "second";
    std::array<iovec, 2> parts{{{one, 6}, {two, 6}}};
    msghdr message{};
    message.msg_name = &at_b;
    message.msg_namelen = sizeof at_b;
    message.msg_iov = parts.data();
    message.msg_iovlen = 2;
    syscall(SYS_sendmsg, a, &message, 0);
    syscall(SYS_sendmsg, 900, &message, 0);
    std::array<mmsghdr, 2> many{};
    many[0].msg_hdr = message;
    many[1].msg_hdr = message;
    many[1].msg_hdr.msg_iovlen = 1;
    syscall(SYS_sendmmsg, a, many.data(), 2, 0);
    syscall(SYS_sendmmsg, 900, many.data(), 2, 0);
    std::array<char, 64> buffer{};
    sockaddr_in from{};
    iovec whole{buffer.data(), buffer.size()};
    msghdr in{};
    in.msg_name = &from;
    in.msg_namelen = sizeof from;
    in.msg_iov = &whole;
    in.msg_iovlen = 1;
    syscall(SYS_recvmsg, b, &in, 0);
    std::array<std::array<char, 32>, 2> room{};
    std::array<iovec, 2> into{{{room[0].data(), 32}, {room[1].data(), 32}}};
    std::array<sockaddr_in, 2> peers{};
    for (size_t i = 0; i < 2; ++i) {
      many[i] = {};
      many[i].msg_hdr.msg_name = &peers[i];
      many[i].msg_hdr.msg_namelen = sizeof peers[i];
      many[i].msg_hdr.msg_iov = &into[i];
      many[i].msg_hdr.msg_iovlen = 1;
    }
    syscall(SYS_recvmmsg, b, many.data(), 2, 0, nullptr);
    syscall(SYS_recvmmsg, b, many.data(), 2, MSG_DONTWAIT, nullptr);
    syscall(SYS_recvmsg, b, &in, MSG_DONTWAIT);
  });
  const std::string tuple = tuple4(static_cast<uint16_t>(out(0)), static_cast<uint16_t>(out(1)));
  const auto sendmsg = both(events, Ev::SENDMSG_X);
  expect(sendmsg.good,
         {{"res", 12}, {"data", "first second"}, {"fd", out(2)}, {"size", 12}, {"tuple", tuple}});
  expect(sendmsg.bad,
         {{"res", -EBADF}, {"data", "first second"}, {"fd", 900}, {"size", 12}, {"tuple", kEmpty}});
  const auto sendmmsg = of(events, Ev::SENDMMSG_X);
  ASSERT_EQ(sendmmsg.size(), 3u);
  expect(sendmmsg[0],
         {{"res", 12}, {"fd", out(2)}, {"size", 12}, {"data", "first second"}, {"tuple", tuple}});
  expect(sendmmsg[1],
         {{"res", 6}, {"fd", out(2)}, {"size", 6}, {"data", "first "}, {"tuple", tuple}});
  EXPECT_EQ(sendmmsg[2].number("res"), -EBADF);
  const auto recvmsg = both(events, Ev::RECVMSG_X);
  expect(recvmsg.good, {{"res", 12},
                        {"size", 12},
                        {"data", "first second"},
                        {"tuple", tuple},
                        {"msgcontrol", kEmpty},
                        {"fd", out(3)}});
  expect(recvmsg.bad, {{"res", -EAGAIN},
                       {"size", 0},
                       {"data", kEmpty},
                       {"tuple", kEmpty},
                       {"msgcontrol", kEmpty},
                       {"fd", out(3)}});
  const auto recvmmsg = of(events, Ev::RECVMMSG_X);
  ASSERT_EQ(recvmmsg.size(), 3u);
  expect(recvmmsg[0], {{"res", 12},
                       {"fd", out(3)},
                       {"size", 12},
                       {"data", "first second"},
                       {"tuple", tuple},
                       {"msgcontrol", kEmpty}});
  expect(recvmmsg[1], {{"res", 6},
                       {"fd", out(3)},
                       {"size", 6},
                       {"data", "first "},
                       {"tuple", tuple},
                       {"msgcontrol", kEmpty}});
  EXPECT_EQ(recvmmsg[2].number("res"), -EAGAIN);
}

TEST_F(SocketLive, unix_sockets) {
  const std::string path = dir() + "/sock";
  const auto events = run([&] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const long server = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    syscall(SYS_bind, server, &address, sizeof address);
    syscall(SYS_listen, server, 3);
    const long client = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    syscall(SYS_connect, client, &address, sizeof address);
    out(0) = client;
    out(1) = syscall(SYS_accept4, server, nullptr, nullptr, 0);
    sockaddr_un abstract{};
    abstract.sun_family = AF_UNIX;
    std::memcpy(abstract.sun_path, "\0hidden", 7);
    const long other = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    syscall(SYS_connect, other, &abstract, 2 + 7);
  });
  expect(only(events, Ev::BIND_X), {{"res", 0}, {"addr", "\x01" + path + '\0'}, {"fd", kAny}});
  const auto connect = both(events, Ev::CONNECT_X);
  const std::string tuple = connect.good.bytes_of("tuple");
  ASSERT_EQ(tuple.size(), 17 + path.size() + 1);
  EXPECT_EQ(tuple[0], 1);
  EXPECT_EQ(tuple.substr(17), path + '\0');
  expect(connect.good,
         {{"res", 0}, {"tuple", tuple}, {"fd", out(0)}, {"addr", "\x01" + path + '\0'}});
  expect(connect.bad, {{"res", -ECONNREFUSED},
                       {"tuple", kEmpty},
                       {"fd", kAny},
                       {"addr", std::string("\x01hidden\0", 8)}});
  const Seen accept = only(events, Ev::ACCEPT4_6_X);
  EXPECT_EQ(accept.number("fd"), out(1));
  EXPECT_EQ(accept.bytes_of("tuple"), tuple) << "the same two sockets, the same direction";
}

TEST_F(SocketLive, passed_descriptors_are_in_the_control_data) {
  const auto events = run([&] {
    std::array<int, 2> fds{};
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data());
    char byte[] = "x";
    iovec part{byte, 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), fds.data(), sizeof(int));
    syscall(SYS_sendmsg, fds[0], &message, 0);
    syscall(SYS_recvmsg, fds[1], &message, 0);
    std::memcpy(&out(0), CMSG_DATA(head), sizeof(int));
  });
  const Seen recv = only(events, Ev::RECVMSG_X);
  const std::string control = recv.bytes_of("msgcontrol");
  ASSERT_GE(control.size(), CMSG_LEN(sizeof(int)));
  int fd = 0;
  std::memcpy(&fd, control.data() + CMSG_LEN(0), sizeof fd);
  EXPECT_EQ(fd, static_cast<int>(out(0)));
}

TEST_F(SocketLive, options) {
  using std::string_literals::operator""s;
  const auto events = run([&] {
    const long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    out(0) = fd;
    int one = 1;
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    timeval time{2, 500'000};
    syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    syscall(SYS_setsockopt, 900, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    int error = 7;
    socklen_t size = sizeof error;
    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &error, &size);
    syscall(SYS_getsockopt, 900, SOL_SOCKET, SO_TYPE, &error, &size);
    sockaddr_in name{};
    size = sizeof name;
    syscall(SYS_getsockname, fd, &name, &size);
    syscall(SYS_getpeername, fd, &name, &size);
  });
  const auto set = of(events, Ev::SETSOCKOPT_X);
  ASSERT_EQ(set.size(), 4u);
  expect(set[0], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 2},
                  {"val", "\2\1\0\0\0"s},
                  {"optlen", 4}});
  const int64_t wait = 2'500'000'000;
  expect(set[1], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 20},
                  {"val", "\4"s + raw(&wait, 8)},
                  {"optlen", 16}});
  expect(set[2], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 2},
                  {"optname", 0},
                  {"val", "\0\1\0\0\0"s},
                  {"optlen", 4}});
  expect(set[3], {{"res", -EBADF},
                  {"fd", 900},
                  {"level", 1},
                  {"optname", 9},
                  {"val", "\2\1\0\0\0"s},
                  {"optlen", 4}});
  const auto get = of(events, Ev::GETSOCKOPT_X);
  ASSERT_EQ(get.size(), 3u);
  expect(get[0], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 4},
                  {"val", "\1"s + std::string(8, '\0')},
                  {"optlen", 4}});
  expect(get[1], {{"res", 0},
                  {"fd", out(0)},
                  {"level", 1},
                  {"optname", 3},
                  {"val", "\2\1\0\0\0"s},
                  {"optlen", 4}});
  EXPECT_EQ(get[2].number("res"), -EBADF);
  EXPECT_EQ(only(events, Ev::GETSOCKNAME_X).view().nparams(), 0u);
  EXPECT_EQ(only(events, Ev::GETPEERNAME_X).view().nparams(), 0u);
}

}  // namespace
}  // namespace gyr::test
