// SPDX-License-Identifier: Apache-2.0
// Names of error numbers, signals and capabilities of Linux, as asm-generic defines them.
#pragma once

#include <cstdint>
#include <string_view>

namespace gyr {

// "ENOENT" for 2. "<Unknown>" for numbers that are no error.
std::string_view errno_name(uint64_t error);
// "SIGTERM" for 15; empty if there is no such signal.
std::string_view signal_name(uint64_t signal);
// "CAP_KILL" for 5; empty beyond the last.
inline constexpr unsigned kCapabilityCount = 41;
std::string_view capability_name(unsigned bit);

}  // namespace gyr
