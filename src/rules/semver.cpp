// SPDX-License-Identifier: Apache-2.0
#include "rules/semver.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace gyr::rules {
namespace {

std::optional<uint32_t> parse_part(std::string_view text) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (text.empty() || problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string Version::text() const { return fmt::format("{}.{}.{}", major, minor, patch); }

std::optional<Version> parse_version(std::string_view text) {
  text = text.substr(0, text.find_first_of("-+"));
  const auto parts = split(text, '.');
  if (parts.size() != 3) return std::nullopt;
  const auto major = parse_part(parts[0]);
  const auto minor = parse_part(parts[1]);
  const auto patch = parse_part(parts[2]);
  if (!major || !minor || !patch) return std::nullopt;
  return Version{*major, *minor, *patch};
}

std::optional<Version> parse_engine_version(std::string_view text) {
  if (const auto number = parse_part(text)) return Version{0, *number, 0};
  return parse_version(text);
}

}  // namespace gyr::rules
