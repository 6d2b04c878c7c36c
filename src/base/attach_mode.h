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

}  // namespace gyr
