// SPDX-License-Identifier: Apache-2.0
// Where the probe meets the exits of calls (docs/live.md#attach-mode), and which of its programs is
// for that. Only in builds with the probe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/attach_mode.h"
#include "base/result.h"
#include "source/call_tracepoints.h"

struct bpf_link;
struct gyr_probe;

namespace gyr {

class KernelTypes;

class CallExits {
 public:
  // Takes the best way that seems possible. `preempted`: the kernel preempts programs at raw
  // tracepoints (Linux 7.0). `warnings` are told, once each, what is not seen and why the way is
  // not the one asked for.
  CallExits(AttachMode mode, bool preempted, const std::string& host_root,
            const KernelTypes& kernel, std::vector<std::string>* warnings);
  CallExits(const CallExits&) = delete;
  CallExits& operator=(const CallExits&) = delete;
  ~CallExits();

  // Of the probe's programs for exits the one that is needed.
  const char* program() const;
  // The kernel has refused that program: whether there is another way, which is taken then.
  bool take_next();
  Result<void> attach(const gyr_probe& probe);
  // The table of calls has changed since.
  void follow(const gyr_probe& probe);

 private:
  enum class Way : uint8_t {
    Raw,    // at a raw tracepoint that every call comes by
    Held,   // at a tracepoint that every call comes by, while the kernel holds the CPU
    Single  // at the tracepoints of wanted calls
  };
  void warn(const char* what, const std::string& why);

  const AttachMode mode_;
  Way way_ = Way::Raw;
  const bool runs_32bit_;
  std::optional<CallTracepoints> tracepoints_;  // Held
  std::optional<CallHooks> hooks_;              // Single
  int event_ = -1;                              // of the attached program: Held
  bpf_link* link_ = nullptr;                    // Raw
  std::vector<std::string>& warnings_;
};

}  // namespace gyr
