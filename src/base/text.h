// SPDX-License-Identifier: Apache-2.0
// Small text helpers that several modules need.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gyr {

std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);

// The candidate closest to a misspelt `word` (edit distance at most a third of its length, at least
// one), or empty when none is close.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

// Valid UTF-8: every byte that is not part of a well-formed sequence becomes U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

// '*' matches any run of characters, everything else itself. Whole text.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace gyr
