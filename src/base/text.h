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

// Length of the well-formed UTF-8 sequence at the start of `bytes`, 0 if there is none. `bytes` is
// not empty.
size_t utf8_length(std::string_view bytes);
// Bytes of the control character at the start of valid UTF-8, which is not empty: 1 for those below
// a blank and for delete, 2 for U+0080 to U+009F, else 0. A terminal may obey any of them.
inline size_t control_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7f) return 1;
  const bool c1 = first == 0xc2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xa0;
  return c1 ? 2 : 0;
}
// Valid UTF-8: every byte that is not part of a well-formed sequence becomes U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

// As in JSON strings: \n, \t, \u001b … `code` is below 0x100.
void append_control(unsigned code, std::string* out);
// Text of any bytes for one line of a terminal: control characters so, broken UTF-8 repaired.
std::string one_line(std::string_view text);

// '*' matches any run of characters, everything else itself. Whole text.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace gyr
