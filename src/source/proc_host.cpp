// SPDX-License-Identifier: Apache-2.0
#include "source/proc_host.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace gyr {
namespace {

void copy_address(const sockaddr* from, bool v6, std::array<uint8_t, 16>* to) {
  if (!from) return;
  if (v6) {
    std::memcpy(to->data(), &reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr, 16);
  } else {
    std::memcpy(to->data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
  }
}

}  // namespace

// The clocks cannot be read at once: of some tries the one that was interrupted least counts.
uint64_t boot_time_ns() {
  constexpr int kTries = 5;
  uint64_t least = UINT64_MAX;
  uint64_t boot = 0;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t before = clock_ns(CLOCK_BOOTTIME);
    const uint64_t now = clock_ns(CLOCK_REALTIME);
    const uint64_t between = clock_ns(CLOCK_BOOTTIME) - before;
    if (between >= least) continue;
    least = between;
    boot = now - before - between / 2;
  }
  return boot;
}

uint64_t since_boot_ns() { return clock_ns(CLOCK_BOOTTIME); }

MachineInfo read_machine(const Files& files) {
  MachineInfo machine;
  machine.num_cpus = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  machine.memory_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (const auto text = files.read("/proc/sys/kernel/pid_max", 64)) {
    const std::string_view digits = trim(*text);
    std::from_chars(digits.data(), digits.data() + digits.size(), machine.max_pid);
  }
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) machine.hostname = name.data();
  machine.boot_ts_ns = boot_time_ns();
  return machine;
}

Result<Snapshot> on_host_named(Result<Snapshot> snapshot, const std::string& name) {
  if (snapshot && !name.empty()) snapshot->machine.hostname = name;
  return snapshot;
}

std::vector<SnapshotInterface> read_interfaces() {
  std::vector<SnapshotInterface> found;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return found;
  for (const ifaddrs* at = list; at; at = at->ifa_next) {
    if (!at->ifa_addr) continue;
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    SnapshotInterface one;
    one.name = at->ifa_name;
    one.v6 = family == AF_INET6;
    copy_address(at->ifa_addr, one.v6, &one.address);
    copy_address(at->ifa_netmask, one.v6, &one.netmask);
    if (!one.v6) copy_address(at->ifa_broadaddr, one.v6, &one.broadcast);
    found.push_back(one);
  }
  freeifaddrs(list);
  return found;
}

}  // namespace gyr
