// SPDX-License-Identifier: Apache-2.0
#include "state/network.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace gyr {
namespace {

using Ip = std::array<uint8_t, 16>;

constexpr size_t kUnixPathLimit = 108;

// Text of bounded length, made without allocation: sockets are named on every connection.
class NameBuffer {
 public:
  NameBuffer& text(std::string_view part) {
    part = part.substr(0, bytes_.size() - size_);
    std::copy(part.begin(), part.end(), bytes_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += part.size();
    return *this;
  }
  NameBuffer& number(uint64_t value, int base = 10) {
    char* const end = bytes_.data() + bytes_.size();
    const auto [at, error] = std::to_chars(bytes_.data() + size_, end, value, base);
    if (error == std::errc()) size_ = static_cast<size_t>(at - bytes_.data());
    return *this;
  }
  NameBuffer& octet(uint8_t value) {
    if (value >= 100) put(static_cast<char>('0' + value / 100));
    if (value >= 10) put(static_cast<char>('0' + value / 10 % 10));
    return put(static_cast<char>('0' + value % 10));
  }
  NameBuffer& ip(const Ip& ip, bool v6) {
    if (v6) return text(ip_text(IpAddress{ip, true}));
    return octet(ip[0]).put('.').octet(ip[1]).put('.').octet(ip[2]).put('.').octet(ip[3]);
  }
  NameBuffer& end(const Address& address, bool v6) {
    return ip(address.ip, v6).put(':').number(address.port);
  }
  NameBuffer& ends(const Address& source, const Address& dest, bool v6) {
    return end(source, v6).text("->").end(dest, v6);
  }
  NameBuffer& mapped_ends(const Address& source, const Address& dest) {
    return ends({mapped_v4(source.ip), source.port}, {mapped_v4(dest.ip), dest.port}, false);
  }
  std::string str() const { return {bytes_.data(), size_}; }

 private:
  NameBuffer& put(char c) {
    if (size_ < bytes_.size()) bytes_[size_++] = c;
    return *this;
  }

  std::array<char, 256> bytes_;  // two addresses, or two pointers and a path
  size_t size_ = 0;
};

std::string_view until_nul(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  return text.substr(0, text.find('\0'));
}

Address read_address(ByteReader& reader, bool v6) {
  Address address;
  const Bytes ip = reader.take(v6 ? 16 : 4);
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  address.port = reader.read<uint16_t>();
  return address;
}

bool is_loopback(const InterfaceInfo& info) {
  if (!info.v6) return info.address[0] == 127;
  Ip loopback{};
  loopback[15] = 1;
  return info.address == loopback;
}

bool same_subnet(const InterfaceInfo& info, const Ip& ip) {
  if (info.v6) return std::equal(ip.begin(), ip.begin() + 8, info.address.begin());
  for (size_t i = 0; i < 4; ++i) {
    if ((ip[i] & info.netmask[i]) != (info.address[i] & info.netmask[i])) return false;
  }
  return true;
}

}  // namespace

std::string ip_text(const IpAddress& address) {
  const auto& b = address.bytes;
  if (!address.v6) return fmt::format("{}.{}.{}.{}", b[0], b[1], b[2], b[3]);
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(AF_INET6, b.data(), text.data(), text.size()) == nullptr ? std::string()
                                                                            : text.data();
}

SockAddr parse_sockaddr(Bytes bytes) {
  SockAddr result;
  if (bytes.empty()) return result;
  ByteReader reader(bytes);
  result.raw_family = reader.read<uint8_t>();
  switch (result.raw_family) {
    case 1:
      result.family = AddressFamily::Unix;
      result.path = until_nul(bytes.subspan(1));
      return result;
    case 2:
    case 10:
      result.address = read_address(reader, result.raw_family == 10);
      result.family = result.raw_family == 10 ? AddressFamily::Ipv6 : AddressFamily::Ipv4;
      break;
    default:
      result.family = AddressFamily::Other;
      return result;
  }
  if (!reader.ok()) result = {};
  return result;
}

SockTuple parse_tuple(Bytes bytes) {
  SockTuple result;
  if (bytes.empty()) return result;
  ByteReader reader(bytes);
  const auto family = reader.read<uint8_t>();
  if (family == 2 || family == 10) {
    result.family = family == 10 ? AddressFamily::Ipv6 : AddressFamily::Ipv4;
    result.source = read_address(reader, family == 10);
    result.dest = read_address(reader, family == 10);
  } else if (family == 1) {
    result.family = AddressFamily::Unix;
    result.unix_source = reader.read<uint64_t>();
    result.unix_dest = reader.read<uint64_t>();
    if (reader.ok()) {
      result.path = until_nul(bytes.subspan(reader.offset())).substr(0, kUnixPathLimit);
    }
  } else {
    result.family = AddressFamily::Other;
  }
  if (!reader.ok()) result = {};
  return result;
}

bool is_mapped_v4(const Ip& ip) {
  if (!std::all_of(ip.begin(), ip.begin() + 10, [](uint8_t byte) { return byte == 0; })) {
    return false;
  }
  if (ip[10] == 0xff && ip[11] == 0xff) return true;
  return std::all_of(ip.begin() + 10, ip.end(), [](uint8_t byte) { return byte == 0; });
}

Ip mapped_v4(const Ip& ip) {
  Ip result{};
  std::copy(ip.begin() + 12, ip.end(), result.begin());
  return result;
}

bool is_zero(const Ip& ip, bool v6) {
  return std::all_of(ip.begin(), ip.begin() + (v6 ? 16 : 4),
                     [](uint8_t byte) { return byte == 0; });
}

std::string tuple_text(const SockTuple& tuple) {
  NameBuffer name;
  switch (tuple.family) {
    case AddressFamily::None:
    case AddressFamily::Other:
      return "NULL";
    case AddressFamily::Unix:
      name.number(tuple.unix_source, 16).text("->").number(tuple.unix_dest, 16).text(" ");
      return name.text(tuple.path).str();
    case AddressFamily::Ipv4:
      return name.ends(tuple.source, tuple.dest, false).str();
    case AddressFamily::Ipv6:
      break;
  }
  if (is_mapped_v4(tuple.source.ip) && is_mapped_v4(tuple.dest.ip)) {
    return name.mapped_ends(tuple.source, tuple.dest).str();
  }
  return name.ends(tuple.source, tuple.dest, true).str();
}

std::string sockaddr_text(const SockAddr& address) {
  switch (address.family) {
    case AddressFamily::None:
      return "<NA>";
    case AddressFamily::Unix:
      return std::string(address.path);
    case AddressFamily::Ipv4:
    case AddressFamily::Ipv6:
      return NameBuffer().end(address.address, address.family == AddressFamily::Ipv6).str();
    case AddressFamily::Other:
      break;
  }
  return NameBuffer().text("family ").number(address.raw_family).str();
}

std::string socket_name(const FdInfo& fd) {
  const Address source{fd.source_ip, fd.source_port};
  const Address dest{fd.dest_ip, fd.dest_port};
  const bool v6 = fd.is_v6();
  NameBuffer name;
  if (fd.is_server_socket()) return name.end(source, v6).str();
  if (fd.kind != FdKind::Ipv4 && fd.kind != FdKind::Ipv6) return std::string(fd.name.view());
  if (v6 && is_mapped_v4(source.ip) && is_mapped_v4(dest.ip)) {
    return name.mapped_ends(source, dest).str();
  }
  if (fd.l4 == L4::Tcp || fd.l4 == L4::Udp) return name.ends(source, dest, v6).str();
  const bool portless = fd.l4 == L4::Icmp || (fd.l4 == L4::Raw && !v6);
  if (portless) return name.ip(source.ip, v6).text("->").ip(dest.ip, v6).str();
  return "<unknown>";
}

void Interfaces::add(InterfaceInfo info) {
  if (all_.size() < kLimit) all_.push_back(std::move(info));
}

Ip Interfaces::local_towards(const Ip& peer, bool v6) const {
  const InterfaceInfo* best = nullptr;
  int best_rank = 4;
  for (const InterfaceInfo& info : all_) {
    if (info.v6 != v6) continue;
    const bool same = std::equal(peer.begin(), peer.begin() + (v6 ? 16 : 4), info.address.begin());
    const int rank = same ? 0 : same_subnet(info, peer) ? 1 : is_loopback(info) ? 3 : 2;
    if (rank < 3 && rank < best_rank) {
      best = &info;
      best_rank = rank;
    }
  }
  return best != nullptr ? best->address : Ip{};
}

void Interfaces::fill_missing(FdInfo& fd) const {
  const bool v6 = fd.is_v6();
  const bool no_source = is_zero(fd.source_ip, v6);
  const bool no_dest = is_zero(fd.dest_ip, v6);
  if (no_source == no_dest) return;
  Ip& missing = no_source ? fd.source_ip : fd.dest_ip;
  const Ip& known = no_source ? fd.dest_ip : fd.source_ip;
  const Ip found = local_towards(known, v6);
  if (is_zero(found, v6)) return;
  if (found == known && fd.source_port == fd.dest_port) return;
  missing = found;
}

bool Interfaces::is_local(const IpAddress& address) const {
  const ptrdiff_t size = address.v6 ? 8 : 4;  // IPv6: the network part
  return std::any_of(all_.begin(), all_.end(), [&](const InterfaceInfo& info) {
    return info.v6 == address.v6 &&
           std::equal(info.address.begin(), info.address.begin() + size, address.bytes.begin());
  });
}

}  // namespace gyr
