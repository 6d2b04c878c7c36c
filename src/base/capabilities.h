// SPDX-License-Identifier: Apache-2.0
// Linux capabilities (capabilities(7)) of the calling thread. The kernel keeps them by thread: what
// one gives up, others keep; a new thread begins with those of the one that made it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/result.h"

namespace gyr {

// Those that we name; the numbers are the kernel's.
enum class Capability : uint8_t {
  DacOverride = 1,
  DacReadSearch = 2,
  SysPtrace = 19,
  SysAdmin = 21,
  SysResource = 24,
  Perfmon = 38,
  Bpf = 39,
};
// "CAP_BPF".
const char* capability_name(Capability capability);

// A set of them.
class Capabilities {
 public:
  constexpr Capabilities() = default;
  constexpr Capabilities(std::initializer_list<Capability> all) {
    for (const Capability each : all) add(each);
  }
  static constexpr Capabilities of_bits(uint64_t bits) {
    Capabilities set;
    set.bits_ = bits;
    return set;
  }

  constexpr void add(Capability capability) { bits_ |= bit(capability); }
  constexpr bool has(Capability capability) const { return (bits_ & bit(capability)) != 0; }
  constexpr bool has_number(unsigned number) const { return (bits_ >> number & 1) != 0; }
  constexpr uint64_t bits() const { return bits_; }
  constexpr Capabilities operator&(Capabilities other) const {
    return of_bits(bits_ & other.bits_);
  }
  constexpr Capabilities operator|(Capabilities other) const {
    return of_bits(bits_ | other.bits_);
  }
  constexpr Capabilities without(Capabilities others) const {
    return of_bits(bits_ & ~others.bits_);
  }
  bool operator==(const Capabilities&) const = default;

 private:
  static constexpr uint64_t bit(Capability capability) {
    return uint64_t{1} << static_cast<unsigned>(capability);
  }
  uint64_t bits_ = 0;  // by the kernel's numbers
};

// What the calling thread may use.
Capabilities permitted_capabilities();

// Whether `works` says so while `away` are not in effect for the calling thread.
bool works_without(Capabilities away, const std::function<bool()>& works);
// Whether a file can be used as `mode` (R_OK and its like) says, by the user and the capabilities
// that are in effect, as when it is opened: access() asks for the real user, without those that a
// service was given (AmbientCapabilities). If not, errno says why.
bool may_use(const std::string& path, int mode);
// What it takes to read these files, or to make files in these folders, where their permissions
// alone do not allow it and the calling thread may do it now: one capability, or none.
Capabilities needed_to_read(const std::vector<std::string>& files);
Capabilities needed_to_write_in(const std::vector<std::string>& folders);

// For the calling thread, and those that it makes from then on: of what it has only `kept` stays
// permitted, all of that in effect; nothing is inherited by programs that it starts, and they gain
// nothing (no_new_privs). The bounding set becomes `kept` too, if the thread has CAP_SETPCAP.
// There is no way back. Fails only where the kernel forbids system calls.
Result<void> keep_only(Capabilities kept);

}  // namespace gyr
