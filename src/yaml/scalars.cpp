// SPDX-License-Identifier: Apache-2.0
// The scanner's scalars: plain, quoted, block; folding of lines, escapes, chomping.
#include <algorithm>
#include <array>
#include <utility>

#include "yaml/scanner.h"

namespace gyr::yaml {
namespace {

using Kind = Token::Kind;

constexpr size_t kNone = std::string::npos;

enum class Chomp : uint8_t { Strip, Clip, Keep };

// Takes the line feeds from the end of a text: all, all but one, none. Those before `escaped_end`
// were written as escapes and stay.
void chomp(Chomp how, size_t escaped_end, std::string& text) {
  if (how == Chomp::Keep) return;
  size_t last = text.find_last_not_of('\n');
  if (escaped_end != kNone && (last == kNone || last < escaped_end)) last = escaped_end;
  const size_t keep = last == kNone ? 0 : last + (how == Chomp::Strip ? 1 : 2);
  if (keep < text.size()) text.resize(keep);
}

// Bytes at which a plain scalar or its line may end.
constexpr std::array<bool, 256> kPlainStops = [] {
  std::array<bool, 256> stops = {};
  for (const char c : std::string_view(" \t\r\n:,?[]{}"))
    stops[static_cast<unsigned char>(c)] = true;
  return stops;
}();

}  // namespace

bool Scanner::at_plain_end() const {
  const char c = in_.peek();
  if (c == ':') {
    if (in_.gap_or_end(1)) return true;
    const char after = in_.peek(1);
    return in_flow() && (after == ',' || after == ']' || after == '}');
  }
  // A comment needs a gap before it.
  if (in_.gap()) return in_.peek(c == '\r' ? 2 : 1) == '#';
  return in_flow() && in_.one_of(",?[]{}");
}

void Scanner::scan_plain() {
  const int indent = in_flow() ? 0 : indents_.back().column + 1;
  may_be_key();
  const size_t offset = in_.offset();
  std::string text;
  bool empty_line = false;
  key_allowed_ = after_json_ = false;
  while (!error_ && scan_plain_line(text)) {
    in_.skip_line_break();
    skip_plain_margin(indent);
    if (in_.line_break()) {
      text += '\n';
    } else if (!empty_line) {
      text += ' ';
    }
    empty_line = in_.line_break();
    if (!empty_line && in_.column() < indent) {
      key_allowed_ = true;
      break;
    }
  }
  const size_t last = text.find_last_not_of(" \t");
  if (last != kNone) text.resize(last + 1);
  chomp(Chomp::Strip, kNone, text);
  push_text(Kind::Plain, offset, std::move(text));
}

// Reads to the end of the line: true, or to the end of the scalar: false.
bool Scanner::scan_plain_line(std::string& text) {
  const size_t begin = text.size();
  while (!in_.at_end() && !at_plain_end()) {
    if (in_.line_break()) {
      while (text.size() > begin && is_blank(text.back())) text.pop_back();
      return true;
    }
    if (in_.document_marker()) return false;
    const size_t from = in_.offset();
    do {
      in_.skip_in_line(1);
    } while (!kPlainStops[static_cast<unsigned char>(in_.peek())] && !in_.at_end());
    text += in_.slice(from);
  }
  return false;
}

// The blanks at the front of a further line. A tab must not indent.
void Scanner::skip_plain_margin(int indent) {
  for (; in_.blank(); in_.skip_in_line(1)) {
    if (in_.peek() == '\t' && in_.column() < indent)
      return fail(in_.offset(), "illegal tab when looking for indentation");
    if (at_plain_end()) return;
  }
}

void Scanner::scan_quoted() {
  may_be_key();
  const size_t offset = in_.offset();
  const char quote = in_.next();
  std::string text = scan_quoted_text(quote);
  key_allowed_ = false;
  after_json_ = true;
  push_text(Kind::Quoted, offset, std::move(text));
}

std::string Scanner::scan_quoted_text(char quote) {
  std::string text;
  size_t escaped_end = kNone;
  bool empty_line = false;
  while (!error_ && !in_.at_end()) {
    const bool escaped_break = scan_quoted_line(quote, text, escaped_end);
    if (error_) break;
    if (in_.at_end()) {
      fail(in_.offset(), "illegal EOF in scalar");
      break;
    }
    if (!in_.line_break()) {
      in_.next();  // the closing quote
      break;
    }
    in_.skip_line_break();
    in_.skip_blanks();
    if (in_.line_break()) {
      text += '\n';
    } else if (!empty_line && !escaped_break) {
      text += ' ';
    }
    empty_line = in_.line_break();
  }
  chomp(Chomp::Clip, escaped_end, text);
  return text;
}

// Reads to the closing quote, the line break or the end; true when the line break is escaped.
// `escaped_end` becomes the end of the last escape in the text.
bool Scanner::scan_quoted_line(char quote, std::string& text, size_t& escaped_end) {
  size_t keep = text.size();  // the text without the blanks before the line break
  const bool single = quote == '\'';
  while (!in_.at_end() && !in_.line_break()) {
    const char c = in_.peek();
    if (c == quote && !(single && in_.peek(1) == quote)) return false;
    if (in_.document_marker()) {
      fail(in_.offset(), "illegal document indicator in scalar");
      return false;
    }
    if (!single && c == '\\' && in_.line_break(1)) {
      in_.next();
      escaped_end = text.size();
      return true;
    }
    if (c == (single ? '\'' : '\\')) {
      scan_escape(quote, text);
      if (error_) return false;
      keep = escaped_end = text.size();
      continue;
    }
    text += in_.next();
    if (!is_blank(c)) keep = text.size();
  }
  if (in_.line_break()) text.resize(keep);
  return false;
}

void Scanner::scan_escape(char quote, std::string& text) {
  in_.next();
  const char c = in_.next();
  if (quote == '\'') {
    text += c;
    return;
  }
  constexpr std::string_view kNames = "0abt\tnvfre \"'\\/";
  constexpr std::string_view kBytes("\0\a\b\t\t\n\v\f\r\x1b \"'\\/", 15);
  const size_t simple = c == '\0' ? kNone : kNames.find(c);
  if (simple != kNone) {
    text += kBytes[simple];
  } else if (c == 'N') {
    text += "\xc2\x85";
  } else if (c == '_') {
    text += "\xc2\xa0";
  } else if (c == 'L') {
    text += "\xe2\x80\xa8";
  } else if (c == 'P') {
    text += "\xe2\x80\xa9";
  } else if (c == 'x' || c == 'u' || c == 'U') {
    scan_code_point(c == 'x' ? 2 : c == 'u' ? 4 : 8, text);
  } else {
    fail(in_.offset(), "unknown escape character: " + std::string(c == '\0' ? 0 : 1, c));
  }
}

void Scanner::scan_code_point(size_t digits, std::string& text) {
  uint32_t value = 0;
  bool hex = true;
  for (size_t i = 0; i < digits; ++i) {
    const char c = in_.next();
    const auto small = static_cast<char>(c | 0x20);
    const bool letter = small >= 'a' && small <= 'f';
    if (!letter && (c < '0' || c > '9')) hex = false;
    value = value << 4 | static_cast<uint32_t>(letter ? small - 'a' + 10 : c - '0');
  }
  if (!hex) return fail(in_.offset(), "bad character found while scanning hex number");
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    return fail(in_.offset(), "invalid unicode: " + std::to_string(value));
  const auto add = [&text](uint32_t byte) { text += static_cast<char>(byte); };
  if (value < 0x80) return add(value);
  if (value < 0x800) {
    add(0xc0 | value >> 6);
  } else {
    if (value < 0x10000) {
      add(0xe0 | value >> 12);
    } else {
      add(0xf0 | value >> 18);
      add(0x80 | (value >> 12 & 0x3f));
    }
    add(0x80 | (value >> 6 & 0x3f));
  }
  add(0x80 | (value & 0x3f));
}

struct Scanner::BlockStyle {
  bool folded = false;
  Chomp chomp = Chomp::Clip;
  int indent = 1;
  bool detect = true;  // the first line that is not empty says how far the text is indented
};

void Scanner::scan_block() {
  const size_t offset = in_.offset();
  BlockStyle style = scan_block_header();
  if (error_) return;
  style.indent += std::max(indents_.back().column, 0);
  std::string text = scan_block_text(style);
  key_allowed_ = true;
  after_json_ = false;
  push_text(Kind::Quoted, offset, std::move(text));
}

Scanner::BlockStyle Scanner::scan_block_header() {
  BlockStyle style;
  style.folded = in_.next() == '>';
  // One sign and one digit, in any order.
  bool sign = false;
  while ((!sign && in_.one_of("+-")) || (style.detect && in_.one_of("0123456789"))) {
    const char c = in_.next();
    if (c == '+' || c == '-') {
      sign = true;
      style.chomp = c == '+' ? Chomp::Keep : Chomp::Strip;
    } else if (c == '0') {
      fail(in_.offset(), "cannot set zero indentation for a block scalar");
      return style;
    } else {
      style.indent = c - '0';
      style.detect = false;
    }
  }
  in_.skip_blanks();
  if (in_.peek() == '#') in_.skip_line();
  if (!in_.at_end() && !in_.line_break())
    fail(in_.offset(), "unexpected character in block scalar");
  return style;
}

namespace {

// Joins the lines of a folded scalar: one line break between lines of text is a blank; breaks
// around lines that are indented further stay, and empty lines stand for one break each.
class Folder {
 public:
  explicit Folder(std::string* text) : text_(*text) {}

  struct Line {
    bool empty;
    bool indented;  // further than the text
    bool outside;   // less than the text: it is not of this scalar
  };
  void join(const Line& next, bool any_text) {
    if (empty_lines_ == 0 && next.empty) began_indented_ = indented_;
    if (next.empty) {
      ++empty_lines_;
    } else {
      const bool blank = !empty_ && !indented_ && !next.indented && !next.outside;
      text_ += blank ? ' ' : '\n';
    }
    if (!next.empty && empty_lines_ > 0) {
      text_.append(empty_lines_ - 1, '\n');
      if (began_indented_ || next.indented || !any_text) text_ += '\n';
      empty_lines_ = 0;
    }
    skip(next);
  }
  void skip(const Line& next) {
    empty_ = next.empty;
    indented_ = next.indented;
  }

 private:
  std::string& text_;
  bool empty_ = false;
  bool indented_ = false;
  bool began_indented_ = false;  // the line before the empty ones was indented further
  size_t empty_lines_ = 0;
};

}  // namespace

std::string Scanner::scan_block_text(BlockStyle style) {
  std::string text;
  Folder folder(&text);
  bool any_text = false;
  for (bool first = true; !in_.at_end(); first = false) {
    const size_t end = in_.line_end();
    const size_t from = in_.offset();
    any_text = any_text || end > from;
    in_.skip_in_line(end - from);
    text += in_.slice(from);
    if (in_.at_end()) break;
    in_.skip_line_break();
    const bool detects = style.detect && !any_text;
    while (in_.peek() == ' ' && (in_.column() < style.indent || detects)) in_.skip_in_line(1);
    if (detects) style.indent = std::max(style.indent, in_.column());
    const bool outside = in_.column() < style.indent;
    if (in_.peek() == '\t' && outside) {
      fail(in_.offset(), "illegal tab when looking for indentation");
      return text;
    }
    const Folder::Line next = {in_.line_break(), in_.blank(), outside};
    if (first) {
      folder.skip(next);  // the break behind the header is no text
    } else if (style.folded) {
      folder.join(next, any_text);
    } else {
      text += '\n';
    }
    if (!next.empty && outside) break;
  }
  chomp(style.chomp, kNone, text);
  return text;
}

}  // namespace gyr::yaml
