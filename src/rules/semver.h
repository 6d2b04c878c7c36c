// SPDX-License-Identifier: Apache-2.0
// Versions as rule files write them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gyr::rules {

struct Version {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;
  auto operator<=>(const Version&) const = default;

  std::string text() const;
  // Same major and not older than what is asked for.
  bool satisfies(const Version& wanted) const { return major == wanted.major && *this >= wanted; }
};

// "1.2.3", with or without a "-pre" or "+build" suffix, which is ignored.
std::optional<Version> parse_version(std::string_view text);
// Also the historic form: a bare number N is 0.N.0.
std::optional<Version> parse_engine_version(std::string_view text);

}  // namespace gyr::rules
