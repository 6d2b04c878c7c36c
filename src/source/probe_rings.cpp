// SPDX-License-Identifier: Apache-2.0
#include "source/probe_rings.h"

#include <algorithm>
#include <charconv>

#include "shared.h"
//
#include "base/system.h"

namespace gyr {

size_t ring_groups(size_t online, uint32_t cpus_per_ring) {
  if (cpus_per_ring == 0) return 1;
  return std::max<size_t>((online + cpus_per_ring - 1) / cpus_per_ring, 1);
}

std::vector<CpuPlace> place_cpus(std::span<const uint32_t> online, size_t possible,
                                 uint32_t cpus_per_ring) {
  const size_t each = cpus_per_ring == 0 ? std::max<size_t>(possible, 1) : cpus_per_ring;
  const size_t groups = ring_groups(online.size(), cpus_per_ring);
  const auto place = [](size_t group, size_t within) {
    return CpuPlace{static_cast<uint32_t>(group), static_cast<uint32_t>(within)};
  };
  std::vector<CpuPlace> places(possible);
  for (size_t cpu = 0; cpu < possible; ++cpu) places[cpu] = place(cpu % groups, cpu / groups);
  for (size_t i = 0; i < online.size(); ++i) {
    if (online[i] < possible) places[online[i]] = place(i / each, i % each);
  }
  return places;
}

uint32_t ring_parts(uint64_t bulk_bytes, size_t cpus) {
  constexpr uint64_t kPartMin = 1ul << 20;
  uint32_t parts = 1;
  while (parts < cpus && parts < GYR_RING_PARTS && bulk_bytes / parts / 2 >= kPartMin) parts *= 2;
  return parts;
}

std::vector<uint32_t> parse_cpu_list(std::string_view text) {
  constexpr uint32_t kCpusMax = 65'536;
  std::vector<uint32_t> cpus;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    uint32_t first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc{}) break;
    uint32_t last = first;
    if (read.ptr < end && *read.ptr == '-') {
      read = std::from_chars(read.ptr + 1, end, last);
      if (read.ec != std::errc{}) break;
    }
    for (uint32_t cpu = first; cpu <= std::min(last, kCpusMax); ++cpu) cpus.push_back(cpu);
    at = read.ptr < end && *read.ptr == ',' ? read.ptr + 1 : end;
  }
  return cpus;
}

std::vector<uint32_t> online_cpus() {
  constexpr size_t kFileLimit = 4096;
  const auto list = system_files("")->read("/sys/devices/system/cpu/online", kFileLimit);
  std::vector<uint32_t> cpus = parse_cpu_list(list.value_or(""));
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

void assign_rings(const CpuPlace& place, RingOrder order, gyr_cpu* cpu) {
  cpu->rings.bulk = order.bulk(place.group);
  cpu->rings.critical = order.critical(place.group);
  cpu->rings.parts = order.parts;
  cpu->rings.own = place.within % order.parts;
}

}  // namespace gyr

#if GYR_PROBE

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gyr {

bool can_make_ring(uint64_t bytes) {
  const int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gyr_trial", 0, 0,
                                static_cast<uint32_t>(bytes), nullptr);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

ProbeRings::~ProbeRings() {
  for (const Ring& ring : rings_) close(ring.fd);
}

Result<void> ProbeRings::make(int outer_fd, const RingLayout& layout) {
  auto made = make_all(outer_fd, layout);
  if (made) return made;
  for (uint32_t index = 0; index < rings_.size(); ++index) {
    bpf_map_delete_elem(outer_fd, &index);
    close(rings_[index].fd);
  }
  rings_.clear();
  return made;
}

Result<void> ProbeRings::make_all(int outer_fd, const RingLayout& layout) {
  const size_t all = layout.groups * layout.order.of_group();
  for (uint32_t index = 0; index < all; ++index) {
    const uint64_t bytes = layout.order.is_critical(index) ? layout.critical_bytes
                                                           : layout.bulk_bytes / layout.order.parts;
    const int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "gyr_ring", 0, 0,
                                  static_cast<uint32_t>(bytes), nullptr);
    if (fd < 0) {
      return Error{fmt::format(
          "cannot make ring {} of {}, {} KiB: {}; free memory, raise the memory limit of the "
          "service or container, or let more CPUs share a ring "
          "(engine.modern_ebpf.cpus_for_each_buffer)",
          index + 1, all, bytes >> 10, std::strerror(errno))};
    }
    rings_.push_back({fd, bytes});
    if (bpf_map_update_elem(outer_fd, &index, &fd, BPF_ANY) != 0) {
      return Error{fmt::format("the kernel does not take a ring: {}", std::strerror(errno))};
    }
  }
  return {};
}

Result<std::vector<RingReader>> ProbeRings::open_readers() const {
  std::vector<RingReader> readers;
  for (const Ring& ring : rings_) {
    auto reader = RingReader::open(ring.fd, ring.bytes);
    if (!reader) return reader.error();
    readers.push_back(*std::move(reader));
  }
  return readers;
}

bool ProbeRings::wait(int ms) const {
  std::vector<pollfd> fds;
  for (const Ring& ring : rings_) fds.push_back({.fd = ring.fd, .events = POLLIN, .revents = 0});
  return poll(fds.data(), fds.size(), ms) > 0;
}

}  // namespace gyr

#else

namespace gyr {
bool can_make_ring(uint64_t) { return false; }
}  // namespace gyr

#endif
