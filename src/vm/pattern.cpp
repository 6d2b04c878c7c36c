// SPDX-License-Identifier: Apache-2.0
#include "vm/pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace gyr {
namespace {

constexpr uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c + 32) : c;
}

// The bytes of "[:name:]", or nothing when there is no such class.
std::optional<std::bitset<256>> byte_class(std::string_view name) {
  using Test = int (*)(int);
  struct Row {
    std::string_view name;
    Test test;
  };
  static constexpr std::array<Row, 12> kRows = {{{"alpha", std::isalpha},
                                                 {"digit", std::isdigit},
                                                 {"alnum", std::isalnum},
                                                 {"upper", std::isupper},
                                                 {"lower", std::islower},
                                                 {"space", std::isspace},
                                                 {"blank", std::isblank},
                                                 {"punct", std::ispunct},
                                                 {"print", std::isprint},
                                                 {"graph", std::isgraph},
                                                 {"cntrl", std::iscntrl},
                                                 {"xdigit", std::isxdigit}}};
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    std::bitset<256> result;
    for (int c = 0; c < 128; ++c) result[static_cast<size_t>(c)] = row.test(c) != 0;
    return result;
  }
  return std::nullopt;
}

// With the small letters of the capitals in it.
std::bitset<256> folded(std::bitset<256> set) {
  for (size_t c = 'A'; c <= 'Z'; ++c) {
    if (set[c]) set.set(c + 32);
  }
  return set;
}

// Reads one member of a set: a byte, perhaps quoted. `at` moves behind it.
uint8_t set_byte(std::string_view pattern, size_t& at) {
  if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
  return static_cast<uint8_t>(pattern[at++]);
}

}  // namespace

Glob::Glob(std::string_view pattern, bool ignore_case) : ignore_case_(ignore_case) {
  using Kind = Token::Kind;
  for (size_t at = 0; at < pattern.size();) {
    const auto c = static_cast<uint8_t>(pattern[at]);
    if (c == '*') {
      if (tokens_.empty() || tokens_.back().kind != Kind::Star) tokens_.push_back({Kind::Star});
      ++at;
    } else if (c == '?') {
      tokens_.push_back({Kind::Any});
      ++at;
    } else if (c == '\\') {
      if (at + 1 == pattern.size()) {
        tokens_.push_back({Kind::Never});  // a lone backslash at the end quotes nothing
        return;
      }
      const auto quoted = static_cast<uint8_t>(pattern[at + 1]);
      tokens_.push_back({Kind::Byte, ignore_case ? lower(quoted) : quoted});
      at += 2;
    } else if (const size_t end = c == '[' ? parse_set(pattern, at) : 0; end != 0) {
      at = end;
    } else {
      tokens_.push_back({Kind::Byte, ignore_case ? lower(c) : c});
      ++at;
    }
  }
}

// Adds the set that begins at `at`; the place behind it, or 0 when it is not closed (then '[' is a
// byte).
size_t Glob::parse_set(std::string_view pattern, size_t at) {
  ++at;
  bool negated = false;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) {
    negated = true;
    ++at;
  }
  std::bitset<256> set;
  bool known = true;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      sets_.push_back(negated ? ~set : set);
      tokens_.push_back({known ? Token::Kind::Set : Token::Kind::Never, 0,
                         static_cast<uint16_t>(sets_.size() - 1)});
      return at + 1;
    }
    const size_t close = pattern[at] == '[' && pattern.substr(at, 2) == "[:"
                             ? pattern.find(":]", at + 2)
                             : std::string_view::npos;
    if (close != std::string_view::npos) {
      const auto members = byte_class(pattern.substr(at + 2, close - at - 2));
      known = known && members.has_value();
      if (members) set |= ignore_case_ ? folded(*members) : *members;
      at = close + 2;
      continue;
    }
    const auto fold = [this](uint8_t c) { return ignore_case_ ? lower(c) : c; };
    const uint8_t from = fold(set_byte(pattern, at));
    uint8_t to = from;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      ++at;
      to = fold(set_byte(pattern, at));
    }
    for (size_t c = from; c <= to; ++c) set.set(c);
  }
  return 0;
}

bool Glob::step(const Token& token, uint8_t byte) const {
  const uint8_t c = ignore_case_ ? lower(byte) : byte;
  switch (token.kind) {
    case Token::Kind::Byte:
      return token.byte == c;
    case Token::Kind::Any:
      return true;
    case Token::Kind::Set:
      return sets_[token.set][c];
    case Token::Kind::Star:
    case Token::Kind::Never:
      return false;
  }
  return false;
}

// On a mismatch only the last star can take one byte more: earlier ones need not be tried again.
bool Glob::matches(std::string_view text) const {
  size_t at = 0;
  size_t token = 0;
  size_t star = SIZE_MAX;
  size_t star_at = 0;
  while (at < text.size()) {
    if (token < tokens_.size() && tokens_[token].kind == Token::Kind::Star) {
      star = token++;
      star_at = at;
    } else if (token < tokens_.size() && step(tokens_[token], static_cast<uint8_t>(text[at]))) {
      ++token;
      ++at;
    } else if (star != SIZE_MAX) {
      token = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  while (token < tokens_.size() && tokens_[token].kind == Token::Kind::Star) ++token;
  return token == tokens_.size();
}

namespace {

// The component at the front of `text`, which is cut behind it; empty at the end.
std::string_view next_component(std::string_view& text) {
  const size_t from = text.find_first_not_of('/');
  if (from == std::string_view::npos) {
    text = {};
    return {};
  }
  const size_t to = std::min(text.find('/', from), text.size());
  const std::string_view part = text.substr(from, to - from);
  text.remove_prefix(to);
  return part;
}

}  // namespace

PathPrefixes::PathPrefixes(const std::vector<std::string>& patterns) {
  for (const std::string& text : patterns) {
    std::string_view rest = text;
    Pattern pattern;
    for (auto part = next_component(rest); !part.empty(); part = next_component(rest)) {
      const bool plain = part.find_first_of("*?[\\") == std::string_view::npos;
      pattern.push_back({std::string(part), plain ? nullptr : std::make_unique<Glob>(part, false)});
    }
    patterns_.push_back(std::move(pattern));
  }
}

bool PathPrefixes::Component::matches(std::string_view part) const {
  return glob ? glob->matches(part) : part == literal;
}

bool PathPrefixes::matches(std::string_view text) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [text](const Pattern& pattern) {
    std::string_view rest = text;
    return std::all_of(pattern.begin(), pattern.end(), [&rest](const Component& component) {
      const std::string_view part = next_component(rest);
      return !part.empty() && component.matches(part);
    });
  });
}

namespace {

bool equal_letters(char a, char b) {
  return lower(static_cast<uint8_t>(a)) == lower(static_cast<uint8_t>(b));
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal_letters);
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  return part.empty() || std::search(text.begin(), text.end(), part.begin(), part.end(),
                                     equal_letters) != text.end();
}

}  // namespace gyr
