// SPDX-License-Identifier: Apache-2.0
#include "yaml/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "yaml/readers.h"

namespace gyr::yaml {
namespace {

// No control character but these three may stand in YAML; yaml-cpp
// takes byte 4 for the end of the text.
size_t find_control(std::string_view text) {
  const auto bad = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
  };
  return static_cast<size_t>(std::find_if(text.begin(), text.end(), bad) - text.begin());
}

std::vector<size_t> find_lines(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

bool is_indented_with_tab(std::string_view line) {
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

bool is_gap(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

struct Loader {
  static ParseResult parse(std::string text, AfterFault after) {
    auto document = std::make_shared<Document>();
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    document->source_ = std::move(text);
    document->line_starts_ = find_lines(document->source_);
    const std::string& source = document->source_;
    if (source.size() > kMaxBytes) return {document, {{{}, "the text is larger than 64 MiB"}}};
    const size_t control = find_control(source);
    if (control < source.size()) {
      return {document,
              {{document->mark_at(control), "control characters are not allowed in YAML"}}};
    }
    if (std::optional<std::vector<NodePtr>> roots = read_fast(*document)) {
      document->roots_ = std::move(*roots);
      return {document, {}};
    }
    Reading reading = read_as_reference(*document);
    document->roots_ = std::move(reading.roots);
    if (!reading.errors.empty() && after == AfterFault::KeepNothing) document->roots_.clear();
    for (ParseError& error : reading.errors) {
      const bool told = error.message.find("tab") != std::string::npos;
      if (told || !is_indented_with_tab(document->line_of(error.mark))) continue;
      error.message += "; the line is indented with a tab, and YAML wants blanks";
    }
    return {document, std::move(reading.errors)};
  }
};

ParseResult parse(std::string text, AfterFault after) {
  return Loader::parse(std::move(text), after);
}

const Node::Entry* Node::find_entry(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key->is_scalar() && entry.key->text == key) return &entry;
  }
  return nullptr;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry ? entry->value.get() : nullptr;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Null:
      return "nothing";
    case Kind::Scalar:
      return "a scalar";
    case Kind::Sequence:
      return "a sequence";
    case Kind::Map:
      return "a map";
  }
  return "";
}

Truth truth(const Node& node) {
  return node.is_scalar() && !node.quoted ? truth(node.text) : Truth::Neither;
}

Truth truth(std::string_view text) {
  const std::string lower = to_lower(text);
  for (const std::string_view word : {"true", "yes", "on", "y"}) {
    if (lower == word) return Truth::True;
  }
  for (const std::string_view word : {"false", "no", "off", "n"}) {
    if (lower == word) return Truth::False;
  }
  return Truth::Neither;
}

std::string schema_verdict(const std::vector<std::string>& faults) {
  if (faults.empty()) return "ok";
  const size_t more = faults.size() - 1;
  return fmt::format("failed for {}{}", one_line(faults[0]),
                     more == 0 ? "" : fmt::format(" (and {} more)", more));
}

Mark Document::mark_at(size_t offset) const {
  offset = std::min(offset, source_.size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<size_t>(after - line_starts_.begin());
  return {static_cast<uint32_t>(line), static_cast<uint32_t>(offset - line_starts_[line - 1]) + 1,
          offset};
}

bool Document::is_unclosed(const Node& scalar) const {
  if (!scalar.is_scalar() || scalar.mark.offset >= source_.size()) return false;
  const char quote = source_[scalar.mark.offset];
  if (!scalar.quoted || (quote != '"' && quote != '\'')) return false;
  for (size_t at = scalar.mark.offset + 1; at < source_.size(); ++at) {
    if (quote == '"' && source_[at] == '\\') {
      ++at;
    } else if (source_[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < source_.size() && source_[at + 1] == quote;
      if (!doubled) return false;
      ++at;
    }
  }
  return true;
}

std::string_view Document::line_of(const Mark& mark) const {
  const size_t line = mark_at(mark.offset).line;
  const std::string_view rest = std::string_view(source_).substr(line_starts_[line - 1]);
  std::string_view text = rest.substr(0, rest.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

namespace {

// Walks a scalar's source and its text side by side. Apart from blanks, which folding changes, and
// from escapes in quotes, the bytes of the text are those of the source in the same order.
class Tracer {
 public:
  Tracer(std::string_view source, const Node& scalar)
      : source_(source), text_(scalar.text), at_(std::min(scalar.mark.offset, source.size())) {
    const char style = at_ < source_.size() ? source_[at_] : ' ';
    double_quoted_ = style == '"';
    single_quoted_ = style == '\'';
    if (double_quoted_ || single_quoted_) ++at_;
    if (style == '|' || style == '>') at_ = std::min(source_.find('\n', at_), source_.size());
    if (style == '|' || style == '>') skip_blanks();
  }

  size_t trace(size_t text_offset) {
    const size_t end = std::min(text_offset, text_.size());
    size_t i = 0;
    while (true) {
      align(i);
      if (i >= end || at_ >= source_.size()) return std::min(at_, source_.size());
      i += advance(i, end - i);
    }
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void skip_blanks() {
    while (at_ < source_.size() && is_gap(source_[at_])) ++at_;
  }

  // Skips what stands in the source only: folded blanks and escaped line ends.
  void align(size_t i) {
    while (double_quoted_ && peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++at_;
      skip_blanks();
    }
    if (i < text_.size() && !is_gap(text_[i])) skip_blanks();
    while (double_quoted_ && peek() == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
      ++at_;
      skip_blanks();
    }
  }

  // Moves over what gives text byte i; returns how many text bytes it gave, at most `limit`.
  size_t advance(size_t i, size_t limit) {
    if (double_quoted_ && peek() == '\\') {
      const auto [source_size, text_size] = escape();
      if (text_size > limit) return limit;
      at_ += source_size;
      return text_size;
    }
    if (single_quoted_ && peek() == '\'' && peek(1) == '\'') {
      at_ += 2;
    } else if (!is_gap(text_[i]) || is_gap(peek())) {
      ++at_;
    }
    return 1;
  }

  // Sizes of the escape sequence here and of the UTF-8 text it stands for.
  std::pair<size_t, size_t> escape() const {
    const char kind = peek(1);
    const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits == 0) {
      const bool two = kind == 'N' || kind == '_';
      const bool three = kind == 'L' || kind == 'P';
      return {2, three ? 3 : two ? 2 : 1};
    }
    uint32_t value = 0;
    for (size_t d = 0; d < digits; ++d) {
      const auto c = static_cast<unsigned char>(peek(2 + d) | 0x20);
      value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10u);
    }
    return {2 + digits, value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4};
  }

  std::string_view source_;
  std::string_view text_;
  size_t at_;
  bool double_quoted_ = false;
  bool single_quoted_ = false;
};

}  // namespace

Mark Document::locate(const Node& scalar, size_t text_offset) const {
  return mark_at(Tracer(source_, scalar).trace(text_offset));
}

}  // namespace gyr::yaml
