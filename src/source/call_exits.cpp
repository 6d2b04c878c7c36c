// SPDX-License-Identifier: Apache-2.0
#include "source/call_exits.h"

#if GYR_PROBE

#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shared.h"
//
#include "base/add_once.h"
#include "base/text.h"
#include "gyr_probe.skel.h"
#include "source/kernel_types.h"
#include "source/live_checks.h"
#include "source/machine.h"

namespace gyr {
namespace {

constexpr const char* kNotSingle = "attach mode per_syscall is not possible, raw takes its place: ";
constexpr const char* kMaySkip =
    "the kernel (Linux 7.0 and newer) skips the probe at some calls when the machine is busy: ";

std::vector<Sc> wanted_calls(const gyr_probe& probe) {
  std::vector<Sc> wanted;
  for (int number = 0; number < GYR_CALLS; ++number) {
    if (probe.bss->calls[0][number].event) wanted.push_back(syscall_of_machine(number)->sc);
  }
  return wanted;
}

}  // namespace

CallExits::CallExits(AttachMode mode, bool preempted, const std::string& host_root,
                     const KernelTypes& kernel, std::vector<std::string>* warnings)
    : mode_(mode), runs_32bit_(kernel.runs_32bit_programs()), warnings_(*warnings) {
  const bool single = hooks_single_calls(mode, runs_32bit_);
  if (!single && !preempted) return;
  auto tracepoints = CallTracepoints::open(host_root);
  if (!tracepoints) {
    if (mode == AttachMode::PerSyscall) warn(kNotSingle, tracepoints.error().message);
    if (preempted) warn(kMaySkip, tracepoints.error().message);
  } else if (single) {
    way_ = Way::Single;
    hooks_.emplace(*std::move(tracepoints), CallTracepoints::Side::Exit);
  } else {
    way_ = Way::Held;
    tracepoints_.emplace(*std::move(tracepoints));
  }
}

CallExits::~CallExits() {
  if (event_ >= 0) ::close(event_);
  bpf_link__destroy(link_);
}

const char* CallExits::program() const {
  if (way_ == Way::Raw) return "sys_exit";
  return way_ == Way::Held ? "held_exit" : "call_exit";
}

bool CallExits::take_next() {
  if (way_ == Way::Raw) return false;
  const char* const lost = way_ == Way::Held ? kMaySkip : kNotSingle;
  if (way_ == Way::Held || mode_ == AttachMode::PerSyscall) {
    warn(lost, "the kernel refused the program");
  }
  way_ = Way::Raw;
  return true;
}

Result<void> CallExits::attach(const gyr_probe& probe) {
  if (way_ == Way::Single) {
    if (runs_32bit_) warn("attach mode per_syscall: calls of 32-bit programs are not seen", "");
    follow(probe);
    if (hooks_->empty() && !wanted_calls(probe).empty()) {
      return Error{"no system call could be hooked at its tracepoint"};
    }
  } else if (way_ == Way::Held) {
    const auto event = tracepoints_->attach_to_all(probe.progs.held_exit);
    if (!event) return event.error();
    event_ = *event;
  } else {
    link_ = bpf_program__attach(probe.progs.sys_exit);
    if (link_ == nullptr) return load_error(errno);
  }
  return {};
}

void CallExits::follow(const gyr_probe& probe) {
  if (way_ != Way::Single) return;
  const auto unseen = hooks_->follow(probe.progs.call_exit, wanted_calls(probe));
  if (unseen.empty()) return;
  warn("attach mode per_syscall: calls without a tracepoint in this kernel are not seen: ",
       join(unseen, ", "));
}

void CallExits::warn(const char* what, const std::string& why) { add_once(&warnings_, what + why); }

}  // namespace gyr

#endif
