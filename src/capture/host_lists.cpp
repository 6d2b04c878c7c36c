// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "capture/format.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

// Kinds of interface entries.
constexpr uint16_t kIpv4 = 1;
constexpr uint16_t kIpv6 = 2;
constexpr uint16_t kIpv4NoSpeed = 3;
constexpr uint16_t kIpv6NoSpeed = 4;
// Kinds of user entries.
constexpr uint8_t kUser = 0;
constexpr uint8_t kGroup = 1;

void read_address(EntryReader& in, std::array<uint8_t, 16>& address, size_t size) {
  const Bytes bytes = in.take(size);
  std::copy(bytes.begin(), bytes.end(), address.begin());
}

}  // namespace

MachineInfo read_machine(EntryReader& in) {
  MachineInfo machine;
  machine.num_cpus = in.read<uint32_t>();
  machine.memory_bytes = in.read<uint64_t>();
  machine.max_pid = in.read<uint64_t>();
  const std::string_view hostname = as_text(in.take(kHostnameSize));
  machine.hostname = hostname.substr(0, hostname.find('\0'));
  machine.boot_ts_ns = in.read<uint64_t>();
  machine.flags = in.read<uint64_t>();
  in.take(2 * sizeof(uint64_t));  // reserved
  return machine;
}

void write_machine(EntryWriter& out, const MachineInfo& machine) {
  out.put(machine.num_cpus);
  out.put(machine.memory_bytes);
  out.put(machine.max_pid);
  // The last byte stays NUL.
  const size_t size = std::min(machine.hostname.size(), kHostnameSize - 1);
  out.put_bytes(as_bytes(machine.hostname).first(size));
  out.zeros(kHostnameSize - size);
  out.put(machine.boot_ts_ns);
  out.put(machine.flags);
  out.zeros(2 * sizeof(uint64_t));
}

InterfaceEntry read_interface(EntryReader& in, uint8_t version) {
  const auto kind = in.read<uint16_t>();
  if (kind < kIpv4 || kind > kIpv6NoSpeed) {
    if (version < 2) in.fail(fmt::format("its interface is of the unknown kind {}", kind));
    return {};
  }
  SnapshotInterface interface;
  interface.v6 = kind == kIpv6 || kind == kIpv6NoSpeed;
  interface.has_linkspeed = kind == kIpv4 || kind == kIpv6;
  const auto name_size = in.read<uint16_t>();
  const size_t size = interface.v6 ? 16 : 4;
  read_address(in, interface.address, size);
  read_address(in, interface.netmask, size);
  read_address(in, interface.broadcast, size);
  if (interface.has_linkspeed) interface.linkspeed = in.read<uint64_t>();
  interface.name = as_text(in.take(name_size));
  return interface;
}

void write_interface(EntryWriter& out, const SnapshotInterface& interface) {
  const uint16_t with_speed = interface.v6 ? kIpv6 : kIpv4;
  const uint16_t without_speed = interface.v6 ? kIpv6NoSpeed : kIpv4NoSpeed;
  out.put(interface.has_linkspeed ? with_speed : without_speed);
  const std::string_view name = std::string_view(interface.name).substr(0, kMaxPath);
  out.put(static_cast<uint16_t>(name.size()));
  const size_t size = interface.v6 ? 16 : 4;
  out.put_bytes(Bytes(interface.address).first(size));
  out.put_bytes(Bytes(interface.netmask).first(size));
  out.put_bytes(Bytes(interface.broadcast).first(size));
  if (interface.has_linkspeed) out.put(interface.linkspeed);
  out.put_bytes(as_bytes(name));
}

UserEntry read_user(EntryReader& in, uint8_t version) {
  const auto kind = in.read<uint8_t>();
  if (kind == kUser) {
    SnapshotUser user;
    user.uid = in.read<uint32_t>();
    user.gid = in.read<uint32_t>();
    user.name = in.text(kMaxUserText, "the user's name");
    user.home = in.text(kMaxUserText, "the user's home");
    user.shell = in.text(kMaxUserText, "the user's shell");
    return user;
  }
  if (kind == kGroup) {
    SnapshotGroup group;
    group.gid = in.read<uint32_t>();
    group.name = in.text(kMaxUserText, "the group's name");
    return group;
  }
  if (version < 2) in.fail(fmt::format("it is of the unknown kind {}", kind));
  return {};
}

void write_user(EntryWriter& out, const SnapshotUser& user) {
  out.put(kUser);
  out.put(user.uid);
  out.put(user.gid);
  out.text(user.name, kMaxUserText);
  out.text(user.home, kMaxUserText);
  out.text(user.shell, kMaxUserText);
}

void write_group(EntryWriter& out, const SnapshotGroup& group) {
  out.put(kGroup);
  out.put(group.gid);
  out.text(group.name, kMaxUserText);
}

}  // namespace gyr::capture
