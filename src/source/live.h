// SPDX-License-Identifier: Apache-2.0
// Live events: loads the eBPF probe (probe/), attaches it, hands out its records in order of time.
// The probe is attached when open_live() returns; take_snapshot() then looks at the host
// (host_look.h), and next() gives what happened meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/attach_mode.h"
#include "base/log.h"
#include "base/result.h"
#include "schema/schema.h"
#include "source/host_look.h"
#include "source/source.h"

namespace gyr {

// Bytes of a buffer that one event may carry at most (GYR_SNAPLEN_MAX of the probe).
inline constexpr uint32_t kSnaplenMax = 16000;

struct LiveSettings {
  std::vector<Sc> syscalls;  // what is collected; SCHED_PROCESS_EXIT among them
  uint32_t snaplen = 80;     // bytes of a buffer an event carries, at most kSnaplenMax
  // Of a ring for bulk events, one for each `cpus_per_ring` CPUs (0: one for all), rounded up to a
  // power of two, at least 64 KiB. That for critical events (schema/critical.def) has a quarter.
  uint64_t ring_bytes = 8ull << 20;
  uint32_t cpus_per_ring = 2;
  AttachMode attach_mode = AttachMode::Auto;
  // Calls that fail are dropped in the kernel, connections that are begun (EINPROGRESS) excepted.
  bool drop_failed = false;
  bool preempted = false;  // for tests: as if the kernel preempted programs, as Linux 7.0 does
  // Tell the path of each opened file as the kernel resolved it (Record::note).
  bool real_paths = false;
  // Of these calls compare texts and addresses at entry and exit; a change marks the event. While
  // any of them is collected, every call on the machine costs more (docs/performance.md).
  std::vector<Sc> compared;
  Logger library_log;     // what libbpf says while the probe is loaded and attached; null: nothing
  std::string hostname;   // evt.hostname; "" for what this machine calls itself
  std::string host_root;  // where the host's file system is mounted, "" for here
  std::vector<std::string> spoilt;  // for tests: programs of the probe that the kernel shall refuse
  // How threads and descriptors are listed at the start and after losses.
  IteratorUse iterators = IteratorUse::Auto;
  bool typed = true;  // load fields directly where the kernel can (5.11); false: as if it could not
};

// A program of the probe that live capture can do without.
struct LiveFeature {
  std::string program;
  std::string cost;     // of not having it: "the end of processes is not seen"
  std::string refusal;  // why the kernel does not have it; "" while it works or was not asked for
};

class LiveSource : public Source {
 public:
  // What could not be loaded or attached and what that costs, one sentence each.
  virtual const std::vector<std::string>& warnings() const = 0;
  virtual std::vector<LiveFeature> features() const { return {}; }
  // Our own process, whose calls are not collected, as the host counts.
  virtual int64_t own_pid() const = 0;
};

// An error names the missing privilege or kernel feature and says what works without it.
Result<std::unique_ptr<LiveSource>> open_live(const LiveSettings& settings);

// Whether the probe collects the call: as an event of its own, or as the generic one.
bool is_collected(Sc sc);

}  // namespace gyr
