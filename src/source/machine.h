// SPDX-License-Identifier: Apache-2.0
// What differs between the machines live capture runs on: numbers of calls and of open flags. The
// kernel's side of it is probe/machine_*.h.
#pragma once

#include <cstdint>

#include "schema/schema.h"

namespace gyr {

#if defined(__aarch64__)
inline constexpr bool kMaps32BitCalls = false;  // calls of 32-bit programs are only counted
inline constexpr bool kTypedProbe = false;  // it could not tell of a task that is not the current
inline constexpr uint32_t kLargefile = 0400000;
inline const ScInfo* syscall_of_machine(int number) { return syscall_of_aarch64(number); }
inline int machine_number(const ScInfo& info) { return info.aarch64; }
#else
inline constexpr bool kMaps32BitCalls = true;
inline constexpr bool kTypedProbe = true;
inline constexpr uint32_t kLargefile = 0100000;
inline const ScInfo* syscall_of_machine(int number) { return syscall_of_x86_64(number); }
inline int machine_number(const ScInfo& info) { return info.x86_64; }
#endif

}  // namespace gyr
