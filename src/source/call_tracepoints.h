// SPDX-License-Identifier: Apache-2.0
// Tracepoints of single system calls (syscalls/sys_enter_NAME and sys_exit_NAME of tracefs). A
// program at one costs the other calls of the machine less than one at all, and sees no calls of
// 32-bit programs. Only in builds with the probe.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/system.h"
#include "schema/schema.h"

struct bpf_program;

namespace gyr {

class CallTracepoints {
 public:
  enum class Side : uint8_t { Enter, Exit };

  // Looks for tracefs below `host_root` and here; where it is mounted nowhere, it is mounted for
  // this process alone, which needs CAP_SYS_ADMIN. The error is a clause that says what is missing:
  // tracefs, such tracepoints in this kernel, or leave to use them.
  static Result<CallTracepoints> open(const std::string& host_root);

  // `program` (of type tracepoint) runs at that side of the call until the descriptor that is
  // returned is closed, which takes some 60 ms. An error when the kernel has no such tracepoint, as
  // is so for calls that it was built without.
  Result<int> attach(const bpf_program* program, const ScInfo& call, Side side) const;

  // The same at the exit of every call, those of 32-bit programs among them.
  Result<int> attach_to_all(const bpf_program* program) const;

  CallTracepoints(CallTracepoints&& other) noexcept;
  CallTracepoints& operator=(CallTracepoints&&) = delete;
  ~CallTracepoints();

 private:
  CallTracepoints() = default;
  bool holds_calls(std::string folder);
  Result<int> open_event(const std::string& name) const;
  Result<int> attach(const bpf_program* program, const std::string& name) const;

  std::unique_ptr<Files> files_ = system_files("");
  std::string folder_;  // of all tracepoints
  int mount_ = -1;      // the tracefs of our own, -1: none
};

// One program at one side of a set of calls that changes. Takes a descriptor for each call.
class CallHooks {
 public:
  CallHooks(CallTracepoints tracepoints, CallTracepoints::Side side)
      : tracepoints_(std::move(tracepoints)), side_(side) {}
  CallHooks(CallHooks&&) = delete;
  ~CallHooks();  // waits until the kernel has let go of all

  // From now on the program runs at these calls and, soon, at no others: a thread of its own lets
  // go of them; if it still does so since the last time, that is waited for. Returns the names of
  // those that it cannot run at.
  std::vector<std::string> follow(const bpf_program* program, std::span<const Sc> calls);
  bool empty() const { return events_.empty(); }

 private:
  const CallTracepoints tracepoints_;
  const CallTracepoints::Side side_;
  std::map<Sc, int> events_;  // descriptors
  std::thread closer_;
};

}  // namespace gyr
