// SPDX-License-Identifier: Apache-2.0
#include "source/ring_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/system.h"
#include "source/probe_rings.h"

namespace gyr {
namespace {

constexpr uint64_t kCriticalShare = 4;
constexpr std::string_view kRaise =
    "raise it (systemd: MemoryMax=, Kubernetes: resources.limits.memory, docker: --memory)";

}  // namespace

uint64_t critical_ring_bytes(uint64_t bulk_bytes) {
  return std::max(bulk_bytes / kCriticalShare, kRingBytesMin);
}

uint64_t whole_ring_bytes(uint64_t wanted) {
  uint64_t size = kRingBytesMin;
  while (size < wanted && size < kRingBytesMax) size *= 2;
  return size;
}

uint64_t memory_of_rings(const RingRequest& request) {
  const size_t cpus = std::max<size_t>(request.cpus, 1);
  const uint64_t bulk = whole_ring_bytes(request.ring_bytes);
  return ring_groups(cpus, request.cpus_per_ring) * (bulk + critical_ring_bytes(bulk));
}

Result<RingFit> fit_rings(const RingRequest& wanted, const std::optional<MemoryLimit>& limit) {
  RingFit fit{.ring_bytes = whole_ring_bytes(wanted.ring_bytes), .warning = ""};
  if (!limit) return fit;
  const uint64_t room = limit->bytes > kDetectionBytes ? (limit->bytes - kDetectionBytes) / 2 : 0;
  RingRequest request = wanted;
  request.ring_bytes = fit.ring_bytes;
  while (memory_of_rings(request) > room && request.ring_bytes > kRingBytesMin) {
    request.ring_bytes /= 2;
  }
  const uint64_t least = memory_of_rings(request);
  if (least > room) {
    return Error{fmt::format(
        "the control group allows {} of memory ({}): live detection takes {}, the smallest rings "
        "for {} CPUs {}, and as much again must be left to grow; {}{}",
        in_binary_units(limit->bytes), limit->file, in_binary_units(kDetectionBytes), wanted.cpus,
        in_binary_units(least), kRaise,
        wanted.cpus_per_ring == 0 || wanted.cpus <= wanted.cpus_per_ring
            ? ""
            : ", or let all CPUs share a ring: engine.modern_ebpf.cpus_for_each_buffer=0")};
  }
  if (request.ring_bytes < fit.ring_bytes) {
    fit.warning = fmt::format(
        "rings of {} instead of {}, which overflow sooner: the control group allows {} of memory "
        "({}), and half of what it leaves is for rings; {}, or ask for smaller rings "
        "(engine.modern_ebpf.buf_size_preset, cpus_for_each_buffer)",
        in_binary_units(request.ring_bytes), in_binary_units(fit.ring_bytes),
        in_binary_units(limit->bytes), limit->file, kRaise);
    fit.ring_bytes = request.ring_bytes;
  }
  return fit;
}

std::string in_binary_units(uint64_t bytes) {
  return bytes >> 20 != 0 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

}  // namespace gyr
