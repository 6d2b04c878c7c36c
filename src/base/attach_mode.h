// SPDX-License-Identifier: Apache-2.0
// How the probe is attached to system calls (docs/live.md): a setting of live capture.
#pragma once

#include <cstdint>

namespace gyr {

enum class AttachMode : uint8_t {
  Auto,  // PerSyscall where the kernel runs no 32-bit programs and has what it takes, else Raw
  Raw,   // at the exit of every call; those that nobody wants cost some 25 ns
  PerSyscall,  // at the exits of wanted calls; the others cost less, 32-bit calls are not seen
};

// Whether the mode wants single calls hooked, on a kernel that runs 32-bit programs or does not.
constexpr bool hooks_single_calls(AttachMode mode, bool runs_32bit_programs) {
  return mode == AttachMode::PerSyscall || (mode == AttachMode::Auto && !runs_32bit_programs);
}

}  // namespace gyr
