// SPDX-License-Identifier: Apache-2.0
#include "lang/lexer.h"

#include <fmt/format.h>

#include <algorithm>

namespace gyr {
namespace {

constexpr std::string_view kBlanks = " \b\t\n\r";
constexpr std::string_view kNotBare = "() \b\t\n\r\"'=,";
constexpr std::string_view kNotArgument = " \b\t\n\r[]\"'";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

size_t identifier_size(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return 0;
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_word) - text.begin());
}

size_t digits_size(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

TextFault fault_at(Place place, std::string message, Code code) {
  TextFault fault;
  fault.code = code;
  fault.message = std::move(message);
  fault.offset = place.offset;
  fault.size = std::max<size_t>(place.size, 1);
  return fault;
}

void Lexer::skip_blanks() { at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size()); }

bool Lexer::take(std::string_view symbol) {
  if (!rest().starts_with(symbol)) return false;
  at_ += symbol.size();
  return true;
}

bool Lexer::take_keyword(std::string_view word, bool before_parenthesis) {
  const std::string_view left = rest();
  if (!left.starts_with(word) || left.size() == word.size()) return false;
  const char next = left[word.size()];
  const bool blank = kBlanks.find(next) != std::string_view::npos;
  if (!blank && !(before_parenthesis && next == '(')) return false;
  at_ += word.size();
  return true;
}

std::string_view Lexer::peek_identifier() const {
  return rest().substr(0, identifier_size(rest()));
}

std::string_view Lexer::peek_field() const {
  const std::string_view left = rest();
  size_t size = identifier_size(left);
  if (size == 0) return {};
  size_t parts = 1;
  while (size < left.size() && left[size] == '.') {
    const size_t next = identifier_size(left.substr(size + 1));
    if (next == 0) break;
    size += 1 + next;
    ++parts;
  }
  return parts > 1 ? left.substr(0, size) : std::string_view();
}

std::string_view Lexer::peek_number() const {
  const std::string_view left = rest();
  if (left.size() > 2 && left[0] == '0' && (left[1] == 'x' || left[1] == 'X')) {
    size_t size = 2;
    while (size < left.size() && (is_digit(left[size]) || is_letter(left[size]))) ++size;
    return left.substr(0, size);
  }
  size_t size = !left.empty() && (left[0] == '+' || left[0] == '-') ? 1 : 0;
  const size_t whole = digits_size(left.substr(size));
  if (whole == 0) return {};
  size += whole;
  if (size < left.size() && left[size] == '.') size += 1 + digits_size(left.substr(size + 1));
  if (size + 1 < left.size() && (left[size] == 'e' || left[size] == 'E')) {
    const size_t sign = left[size + 1] == '+' || left[size + 1] == '-' ? 1 : 0;
    const size_t digits = digits_size(left.substr(size + 1 + sign));
    if (digits > 0) size += 1 + sign + digits;
  }
  return left.substr(0, size);
}

std::string_view Lexer::peek_bare() const {
  return rest().substr(0, std::min(rest().find_first_of(kNotBare), rest().size()));
}

std::string_view Lexer::peek_argument() const {
  return rest().substr(0, std::min(rest().find_first_of(kNotArgument), rest().size()));
}

std::string_view Lexer::peek_anything() const {
  const std::string_view bare = peek_bare();
  return bare.empty() ? rest().substr(0, 1) : bare;
}

// At the backslash. Moves behind the escape.
bool Lexer::take_escape(char quote, std::string& out, std::vector<TextFault>* faults) {
  // A backslash before a blank is a backslash: public rules of 2021 wrote "\ " for one.
  static constexpr std::string_view kLetters = "bfnrt\\/ ";
  static constexpr std::string_view kBytes = "\b\f\n\r\t\\/\\";
  const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  const size_t letter = kLetters.find(c);
  if (c != '\0' && (letter != std::string_view::npos || c == quote)) {
    out += c == quote ? quote : kBytes[letter];
    at_ += 2;
    return true;
  }
  if (c == 'x' && at_ + 3 < text_.size()) {
    const int high = hex_digit(text_[at_ + 2]);
    const int low = hex_digit(text_[at_ + 3]);
    if (high >= 0 && low >= 0 && high + low > 0) {
      out += static_cast<char>(high << 4 | low);
      at_ += 4;
      return true;
    }
  }
  faults->push_back(fault_at(
      {at_, std::min<size_t>(c == 'x' ? 4 : 2, text_.size() - at_)},
      fmt::format("this escape does not exist; known in these quotes are \\b \\f \\n \\r \\t \\\\ "
                  "\\/ \\{} and \\x with two hexadecimal digits other than 00",
                  quote)));
  return false;
}

std::optional<std::string> Lexer::take_quoted(std::vector<TextFault>* faults) {
  const size_t start = at_;
  const char quote = text_[at_++];
  std::string out;
  while (!at_end()) {
    const char c = text_[at_];
    if (c == quote) {
      ++at_;
      return out;
    }
    if (c == '\\') {
      if (!take_escape(quote, out, faults)) return std::nullopt;
      continue;
    }
    if (c == '\0') {
      faults->push_back(fault_at({at_, 1}, "a NUL byte cannot be part of a text"));
      return std::nullopt;
    }
    out += c;
    ++at_;
  }
  faults->push_back(
      fault_at({start, text_.size() - start}, fmt::format("the closing {} is missing", quote)));
  return std::nullopt;
}

}  // namespace gyr
