// SPDX-License-Identifier: Apache-2.0
#include "base/priority.h"

#include <array>

#include "base/text.h"

namespace gyr {
namespace {

constexpr std::array<std::string_view, 8> kNames = {
    "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"};

}  // namespace

std::optional<Priority> parse_priority(std::string_view text) {
  const std::string lower = to_lower(text);
  if (lower == "info") return Priority::Informational;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (lower == to_lower(kNames[i])) return static_cast<Priority>(i);
  }
  return std::nullopt;
}

std::string_view priority_name(Priority priority) { return kNames[static_cast<size_t>(priority)]; }

}  // namespace gyr
