// SPDX-License-Identifier: Apache-2.0
// Live events without eBPF: follows a command that it starts, or running processes with their
// threads and descendants, by ptrace(2). The same rows, the same records as the probe's
// (docs/ptrace.md tells what user space cannot know).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "schema/schema.h"
#include "source/live.h"

namespace gyr {

struct PtraceSettings {
  std::vector<Sc> syscalls;          // what is collected
  uint32_t snaplen = 80;             // bytes of a buffer an event carries, at most kSnaplenMax
  std::vector<std::string> command;  // to start, with its arguments; or
  std::vector<int64_t> pids;         // processes to attach to, as our own /proc counts
  std::string hostname{};            // evt.hostname; "" for what this machine calls itself
  bool every_call_stops = false;     // as where the kernel has no seccomp filters
  // Asked now and then: the signal that the command shall get because the user wants an end; 0: the
  // terminal has sent it already. Attached processes are let go instead. Empty: never.
  std::function<std::optional<int>()> end_signal;
  uint64_t duration_ns = 0;  // then the command is ended (SIGTERM, 5 s later SIGKILL); 0: never
};

class PtraceSource : public LiveSource {
 public:
  // Of the command, or of the first process attached to, as waitpid(2) gives it; empty before its
  // end.
  virtual std::optional<int> command_status() const = 0;
};

// The command's program has started, the processes are attached to when this returns; what they do
// waits for next(). Everything must be called from this thread, which must not have children of its
// own and should have SIGCHLD blocked in all threads of the process (else events may come 50 ms
// late). An error names the process and says what forbids it.
Result<std::unique_ptr<PtraceSource>> open_ptrace(PtraceSettings settings);

}  // namespace gyr
