// SPDX-License-Identifier: Apache-2.0
// Data is sent and received: sockets learn their peers from it (state-engine 4.5).
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "state/core.h"

namespace gyr {
namespace {

constexpr int32_t kSolSocket = 1, kScmRights = 1;
constexpr size_t kControlHeader = 16;   // u64 length with header, i32 level, i32 type
constexpr size_t kPassedFdLimit = 253;  // the kernel's bound for one message

// Which parameter holds the tuple; -1: the call has none.
int tuple_param(Ev type) {
  switch (type) {  // NOLINT: the other calls carry no tuple
    case Ev::RECVFROM_X:
      return 2;
    case Ev::RECVMSG_X:
      return 3;
    case Ev::SEND_X:
    case Ev::SENDTO_X:
    case Ev::SENDMSG_X:
    case Ev::SENDMMSG_X:
    case Ev::RECV_X:
    case Ev::RECVMMSG_X:
      return 4;
    default:
      return -1;
  }
}

bool is_same_tuple(const FdInfo& fd, const Address& source, const Address& dest) {
  return fd.source_ip == source.ip && fd.dest_ip == dest.ip && fd.source_port == source.port &&
         fd.dest_port == dest.port;
}

void set_tuple(FdInfo& fd, const Address& source, const Address& dest) {
  fd.source_ip = source.ip;
  fd.source_port = source.port;
  fd.dest_ip = dest.ip;
  fd.dest_port = dest.port;
}

void swap_ends(FdInfo& fd) {
  std::swap(fd.source_ip, fd.dest_ip);
  std::swap(fd.source_port, fd.dest_port);
}

L4 protocol_of(uint8_t number) {
  return number <= static_cast<uint8_t>(L4::Raw) ? static_cast<L4>(number) : L4::Unknown;
}

// A socket known for IPv4 or for listening stays so when it gets an IPv6 tuple. The reference then
// reads the tuple's bytes (both addresses, then both ports) as if they were what the socket is
// known for.
void overlay_server(StateCore& core, FdInfo& fd, const SockTuple& tuple) {
  const bool v6 = fd.kind == FdKind::Ipv6Server;
  const auto& shown = v6 ? tuple.dest.ip : tuple.source.ip;
  const size_t at = v6 ? 0 : 4;
  fd.source_ip = tuple.source.ip;
  fd.dest_ip = tuple.dest.ip;
  fd.dest_port = tuple.dest.port;
  fd.source_port = load<uint16_t>(shown.data() + at);
  fd.l4 = protocol_of(shown[at + 2]);
  fd.name = core.intern(tuple_text(tuple));
}

// After this the role of an IPv4 socket is known: nothing but the direction of its first packet
// tells, because the socket itself always has the port in question. Others count as clients.
void guess_role(FdInfo& fd, bool incoming) {
  if (fd.kind == FdKind::Ipv6) {
    fd.role = FdRole::Client;
  } else if (fd.role == FdRole::None) {
    fd.role = incoming ? FdRole::Server : FdRole::Client;
  }
}

// Role, order of the ends, and name after a change.
void settle(StateCore& core, FdInfo& fd, bool incoming) {
  guess_role(fd, incoming);
  const bool v4 = fd.kind == FdKind::Ipv4;
  if (v4 && fd.role == (incoming ? FdRole::Client : FdRole::Server)) swap_ends(fd);
  fd.name = core.intern(socket_name(fd));
}

void overlay_v4(StateCore& core, FdInfo& fd, const SockTuple& tuple, bool incoming) {
  const uint8_t* bytes = tuple.source.ip.data();
  fd.source_ip = {};
  fd.dest_ip = {};
  std::copy(bytes, bytes + 4, fd.source_ip.begin());
  std::copy(bytes + 4, bytes + 8, fd.dest_ip.begin());
  fd.source_port = load<uint16_t>(bytes + 8);
  fd.dest_port = load<uint16_t>(bytes + 10);
  fd.l4 = protocol_of(bytes[12]);
  if (fd.l4 == L4::Unknown) fd.l4 = L4::Udp;
  settle(core, fd, incoming);
}

void update_ip(StateCore& core, const SockTuple& tuple, bool incoming) {
  const FdInfo& old = *core.now.fd;
  Address source = tuple.source;
  Address dest = tuple.dest;
  bool v6 = tuple.family == AddressFamily::Ipv6;
  if (v6 && is_mapped_v4(source.ip) && is_mapped_v4(dest.ip)) {
    source.ip = mapped_v4(source.ip);
    dest.ip = mapped_v4(dest.ip);
    v6 = false;
  }
  if (v6 && old.is_server_socket()) return overlay_server(core, core.edit_fd(), tuple);
  if (v6 && old.kind == FdKind::Ipv4) return overlay_v4(core, core.edit_fd(), tuple, incoming);
  const bool same_kind = old.kind == (v6 ? FdKind::Ipv6 : FdKind::Ipv4);
  if (same_kind && (is_same_tuple(old, source, dest) || is_same_tuple(old, dest, source))) return;
  FdInfo& fd = core.edit_fd();
  if (fd.is_v6() != v6) fd.l4 = L4::Unknown;
  fd.kind = v6 ? FdKind::Ipv6 : FdKind::Ipv4;
  set_tuple(fd, source, dest);
  if (fd.l4 == L4::Unknown) fd.l4 = L4::Udp;
  core.interfaces.fill_missing(fd);
  settle(core, fd, incoming);
}

void update_unix(StateCore& core, const SockTuple& tuple) {
  const FdInfo& old = *core.now.fd;
  const std::string_view name = old.name.view();
  if (old.kind == FdKind::Unix && old.unix_source == tuple.unix_source &&
      old.unix_dest == tuple.unix_dest && name.find("->") != std::string_view::npos &&
      name.ends_with(tuple.path)) {
    return;  // named so already
  }
  FdInfo& fd = core.edit_fd();
  fd.kind = FdKind::Unix;
  fd.unix_source = tuple.unix_source;
  fd.unix_dest = tuple.unix_dest;
  fd.name = core.intern(tuple_text(tuple));
}

void update_from_tuple(StateCore& core, const EventView& event, int index, bool incoming) {
  const FdInfo& fd = *core.now.fd;
  const bool is_tcp = fd.is_ip_socket() && fd.l4 == L4::Tcp;
  if (is_tcp && !fd.name.empty()) return;
  const SockTuple tuple = parse_tuple(event.param(static_cast<size_t>(index)));
  switch (tuple.family) {
    case AddressFamily::None:
    case AddressFamily::Other:
      return;
    case AddressFamily::Unix:
      return update_unix(core, tuple);
    case AddressFamily::Ipv4:
    case AddressFamily::Ipv6:
      return update_ip(core, tuple, incoming);
  }
}

// A socket nobody saw being made: data that was sent over it tells that it is one.
void make_udp_socket(StateCore& core, const EventView& event, int index) {
  const SockTuple tuple = parse_tuple(event.param(static_cast<size_t>(index)));
  if (tuple.family != AddressFamily::Ipv4 && tuple.family != AddressFamily::Ipv6) return;
  const bool v6 = tuple.family == AddressFamily::Ipv6;
  FdInfo* info = core.add_fd(event.get<int64_t>(2, -1), v6 ? FdKind::Ipv6 : FdKind::Ipv4);
  if (info != nullptr) info->l4 = L4::Udp;
}

bool creates_socket(Ev type) {
  return type == Ev::SEND_X || type == Ev::SENDTO_X || type == Ev::SENDMSG_X;
}

// Descriptors that came over a unix socket are known to nobody but /proc.
void look_up_passed(StateCore& core, const EventView& event, size_t index) {
  if (!core.settings.live || !core.settings.find_fd) return;
  if (core.now.fd == nullptr || core.now.fd->kind != FdKind::Unix) return;
  std::vector<int64_t> passed;
  for (Bytes rest = event.param(index); rest.size() >= kControlHeader;) {
    const auto length = load<uint64_t>(rest.data());
    if (length < kControlHeader || length > rest.size()) break;
    if (load<int32_t>(rest.data() + 8) == kSolSocket &&
        load<int32_t>(rest.data() + 12) == kScmRights) {
      for (size_t at = kControlHeader; at + 4 <= length; at += 4) {
        passed.push_back(load<int32_t>(rest.data() + at));
      }
    }
    rest = rest.subspan(std::min<size_t>(rest.size(), (length + 7) & ~uint64_t{7}));
  }
  if (passed.empty() || passed.size() > kPassedFdLimit) return;
  // One by one, within the time that look-ups may take: who has ten thousand others open and sends
  // itself one must not hold up detection. What is not found now is looked up when it is used.
  FoundFds given{core.thread->tid, {}};
  for (const int64_t fd : passed) {
    auto found = core.settings.find_fd(core.fds_holder(*core.thread), fd);
    if (found) given.fds.push_back(*std::move(found));
  }
  if (given.fds.empty()) return;
  core.keep_old_name();
  if (core.settings.on_finding) core.settings.on_finding(given);
  for (const SnapshotFd& fd : given.fds) add_snapshot_fd(core, *core.thread, fd);
  core.now.fd = core.fds(*core.thread).find(core.thread->last_fd);
}

}  // namespace

void on_send(StateCore& core, const EventView& event) {
  const int index = tuple_param(event.type());
  if (core.now.fd == nullptr) {
    if (creates_socket(event.type())) make_udp_socket(core, event, index);
    if (core.now.fd == nullptr) return;
  }
  const FdKind kind = core.now.fd->kind;
  if ((kind == FdKind::Ipv4 || kind == FdKind::Ipv6) && !core.now.fd->connected) {
    core.edit_fd().connected = true;
  }
  if (index >= 0) update_from_tuple(core, event, index, false);
}

void on_receive(StateCore& core, const EventView& event) {
  if (core.now.fd == nullptr) return;
  update_from_tuple(core, event, tuple_param(event.type()), true);
  if (event.type() == Ev::RECVMSG_X) look_up_passed(core, event, 4);
  if (event.type() == Ev::RECVMMSG_X) look_up_passed(core, event, 5);
}

}  // namespace gyr
