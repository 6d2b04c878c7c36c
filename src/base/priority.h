// SPDX-License-Identifier: Apache-2.0
// How serious an alert is. Lower numbers are more serious, as in syslog.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gyr {

enum class Priority : uint8_t {
  Emergency,
  Alert,
  Critical,
  Error,
  Warning,
  Notice,
  Informational,
  Debug,
};

// Case does not matter; "info" is Informational. Nothing for other text.
std::optional<Priority> parse_priority(std::string_view text);
// As alerts print it: "Emergency" … "Informational", "Debug".
std::string_view priority_name(Priority priority);

}  // namespace gyr
