// SPDX-License-Identifier: Apache-2.0
// Socket addresses and tuples as events carry them, their texts, and the host's interfaces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "state/fd.h"
#include "state/state.h"

namespace gyr {

enum class AddressFamily : uint8_t { None = 0, Unix = 1, Ipv4 = 2, Ipv6 = 10, Other = 255 };

struct Address {
  std::array<uint8_t, 16> ip{};  // network byte order; IPv4: first four bytes
  uint16_t port = 0;
};

// A SOCKADDR parameter. AddressFamily None: missing or too short.
struct SockAddr {
  AddressFamily family = AddressFamily::None;
  uint8_t raw_family = 0;
  Address address;
  std::string_view path;  // Unix; valid as long as the event
};
SockAddr parse_sockaddr(Bytes bytes);

// A SOCKTUPLE parameter. AddressFamily None: missing or too short.
struct SockTuple {
  AddressFamily family = AddressFamily::None;
  Address source, dest;
  uint64_t unix_source = 0, unix_dest = 0;
  std::string_view path;  // Unix; valid as long as the event
};
SockTuple parse_tuple(Bytes bytes);

// IPv6 with an IPv4 address inside, or all zero (which the reference takes for IPv4 too).
bool is_mapped_v4(const std::array<uint8_t, 16>& ip);
std::array<uint8_t, 16> mapped_v4(const std::array<uint8_t, 16>& ip);
bool is_zero(const std::array<uint8_t, 16>& ip, bool v6);

// As rendered parameters show them: "NULL" or "<NA>" when there is nothing to show.
std::string tuple_text(const SockTuple& tuple);
std::string sockaddr_text(const SockAddr& address);

class Interfaces {
 public:
  void add(InterfaceInfo info);
  void clear() { all_.clear(); }
  const std::vector<InterfaceInfo>& all() const { return all_; }
  // Puts this host's address where a tuple has none (state-engine 7).
  void fill_missing(FdInfo& fd) const;
  bool is_local(const IpAddress& address) const;

 private:
  static constexpr size_t kLimit = 4096;
  std::array<uint8_t, 16> local_towards(const std::array<uint8_t, 16>& peer, bool v6) const;
  std::vector<InterfaceInfo> all_;
};

}  // namespace gyr
