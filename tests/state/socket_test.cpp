// SPDX-License-Identifier: Apache-2.0
// Sockets: kinds, peers, roles, names (state-engine 4.5, 5.3, 7).
#include <gtest/gtest.h>

#include "host.h"

namespace gyr {
namespace {

using test::Host;
using test::Missing;
using test::Params;
using test::sockaddr;
using test::tuple;
using test::unix_addr;
using test::unix_tuple;
using test::v4;
using test::v6;

constexpr int kUnix = 1, kInet = 2, kInet6 = 10, kNetlink = 16;
constexpr int kStream = 1, kDgram = 2, kRaw = 3;

std::string view(const Str& text) { return std::string(text.view()); }

void make_socket(Host& host, int64_t fd, int domain, int type, int protocol = 0) {
  host.send(Ev::SOCKET_X, 100, {fd, domain, type, protocol, 0});
}

std::string ends(const FdInfo& fd) {
  return ip_text({fd.source_ip, fd.is_v6()}) + " " + std::to_string(fd.source_port) + " " +
         ip_text({fd.dest_ip, fd.is_v6()}) + " " + std::to_string(fd.dest_port);
}

struct Kind {
  int domain, type, protocol;
  FdKind kind;
  L4 l4;
};

TEST(Socket, KindAndProtocolComeFromTheCall) {
  const Kind cases[] = {
      {kUnix, kStream, 0, FdKind::Unix, L4::Unknown},
      {kInet, kStream, 0, FdKind::Ipv4, L4::Tcp},
      {kInet, kDgram | 2048, 0, FdKind::Ipv4, L4::Udp},
      {kInet, 5, 0, FdKind::Ipv4, L4::Unknown},
      {kInet, kStream, 6, FdKind::Ipv4, L4::Tcp},
      {kInet, kDgram, 17, FdKind::Ipv4, L4::Udp},
      {kInet, kDgram, 1, FdKind::Ipv4, L4::Icmp},
      {kInet, kRaw, 1, FdKind::Ipv4, L4::Raw},
      {kInet, kRaw, 17, FdKind::Ipv4, L4::Raw},
      {kInet, kRaw, 255, FdKind::Ipv4, L4::Raw},
      {kInet, kStream, 132, FdKind::Ipv4, L4::Unknown},
      {kInet6, kStream, 0, FdKind::Ipv6, L4::Tcp},
      {kNetlink, kRaw, 0, FdKind::Netlink, L4::Unknown},
      {17, kRaw, 0, FdKind::Unknown, L4::Unknown},
  };
  for (const Kind& c : cases) {
    Host host;
    host.load_shell();
    make_socket(host, -97, c.domain, c.type, c.protocol);
    EXPECT_EQ(host.state.fds(host.thread(100)).size(), 0u);
    make_socket(host, 3, c.domain, c.type, c.protocol);
    ASSERT_NE(host.fd(100, 3), nullptr);
    EXPECT_EQ(host.fd(100, 3)->kind, c.kind) << c.domain;
    EXPECT_EQ(host.fd(100, 3)->l4, c.l4) << c.type << " " << c.protocol;
    EXPECT_EQ(host.fd(100, 3)->role, FdRole::None);
    EXPECT_EQ(host.name(100, 3), "");
  }
}

TEST(Bind, MakesServers) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kStream);
  host.send(Ev::BIND_X, 100, {-98, sockaddr(v4(127, 0, 0, 1, 80)), 3});
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Ipv4);
  host.send(Ev::BIND_X, 100, {0, sockaddr(v4(127, 0, 0, 1, 0)), 3});
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Ipv4) << "port 0 makes no server";
  EXPECT_EQ(host.name(100, 3), "127.0.0.1:0");
  host.send(Ev::BIND_X, 100, {0, sockaddr(v4(127, 0, 0, 1, 80)), 3});
  const FdInfo* fd = host.fd(100, 3);
  EXPECT_EQ(fd->kind, FdKind::Ipv4Server);
  EXPECT_EQ(fd->role, FdRole::Server);
  EXPECT_EQ(fd->l4, L4::Tcp);
  EXPECT_EQ(fd->source_port, 80);
  EXPECT_EQ(view(fd->name), "127.0.0.1:80");
}

TEST(Bind, Ipv6AndUnix) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet6, kStream);
  host.send(Ev::BIND_X, 100, {0, sockaddr(v6({}, 8080)), 3});
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Ipv4Server) << "all zero counts as IPv4";
  EXPECT_EQ(host.fd(100, 3)->l4, L4::Tcp);
  EXPECT_EQ(host.name(100, 3), ":::8080");
  make_socket(host, 4, kInet6, kDgram);
  host.send(Ev::BIND_X, 100, {0, sockaddr(v6({1}, 53)), 4});
  EXPECT_EQ(host.fd(100, 4)->kind, FdKind::Ipv6Server);
  EXPECT_EQ(host.name(100, 4), "::1:53");
  make_socket(host, 5, kUnix, kStream);
  host.send(Ev::BIND_X, 100, {0, unix_addr("/run/s"), 5});
  EXPECT_EQ(host.fd(100, 5)->kind, FdKind::Unix);
  EXPECT_EQ(host.name(100, 5), "/run/s");
  make_socket(host, 6, kNetlink, kRaw);
  host.send(Ev::BIND_X, 100, {0, Missing{}, 6});
  EXPECT_EQ(host.name(100, 6), "");
}

TEST(Connect, TakesTheKernelsTuple) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kStream);
  const auto peer = v4(10, 0, 0, 1, 443);
  const auto addresses = tuple(v4(10, 0, 0, 2, 5000), peer);
  host.send(Ev::CONNECT_X, 100, {-111, addresses, 3, sockaddr(peer)});
  EXPECT_EQ(host.name(100, 3), "");
  EXPECT_FALSE(host.fd(100, 3)->connected);
  const EventState& now = host.send(Ev::CONNECT_X, 100, {-115, addresses, 3, sockaddr(peer)});
  EXPECT_EQ(now.error, 115);
  EXPECT_EQ(now.fd, host.fd(100, 3));
  EXPECT_TRUE(now.fd->connected) << "in progress counts as connected";
  EXPECT_EQ(view(now.fd->name), "10.0.0.2:5000->10.0.0.1:443");
  EXPECT_EQ(now.fd->role, FdRole::Client);
  EXPECT_EQ(ends(*now.fd), "10.0.0.2 5000 10.0.0.1 443");
  EXPECT_EQ(host.send(Ev::CONNECT_X, 100, {0, addresses, 99, sockaddr(peer)}).fd, nullptr);
}

TEST(Connect, AddressAtEntryCountsWhereTheKernelAgrees) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kStream);
  const auto asked = v4(1, 1, 1, 1, 80);
  const auto seen = v4(2, 2, 2, 2, 80);
  const auto self = v4(10, 0, 0, 2, 5000);
  host.send(Ev::CONNECT_E, 100, {3, sockaddr(asked)});
  host.send(Ev::CONNECT_X, 100, {0, tuple(self, seen), 3, sockaddr(seen)});
  EXPECT_EQ(host.name(100, 3), "10.0.0.2:5000->1.1.1.1:80");
  host.send(Ev::CONNECT_E, 100, {3, sockaddr(asked)});
  host.send(Ev::CONNECT_X, 100, {0, tuple(self, seen), 3, sockaddr(v4(9, 9, 9, 9, 80))});
  EXPECT_EQ(host.name(100, 3), "10.0.0.2:5000->2.2.2.2:80") << "memory that changed counts less";
}

TEST(Connect, WithoutTupleOnlyTheEnterEventTells) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kStream);
  host.send(Ev::CONNECT_E, 100, {3, sockaddr(v4(1, 1, 1, 1, 80))});
  host.send(Ev::CONNECT_X, 100, {0, Missing{}, 3, Missing{}});
  EXPECT_EQ(host.name(100, 3), "");
  EXPECT_EQ(host.fd(100, 3)->dest_port, 80);
  EXPECT_EQ(host.fd(100, 3)->role, FdRole::Client);
  host.send(Ev::CONNECT_E, 100, {3, test::raw(std::string_view("\0", 1))});
  host.send(Ev::CONNECT_X, 100, {0, Missing{}, 3, Missing{}});
  EXPECT_EQ(host.name(100, 3), "") << "dissolving a connection changes no name";
  host.send(Ev::CONNECT_E, 100, {3, test::raw("\x11")});
  host.send(Ev::CONNECT_X, 100, {0, Missing{}, 3, Missing{}});
  EXPECT_EQ(host.name(100, 3), "NULL");
}

TEST(Connect, MappedAddressesBecomeIpv4WithoutProtocol) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet6, kStream);
  const auto self = v6({0xff, 0xff, 127, 0, 0, 1}, 4000);
  const auto peer = v6({0xff, 0xff, 127, 0, 0, 1}, 80);
  host.send(Ev::CONNECT_X, 100, {0, tuple(self, peer), 3, sockaddr(peer)});
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Ipv4);
  EXPECT_EQ(host.name(100, 3), "<unknown>");
  EXPECT_EQ(ends(*host.fd(100, 3)), "127.0.0.1 4000 127.0.0.1 80");
  make_socket(host, 4, kInet6, kStream);
  host.send(Ev::CONNECT_X, 100, {0, tuple(v6({2}, 4000), v6({1}, 80)), 4, Missing{}});
  EXPECT_EQ(host.fd(100, 4)->kind, FdKind::Ipv6);
  EXPECT_EQ(host.name(100, 4), "::2:4000->::1:80");
}

TEST(Connect, UnixSockets) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kUnix, kStream);
  host.send(Ev::CONNECT_X, 100, {0, unix_tuple(0xabc, 0xdef, "/run/s"), 3, unix_addr("/run/s")});
  EXPECT_EQ(host.name(100, 3), "abc->def /run/s");
  EXPECT_EQ(host.fd(100, 3)->unix_dest, 0xdefu);
  make_socket(host, 4, kInet, kStream);
  host.send(Ev::CONNECT_X, 100, {0, unix_tuple(0xabc, 0xdef, "/run/s"), 4, Missing{}});
  EXPECT_EQ(host.name(100, 4), "") << "not a unix socket";
}

TEST(Connect, BoundUdpSocketsKeepTheirEnd) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kDgram);
  host.send(Ev::BIND_X, 100, {0, sockaddr(v4(10, 0, 0, 2, 53)), 3});
  host.send(Ev::CONNECT_X, 100,
            {0, tuple(v4(10, 0, 0, 2, 53), v4(10, 0, 0, 9, 777)), 3, Missing{}});
  EXPECT_EQ(host.name(100, 3), "10.0.0.9:777->10.0.0.2:53");
  EXPECT_EQ(host.fd(100, 3)->role, FdRole::Server);
}

TEST(Accept, MakesConnectedServers) {
  Host host;
  host.load_shell();
  const auto addresses = tuple(v4(10, 0, 0, 9, 777), v4(10, 0, 0, 2, 80));
  const EventState& now =
      host.send(Ev::ACCEPT4_6_X, 100, {5, addresses, 0, 0, 5, kOpenCloexec | 64});
  ASSERT_NE(now.fd, nullptr);
  EXPECT_EQ(now.fd_number, 5);
  EXPECT_EQ(view(now.fd->name), "10.0.0.9:777->10.0.0.2:80");
  EXPECT_EQ(now.fd->role, FdRole::Server);
  EXPECT_EQ(now.fd->l4, L4::Tcp);
  EXPECT_EQ(now.fd->open_flags, kOpenCloexec);
  EXPECT_TRUE(now.fd->connected);
  host.send(Ev::ACCEPT_5_X, 100, {6, unix_tuple(1, 2, "/s"), 0, 0, 5});
  EXPECT_EQ(host.name(100, 6), "1->2 /s");
  host.send(Ev::ACCEPT_5_X, 100, {7, tuple(v6({2}, 1), v6({1}, 2)), 0, 0, 5});
  EXPECT_EQ(host.fd(100, 7)->kind, FdKind::Ipv6);
  host.send(Ev::ACCEPT_5_X, 100, {8, Missing{}, 0, 0, 5});
  EXPECT_EQ(host.fd(100, 8), nullptr);
  host.send(Ev::ACCEPT_5_X, 100, {-11, addresses, 0, 0, 5});
  EXPECT_EQ(host.state.fds(host.thread(100)).size(), 3u);
}

TEST(Socketpair, GivesTwo) {
  Host host;
  host.load_shell();
  const EventState& now = host.send(Ev::SOCKETPAIR_X, 100, {0, 3, 4, 10, 20, 1, 1, 0});
  EXPECT_EQ(now.fd, host.fd(100, 4));
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Unix);
  host.send(Ev::SOCKETPAIR_X, 100, {-95, 5, 6, 0, 0, 2, 1, 0});
  host.send(Ev::SOCKETPAIR_X, 100, {0, 7, 7, 0, 0, 1, 1, 0});
  EXPECT_EQ(host.state.fds(host.thread(100)).size(), 2u);
}

TEST(Udp, SendingTellsThePeerAndTheRole) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kDgram);
  const auto there = tuple(v4(10, 0, 0, 2, 5000), v4(8, 8, 8, 8, 53));
  host.send(Ev::SENDTO_X, 100, {-101, "", 3, 1, there});
  EXPECT_EQ(host.name(100, 3), "");
  host.send(Ev::SENDTO_X, 100, {1, "x", 3, 1, there});
  EXPECT_EQ(host.name(100, 3), "10.0.0.2:5000->8.8.8.8:53");
  EXPECT_EQ(host.fd(100, 3)->role, FdRole::Client);
  EXPECT_TRUE(host.fd(100, 3)->connected);
  // The answer comes as the mirrored tuple: nothing changes.
  const auto back = tuple(v4(8, 8, 8, 8, 53), v4(10, 0, 0, 2, 5000));
  host.send(Ev::RECVFROM_X, 100, {1, "x", back, 3, 1});
  EXPECT_EQ(host.name(100, 3), "10.0.0.2:5000->8.8.8.8:53");
  // Another peer answers: the client's end stays the client's.
  const auto other = tuple(v4(9, 9, 9, 9, 53), v4(10, 0, 0, 2, 5000));
  host.send(Ev::RECVMSG_X, 100, {1, 1, "x", other, Missing{}, 3});
  EXPECT_EQ(host.name(100, 3), "10.0.0.2:5000->9.9.9.9:53");
}

TEST(Udp, ReceivingFirstMakesAServer) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kDgram);
  const auto in = tuple(v4(10, 0, 0, 9, 777), v4(10, 0, 0, 2, 53));
  host.send(Ev::RECVFROM_X, 100, {1, "x", in, 3, 1});
  EXPECT_EQ(host.name(100, 3), "10.0.0.9:777->10.0.0.2:53");
  EXPECT_EQ(host.fd(100, 3)->role, FdRole::Server);
  EXPECT_FALSE(host.fd(100, 3)->connected) << "only sending connects";
  const auto out = tuple(v4(10, 0, 0, 2, 53), v4(10, 0, 0, 8, 888));
  host.send(Ev::SENDMMSG_X, 100, {1, 3, 1, "x", out});
  EXPECT_EQ(host.name(100, 3), "10.0.0.8:888->10.0.0.2:53");
}

TEST(Udp, UnknownDescriptorsBecomeSockets) {
  Host host;
  host.load_shell();
  const auto there = tuple(v4(10, 0, 0, 2, 5000), v4(8, 8, 8, 8, 53));
  host.send(Ev::SENDTO_X, 100, {1, "x", 9, 1, Missing{}});
  EXPECT_EQ(host.fd(100, 9), nullptr);
  host.send(Ev::SENDTO_X, 100, {1, "x", 9, 1, there});
  ASSERT_NE(host.fd(100, 9), nullptr);
  EXPECT_EQ(host.fd(100, 9)->l4, L4::Udp);
  EXPECT_EQ(host.name(100, 9), "10.0.0.2:5000->8.8.8.8:53");
  host.send(Ev::RECVFROM_X, 100, {1, "x", there, 10, 1});
  EXPECT_EQ(host.fd(100, 10), nullptr);
}

TEST(Udp, MissingAddressesComeFromTheInterfaces) {
  Host host;
  host.snapshot.interfaces.push_back({"lo", false, {127, 0, 0, 1}, {255, 0, 0, 0}, {}, 0, true});
  host.snapshot.interfaces.push_back(
      {"eth0", false, {10, 0, 0, 2}, {255, 255, 255, 0}, {}, 0, true});
  host.load_shell();
  const auto name_after = [&](const test::End& peer) {
    host.close(100, 3);
    make_socket(host, 3, kInet, kDgram);
    host.send(Ev::SENDTO_X, 100, {1, "x", 3, 1, tuple(v4(0, 0, 0, 0, 5000), peer)});
    return host.name(100, 3);
  };
  EXPECT_EQ(name_after(v4(127, 0, 0, 1, 53)), "127.0.0.1:5000->127.0.0.1:53");
  EXPECT_EQ(name_after(v4(10, 0, 0, 77, 53)), "10.0.0.2:5000->10.0.0.77:53");
  EXPECT_EQ(name_after(v4(8, 8, 8, 8, 53)), "10.0.0.2:5000->8.8.8.8:53");
  EXPECT_EQ(name_after(v4(10, 0, 0, 2, 5000)), "0.0.0.0:5000->10.0.0.2:5000");
}

TEST(Tcp, DataDoesNotRename) {
  Host host;
  host.load_shell();
  const auto addresses = tuple(v4(10, 0, 0, 9, 777), v4(10, 0, 0, 2, 80));
  host.send(Ev::ACCEPT_5_X, 100, {5, addresses, 0, 0, 5});
  host.send(Ev::SEND_X, 100, {1, "x", 5, 1, tuple(v4(1, 1, 1, 1, 1), v4(2, 2, 2, 2, 2))});
  EXPECT_EQ(host.name(100, 5), "10.0.0.9:777->10.0.0.2:80");
}

TEST(Ipv6, ServersReadTheTupleAsTheReferenceDoes) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet6, kDgram);
  host.send(Ev::BIND_X, 100, {0, sockaddr(v6({1}, 18105)), 3});
  host.send(Ev::RECVFROM_X, 100, {1, "x", tuple(v6({1}, 58469), v6({1}, 18105)), 3, 1});
  EXPECT_EQ(host.fd(100, 3)->kind, FdKind::Ipv6Server);
  EXPECT_EQ(host.name(100, 3), "::1:58469->::1:18105");
  EXPECT_EQ(host.fd(100, 3)->source_port, 0);
  EXPECT_EQ(host.fd(100, 3)->l4, L4::Unknown);
}

TEST(UnixData, NamesPairs) {
  Host host;
  host.load_shell();
  host.send(Ev::SOCKETPAIR_X, 100, {0, 3, 4, 10, 20, 1, 1, 0});
  host.send(Ev::SENDMSG_X, 100, {1, "x", 3, 1, unix_tuple(10, 20, "")});
  EXPECT_EQ(host.name(100, 3), "a->14 ");
  EXPECT_EQ(host.name(100, 4), "");
  EXPECT_FALSE(host.fd(100, 3)->connected);
}

TEST(Data, MalformedTuplesChangeNothing) {
  Host host;
  host.load_shell();
  make_socket(host, 3, kInet, kDgram);
  for (const char* bytes : {"\x02", "\x02\x01\x02", "\x0a\x01", "\x01\x01", "\x63"}) {
    host.send(Ev::SENDTO_X, 100, {1, "x", 3, 1, test::raw(bytes)});
    EXPECT_EQ(host.name(100, 3), "");
  }
}

TEST(PassedDescriptors, AreLookedUpWhenLive) {
  StateSettings settings;
  settings.live = true;
  std::vector<int64_t> asked;
  settings.find_fd = [&](int64_t, int64_t number) {
    asked.push_back(number);
    SnapshotFd fd;
    fd.fd = number;
    fd.kind = FdKind::FileV2;
    fd.name = "/passed";
    return std::optional(fd);
  };
  Host host(settings);
  host.load_shell();
  make_socket(host, 3, kUnix, kStream);
  std::vector<uint8_t> control;
  test::append<uint64_t>(control, 20);
  test::append<int32_t>(control, 1);
  test::append<int32_t>(control, 1);
  test::append<int32_t>(control, 8);
  host.send(Ev::RECVMSG_X, 100, {1, 1, "x", Missing{}, control, 3});
  EXPECT_EQ(host.name(100, 8), "/passed");
  EXPECT_EQ(asked, std::vector<int64_t>{8}) << "however many others the process has";
  control[0] = 200;  // longer than the parameter
  host.close(100, 8);
  host.send(Ev::RECVMSG_X, 100, {1, 1, "x", Missing{}, control, 3});
  EXPECT_EQ(host.fd(100, 8), nullptr);
}

struct Named {
  FdKind kind;
  L4 l4;
  const char* name;
};

TEST(SocketName, FollowsKindAndProtocol) {
  const Named cases[] = {
      {FdKind::Ipv4, L4::Tcp, "1.2.3.4:10->5.6.7.8:20"},
      {FdKind::Ipv4, L4::Udp, "1.2.3.4:10->5.6.7.8:20"},
      {FdKind::Ipv4, L4::Icmp, "1.2.3.4->5.6.7.8"},
      {FdKind::Ipv4, L4::Raw, "1.2.3.4->5.6.7.8"},
      {FdKind::Ipv4, L4::Unknown, "<unknown>"},
      {FdKind::Ipv4Server, L4::Tcp, "1.2.3.4:10"},
      {FdKind::Ipv6, L4::Tcp, "102:304::->506:708:::20"},
      {FdKind::Ipv6, L4::Raw, "<unknown>"},
      {FdKind::Ipv6Server, L4::Tcp, "102:304:::10"},
  };
  for (const Named& c : cases) {
    FdInfo fd;
    fd.kind = c.kind;
    fd.l4 = c.l4;
    fd.source_ip = {1, 2, 3, 4};
    fd.dest_ip = {5, 6, 7, 8};
    fd.source_port = 10;
    fd.dest_port = 20;
    if (c.kind == FdKind::Ipv6 && c.l4 == L4::Tcp) {
      EXPECT_EQ(socket_name(fd), "102:304:::10->506:708:::20");
    } else {
      EXPECT_EQ(socket_name(fd), c.name);
    }
  }
}

TEST(IsLocal, KnowsInterfacesAndContainers) {
  Host host;
  host.snapshot.interfaces.push_back({"eth0", false, {10, 0, 0, 2}, {255, 0, 0, 0}, {}, 0, true});
  std::array<uint8_t, 16> global{0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9};
  host.snapshot.interfaces.push_back({"eth0", true, global, {}, {}, 0, true});
  host.had(7, 1, "web").cgroups = std::string("cpu=/lxc/web\0", 13);
  host.load_shell();
  const Thread* shell = host.state.find(100);
  const Thread* web = host.state.find(7);
  const IpAddress own{{10, 0, 0, 2}, false}, other{{10, 0, 0, 3}, false};
  const IpAddress near{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 77}, true};
  EXPECT_TRUE(host.state.is_local(own, shell));
  EXPECT_FALSE(host.state.is_local(other, shell));
  EXPECT_TRUE(host.state.is_local(near, shell)) << "same network";
  EXPECT_FALSE(host.state.is_local(near, web));
  EXPECT_FALSE(host.state.is_local(own, web)) << "a container with unknown address";
  host.send(Ev::ASYNCEVENT_E, -1,
            {0, "container", test::raw(R"({"container":{"id":"web","type":1,"ip":"10.0.0.3"}})")});
  EXPECT_TRUE(host.state.is_local(other, web));
  EXPECT_TRUE(host.state.is_local(own, web)) << "interfaces count too";
}

}  // namespace
}  // namespace gyr
