// SPDX-License-Identifier: Apache-2.0
// Sockets are made, bound, connected, accepted (state-engine 4.5).
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "state/core.h"

namespace gyr {
namespace {

constexpr uint32_t kSockStream = 1, kSockDgram = 2, kSockRaw = 3;
constexpr uint32_t kSockCloexec = 02000000;  // a bit of the type, as the caller gives it
constexpr int64_t kInProgress = -115;
constexpr uint8_t kAfUnspec = 0;

FdKind kind_of_domain(uint32_t domain) {
  switch (domain) {
    case 1:
      return FdKind::Unix;
    case 2:
      return FdKind::Ipv4;
    case 10:
      return FdKind::Ipv6;
    case 16:
      return FdKind::Netlink;
    default:
      return FdKind::Unknown;
  }
}

L4 l4_of(uint32_t protocol, uint32_t type) {
  const bool raw = type == kSockRaw;
  switch (protocol) {
    case 0:
      if ((type & 0xff) == kSockStream) return L4::Tcp;
      return (type & 0xff) == kSockDgram ? L4::Udp : L4::Unknown;
    case 1:
      return raw ? L4::Raw : L4::Icmp;
    case 6:
      return raw ? L4::Raw : L4::Tcp;
    case 17:
      return raw ? L4::Raw : L4::Udp;
    case 255:
      return L4::Raw;
    default:
      return L4::Unknown;
  }
}

bool same_ip(const Address& a, const Address& b, bool v6) {
  return std::equal(a.ip.begin(), a.ip.begin() + (v6 ? 16 : 4), b.ip.begin());
}

bool same(const Address& a, const Address& b, bool v6) {
  return a.port == b.port && same_ip(a, b, v6);
}

// The peer that counts: where the kernel's tuple agrees with the caller's memory, the address noted
// when the call began; where they differ, the kernel's.
Address dest_of(const SockTuple& tuple, const SockAddr& at_exit, const SockAddr& at_enter) {
  const bool v6 = tuple.family == AddressFamily::Ipv6;
  if (at_exit.family == tuple.family && same(at_exit.address, tuple.dest, v6) &&
      at_enter.family == tuple.family) {
    return at_enter.address;
  }
  return tuple.dest;
}

// Tuples of IPv6 sockets that talk IPv4 become IPv4 ones.
bool unmap(Address& source, Address& dest) {
  if (!is_mapped_v4(source.ip) || !is_mapped_v4(dest.ip)) return false;
  source.ip = mapped_v4(source.ip);
  dest.ip = mapped_v4(dest.ip);
  return true;
}

void set_ip_kind(FdInfo& fd, bool v6) {
  const bool was_v6 = fd.is_v6();
  // An address that changes its family loses what the socket was made for.
  if (was_v6 != v6 && fd.is_ip_socket()) fd.l4 = L4::Unknown;
  fd.kind = v6 ? FdKind::Ipv6 : FdKind::Ipv4;
}

void connect_ip(StateCore& core, FdInfo& fd, const SockTuple& tuple, const SockAddr& at_exit,
                const SockAddr& at_enter) {
  Address source = tuple.source;
  Address dest = dest_of(tuple, at_exit, at_enter);
  const bool v6 = tuple.family == AddressFamily::Ipv6 && !unmap(source, dest);
  set_ip_kind(fd, v6);
  const Address old_source{fd.source_ip, fd.source_port};
  const Address old_dest{fd.dest_ip, fd.dest_port};
  const bool unchanged = (same(old_source, source, v6) && same(old_dest, dest, v6)) ||
                         (same(old_source, dest, v6) && same(old_dest, source, v6));
  if (!unchanged) {
    if (fd.role == FdRole::Server && !v6 && fd.l4 == L4::Udp) std::swap(source, dest);
    fd.source_ip = source.ip;
    fd.source_port = source.port;
    fd.dest_ip = dest.ip;
    fd.dest_port = dest.port;
  }
  fd.name = core.intern(socket_name(fd));
}

void connect_unix(StateCore& core, FdInfo& fd, SockTuple tuple, const SockAddr& at_exit,
                  const SockAddr& at_enter) {
  if (fd.kind != FdKind::Unix) return;
  if (at_exit.family == AddressFamily::Unix && at_exit.path == tuple.path &&
      at_enter.family == AddressFamily::Unix) {
    tuple.path = at_enter.path;
  }
  fd.unix_source = tuple.unix_source;
  fd.unix_dest = tuple.unix_dest;
  fd.name = core.intern(tuple_text(tuple));
}

// Nothing from the kernel: what the caller asked for when the call began.
void connect_blind(StateCore& core, FdInfo& fd, const SockAddr& at_enter) {
  switch (at_enter.family) {
    case AddressFamily::None:
      return;
    case AddressFamily::Ipv4:
    case AddressFamily::Ipv6: {
      Address dest = at_enter.address;
      const bool mapped = at_enter.family == AddressFamily::Ipv6 && is_mapped_v4(dest.ip);
      if (mapped) dest.ip = mapped_v4(dest.ip);
      set_ip_kind(fd, at_enter.family == AddressFamily::Ipv6 && !mapped);
      fd.dest_ip = dest.ip;
      fd.dest_port = dest.port;
      return;
    }
    case AddressFamily::Unix:
      fd.name = core.intern("NULL");
      return;
    case AddressFamily::Other:
      if (at_enter.raw_family != kAfUnspec) fd.name = core.intern("NULL");
      return;
  }
}

}  // namespace

void on_socket(StateCore& core, const EventView& event) {
  FdInfo* info = core.add_fd(event.result(), kind_of_domain(event.get<uint32_t>(1)));
  if (info == nullptr) return;
  if (info->is_ip_socket()) info->l4 = l4_of(event.get<uint32_t>(3), event.get<uint32_t>(2));
  info->open_flags = event.get<uint32_t>(4);
}

void on_socketpair(StateCore& core, const EventView& event) {
  const auto first = event.get<int64_t>(1, -1);
  const auto second = event.get<int64_t>(2, -1);
  if (event.result() != 0 || first == second) return;
  const auto source = event.get<uint64_t>(3);
  const auto peer = event.get<uint64_t>(4);
  const uint32_t flags = (event.get<uint32_t>(6) & kSockCloexec) != 0 ? kOpenCloexec : 0;
  for (const int64_t fd : {first, second}) {
    FdInfo* info = core.add_fd(fd, FdKind::Unix);
    if (info == nullptr) continue;
    info->unix_source = source;
    info->unix_dest = peer;
    info->open_flags = flags;
  }
}

void on_bind(StateCore& core, const EventView& event) {
  const SockAddr address = parse_sockaddr(event.param(1));
  if (core.now.fd == nullptr || address.family == AddressFamily::None) return;
  FdInfo& fd = core.edit_fd();
  const bool is_ip = address.family == AddressFamily::Ipv4 || address.family == AddressFamily::Ipv6;
  if (is_ip && address.address.port > 0) {
    const bool mapped = address.family == AddressFamily::Ipv6 && is_mapped_v4(address.address.ip);
    const bool v6 = address.family == AddressFamily::Ipv6 && !mapped;
    fd.kind = v6 ? FdKind::Ipv6Server : FdKind::Ipv4Server;
    fd.source_ip = mapped ? mapped_v4(address.address.ip) : address.address.ip;
    fd.source_port = address.address.port;
    fd.dest_ip = {};
    fd.dest_port = 0;
    fd.role = FdRole::Server;
  }
  fd.name = core.intern(sockaddr_text(address));
}

void on_connect(StateCore& core, const EventView& event) {
  if (!event.has(0) || core.now.fd == nullptr) return;
  if (event.result() < 0 && event.result() != kInProgress) return;
  const SockTuple tuple = parse_tuple(event.param(1));
  const SockAddr at_exit = parse_sockaddr(event.param(3));
  SockAddr at_enter;
  if (core.now.has_enter) {
    at_enter = parse_sockaddr(core.now.enter.param(1));
  } else {
    ++core.counts.enter_events_missing;
  }
  FdInfo& fd = core.edit_fd();
  fd.connected = true;
  switch (tuple.family) {
    case AddressFamily::None:
    case AddressFamily::Other:
      connect_blind(core, fd, at_enter);
      break;
    case AddressFamily::Unix:
      connect_unix(core, fd, tuple, at_exit, at_enter);
      break;
    case AddressFamily::Ipv4:
    case AddressFamily::Ipv6:
      connect_ip(core, fd, tuple, at_exit, at_enter);
      break;
  }
  if (fd.role == FdRole::None) fd.role = FdRole::Client;
}

void on_accept(StateCore& core, const EventView& event) {
  const SockTuple tuple = parse_tuple(event.param(1));
  const bool is_ip = tuple.family == AddressFamily::Ipv4 || tuple.family == AddressFamily::Ipv6;
  if (!is_ip && tuple.family != AddressFamily::Unix) return;
  Address source = tuple.source;
  Address dest = tuple.dest;
  const bool v6 = tuple.family == AddressFamily::Ipv6 && !unmap(source, dest);
  const FdKind kind = !is_ip ? FdKind::Unix : v6 ? FdKind::Ipv6 : FdKind::Ipv4;
  FdInfo* info = core.add_fd(event.result(), kind);
  if (info == nullptr) return;
  info->role = FdRole::Server;
  info->connected = true;
  info->name = core.intern(tuple_text(tuple));
  info->unix_source = tuple.unix_source;
  info->unix_dest = tuple.unix_dest;
  if (is_ip) {
    info->l4 = L4::Tcp;
    info->source_ip = source.ip;
    info->source_port = source.port;
    info->dest_ip = dest.ip;
    info->dest_port = dest.port;
  }
  if (event.type() == Ev::ACCEPT4_6_X) {
    info->open_flags = event.get<uint32_t>(5) & kOpenCloexec;
  }
}

}  // namespace gyr
