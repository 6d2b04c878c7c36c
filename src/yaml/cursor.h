// SPDX-License-Identifier: Apache-2.0
// A place in a YAML text that moves forward, and the classes of bytes that YAML knows.
//
// Relies on a text without NUL and control characters other than tab, line feed and return: a NUL
// stands for "behind the end".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gyr::yaml {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

class Cursor {
 public:
  // The text must outlive the cursor.
  explicit Cursor(const std::string& text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  size_t offset() const { return at_; }
  size_t line_start() const { return line_start_; }
  int column() const { return static_cast<int>(at_ - line_start_); }  // from 0, in bytes
  std::string_view slice(size_t from) const { return text_.substr(from, at_ - from); }

  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool blank(size_t ahead = 0) const { return is_blank(peek(ahead)); }
  bool line_break(size_t ahead = 0) const {
    const char c = peek(ahead);
    return c == '\n' || (c == '\r' && peek(ahead + 1) == '\n');
  }
  // What must stand behind an indicator such as '-' or ':'.
  bool gap(size_t ahead = 0) const { return blank(ahead) || line_break(ahead); }
  bool gap_or_end(size_t ahead) const { return gap(ahead) || at_ + ahead >= text_.size(); }
  bool looking_at(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  bool one_of(std::string_view bytes) const {
    return !at_end() && bytes.find(text_[at_]) != std::string_view::npos;
  }
  // "---" or "..." at the beginning of a line.
  bool document_marker() const {
    return column() == 0 && (looking_at("---") || looking_at("...")) && gap_or_end(3);
  }

  // Behind the end this stays where it is.
  char next() {
    if (at_end()) return '\0';
    const char c = text_[at_++];
    if (c == '\n') line_start_ = at_;
    return c;
  }
  void skip(size_t bytes) {
    for (; bytes > 0; --bytes) next();
  }
  // For bytes among which there is no line feed.
  void skip_in_line(size_t bytes) { at_ += bytes; }
  void skip_blanks() {
    while (blank()) ++at_;
  }
  void skip_line_break() {
    at_ += peek() == '\r' ? 2 : 1;
    line_start_ = at_;
  }
  // To the line break or the end.
  void skip_line() { at_ = line_end(); }
  size_t line_end() const {
    size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) return text_.size();
    if (end > at_ && text_[end - 1] == '\r') --end;
    return end;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
  size_t line_start_ = 0;
};

}  // namespace gyr::yaml
