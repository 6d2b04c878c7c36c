// SPDX-License-Identifier: Apache-2.0
// Spans of time as the configuration writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gyr {

inline constexpr uint64_t kIntervalMinMs = 100;
inline constexpr uint64_t kIntervalMaxMs = 100ull * 31'536'000'000;  // fits as nanoseconds

// "1h", "1m30s": numbers with units (y w d h m s ms; a year has 365 days), each unit once and the
// larger ones first. Nothing for other text, and for less than kIntervalMinMs; what is
// more than kIntervalMaxMs is that.
std::optional<uint64_t> parse_interval_ms(std::string_view text);

}  // namespace gyr
