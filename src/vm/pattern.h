// SPDX-License-Identifier: Apache-2.0
// Patterns prepared once and matched often: shell globs, path prefixes, regular expressions.
// Matching never allocates, except Regex on bytes that are not UTF-8.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace gyr {

// POSIX fnmatch without flags in the C locale: '*' crosses '/', a leading dot is nothing special, a
// backslash quotes, sets may hold ranges and classes. Time: at most pattern length × text length.
class Glob {
 public:
  Glob(std::string_view pattern, bool ignore_case);
  bool matches(std::string_view text) const;

 private:
  struct Token {
    enum class Kind : uint8_t { Byte, Any, Star, Set, Never };
    Kind kind;
    uint8_t byte = 0;
    uint16_t set = 0;  // index into sets_
  };
  size_t parse_set(std::string_view pattern, size_t at);
  bool step(const Token& token, uint8_t byte) const;

  std::vector<Token> tokens_;
  std::vector<std::bitset<256>> sets_;
  bool ignore_case_;
};

// A text matches when one of the patterns, cut at '/', globs as many leading components of the
// text. Empty components do not count, so "/" has none and matches everything.
class PathPrefixes {
 public:
  explicit PathPrefixes(const std::vector<std::string>& patterns);
  bool matches(std::string_view text) const;

 private:
  struct Component {
    std::string literal;
    std::unique_ptr<Glob> glob;  // null: the literal itself
    bool matches(std::string_view part) const;
  };
  using Pattern = std::vector<Component>;
  std::vector<Pattern> patterns_;
};

// RE2 in POSIX syntax, whole text. Bytes that are not UTF-8 are matched as U+FFFD.
class Regex {
 public:
  static Result<std::shared_ptr<const Regex>> make(std::string_view pattern);
  bool matches(std::string_view text) const;
  ~Regex();

 private:
  struct Impl;
  explicit Regex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The bytes of a path as PathPrefixes sees it: each component with one '/' behind it. So one path
// has the components of another in front when it begins with the other's bytes.
class PathBytes {
 public:
  explicit PathBytes(std::string_view path) : path_(path) {}
  int next() {  // -1 behind the end
    if (at_ < path_.size() && path_[at_] != '/') {
      inside_ = true;
      return static_cast<uint8_t>(path_[at_++]);
    }
    if (std::exchange(inside_, false)) return '/';
    at_ = std::min(path_.find_first_not_of('/', at_), path_.size());
    return at_ < path_.size() ? next() : -1;
  }

 private:
  std::string_view path_;
  size_t at_ = 0;
  bool inside_ = false;
};

// ASCII letters only.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool contains_ignoring_case(std::string_view text, std::string_view part);

}  // namespace gyr
