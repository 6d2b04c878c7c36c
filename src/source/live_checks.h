// SPDX-License-Identifier: Apache-2.0
// What live capture needs of the host: checked at its start, before the kernel refuses it with a
// bare error number, and told by `gyr doctor` (source/doctor.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/capabilities.h"
#include "base/result.h"
#include "base/system.h"

namespace gyr {

// Where /proc/PID/ns/pid leads for processes of the first pid namespace: its inode is fixed in the
// kernel (PROC_PID_INIT_INO).
inline constexpr std::string_view kInitPidNamespace = "pid:[4026531836]";

struct KernelVersion {
  unsigned long major = 0;
  unsigned long minor = 0;
  bool before(unsigned long a, unsigned long b) const {
    return major < a || (major == a && minor < b);
  }
};
KernelVersion running_kernel();

// One thing that was looked at. The texts are clauses without a full stop.
struct LiveCheck {
  enum class Result : uint8_t {
    Ok,
    Note,   // nothing is lost; good to know
    Loss,   // live capture works, without what `effect` says
    Fault,  // live capture does not work
  };
  std::string name;
  Result result = Result::Ok;
  std::string found;   // what is the case
  std::string effect;  // why it matters, "" when all is well
  std::string remedy;  // what to do about it, "" where nothing can be done
};

// Of this process, from its own /proc.
class OwnStatus {
 public:
  explicit OwnStatus(std::string text) : text_(std::move(text)) {}
  bool has(Capability capability) const;
  std::string_view line(std::string_view key) const;  // "Seccomp:", "" when there is none

 private:
  std::string text_;
};

// Nothing where /proc is not mounted.
std::optional<OwnStatus> own_status();

LiveCheck check_proc();
LiveCheck check_capabilities(const OwnStatus& status);
LiveCheck check_type_information();
// `files`: below HOST_ROOT. `own_pid`, null or where to put our process id as the host counts,
// which differs from getpid() in a pid namespace of its own.
LiveCheck check_host_processes(const Files& files, int64_t* own_pid);

// All of these. Gives our own process id as the host counts, or the first fault as an error.
Result<int64_t> check_live_host(const Files& files);
// Why the kernel did not take the probe: the likely cause of an errno of the load.
Error load_error(int number);

}  // namespace gyr
