// SPDX-License-Identifier: Apache-2.0
#include "config/interval.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gyr {

std::optional<uint64_t> parse_interval_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    uint64_t ms;
  };
  constexpr std::array<Unit, 7> kUnits = {{{"y", 31'536'000'000},
                                           {"w", 604'800'000},
                                           {"d", 86'400'000},
                                           {"h", 3'600'000},
                                           {"m", 60'000},
                                           {"s", 1'000},
                                           {"ms", 1}}};
  constexpr uint64_t kMost = 1'000'000'000;
  uint64_t sum_ms = 0;
  for (size_t unit = 0; !text.empty(); ++unit) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > kMost) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size()) return std::nullopt;
    const uint64_t ms = kUnits[unit].ms;
    sum_ms = std::min(sum_ms + std::min(number, kIntervalMaxMs / ms) * ms, kIntervalMaxMs);
    text.remove_prefix(name.size());
  }
  if (sum_ms < kIntervalMinMs) return std::nullopt;
  return sum_ms;
}

}  // namespace gyr
