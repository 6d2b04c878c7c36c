// SPDX-License-Identifier: Apache-2.0
// libyaml's events → Builder. Gives up, for yaml-cpp to read, where the two differ: tags,
// directives, line ends that only one of them knows, names of anchors, some missing values.
#include <yaml.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "yaml/builder.h"
#include "yaml/readers.h"

namespace gyr::yaml {
namespace {

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

// A carriage return alone and U+0085, U+2028, U+2029 end lines for libyaml only; U+FEFF is text for
// it only where yaml-cpp skips it, and the other way round.
bool has_doubtful_lines(std::string_view text, bool ascii) {
  for (size_t at = text.find('\r'); at != text.npos; at = text.find('\r', at + 1)) {
    if (!text.substr(at + 1).starts_with('\n')) return true;
  }
  if (ascii) return false;
  const auto has = [&](std::string_view part) { return text.find(part) != text.npos; };
  return has("\xc2\x85") || has("\xe2\x80\xa8") || has("\xe2\x80\xa9") || has("\xef\xbb\xbf");
}

// What may be a directive, a key that '?' begins, or a block scalar whose last line has no end and
// only blanks, which yaml-cpp folds in.
bool has_rare_parts(std::string_view text) {
  if (text.ends_with(' ') || text.ends_with('\t')) return true;
  if (text.starts_with('%') || text.find("\n%") != text.npos || text.starts_with('?')) return true;
  for (size_t at = text.find('?', 1); at != text.npos; at = text.find('?', at + 1)) {
    if (std::string_view(" \t\n[{,").find(text[at - 1]) != text.npos) return true;
  }
  return false;
}

// libyaml counts characters, we count bytes. Walks from the last place to the next.
class Offsets {
 public:
  Offsets(std::string_view text, bool ascii) : text_(text), ascii_(ascii) {}

  size_t at(size_t index) {
    if (ascii_) return std::min(index, text_.size());
    for (; index_ < index && offset_ < text_.size(); ++index_) {
      do ++offset_;
      while (continues());
    }
    for (; index_ > index && offset_ > 0; --index_) {
      do --offset_;
      while (continues());
    }
    return offset_;
  }

 private:
  bool continues() const { return offset_ < text_.size() && (text_[offset_] & 0xc0) == 0x80; }

  std::string_view text_;
  bool ascii_;
  size_t index_ = 0;
  size_t offset_ = 0;
};

class Event {
 public:
  explicit Event(yaml_parser_t* parser) : valid_(yaml_parser_parse(parser, &event_) != 0) {}
  ~Event() {
    if (valid_) yaml_event_delete(&event_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  bool valid() const { return valid_; }
  const yaml_event_t& get() const { return event_; }

 private:
  yaml_event_t event_{};
  bool valid_;
};

class FastReader {
 public:
  FastReader(const Document& document, std::vector<NodePtr>* roots)
      : text_(document.source()),
        ascii_(is_ascii(text_)),
        offsets_(text_, ascii_),
        builder_(document, roots),
        ready_(yaml_parser_initialize(&parser_) != 0) {}
  ~FastReader() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  FastReader(const FastReader&) = delete;
  FastReader& operator=(const FastReader&) = delete;

  bool run() {
    if (!ready_ || has_doubtful_lines(text_, ascii_) || has_rare_parts(text_)) return false;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text_.data()),
                                 text_.size());
    while (true) {
      const Event event(&parser_);
      if (!event.valid() || !take(event.get()) || builder_.failed()) return false;
      if (event.get().type == YAML_STREAM_END_EVENT) return true;
    }
  }

 private:
  using Name = const yaml_char_t*;

  // False: yaml-cpp reads this differently, or may.
  bool take(const yaml_event_t& event) {
    const size_t offset = offsets_.at(event.start_mark.index);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        builder_.begin_document(offset);
        return true;
      case YAML_ALIAS_EVENT:
        return alias(event.data.alias.anchor, offset);
      case YAML_SCALAR_EVENT:
        return scalar(event, offset);
      case YAML_SEQUENCE_START_EVENT:
        if (event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ++flow_;
        return open(event.data.sequence_start, offset, Kind::Sequence);
      case YAML_MAPPING_START_EVENT:
        if (event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE) ++flow_;
        return open(event.data.mapping_start, offset, Kind::Map);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        if (flow_ > 0) --flow_;
        builder_.close();
        return true;
      case YAML_NO_EVENT:
      case YAML_STREAM_START_EVENT:
      case YAML_STREAM_END_EVENT:
      case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return false;
  }

  bool alias(Name name, size_t offset) {
    const std::string text(reinterpret_cast<const char*>(name));
    const auto found = anchors_.find(text);
    if (found == anchors_.end() || !ends_name(offset + 1 + text.size())) return false;
    builder_.alias(offset, found->second);
    return true;
  }

  template <typename Start>
  bool open(const Start& start, size_t offset, Kind kind) {
    Properties found;
    if (!properties(start.anchor, start.tag, offset, &found)) return false;
    builder_.open(found, kind);
    return true;
  }

  bool scalar(const yaml_event_t& event, size_t offset) {
    const auto& scalar = event.data.scalar;
    Properties found;
    if (!properties(scalar.anchor, scalar.tag, offset, &found)) return false;
    const bool one_line = event.start_mark.line == event.end_mark.line;
    // yaml-cpp wants further lines deeper than the anchor.
    if (found.anchor != 0 && !one_line) return false;
    std::string text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    if (scalar.style == YAML_PLAIN_SCALAR_STYLE) return plain(found, std::move(text));
    // Here libyaml takes block scalars that are not deeper than their collection.
    const bool quoted = scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                        scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (!quoted && begins_line(offset)) return false;
    // Of empty lines before the closing quote yaml-cpp drops one.
    if (quoted && !one_line && text.ends_with('\n')) return false;
    builder_.scalar(found, std::move(text));
    return true;
  }

  bool plain(const Properties& found, std::string text) {
    // A fault for yaml-cpp.
    if (flow_ > 0 && text.find('?') != text.npos) return false;
    if (text.empty()) return found.anchor == 0 && missing(found.offset);
    if (text == "~" || text == "null" || text == "Null" || text == "NULL") {
      builder_.null(found.offset, found.anchor);
    } else {
      builder_.scalar(found, std::move(text));
    }
    return true;
  }

  bool properties(Name anchor, Name tag, size_t offset, Properties* found) {
    if (tag != nullptr) return false;
    *found = {offset, "?", 0};
    if (anchor == nullptr) return true;
    std::string name(reinterpret_cast<const char*>(anchor));
    if (!ends_name(offset + 1 + name.size())) return false;
    found->anchor = ++last_anchor_;
    anchors_[std::move(name)] = last_anchor_;
    return true;
  }

  // yaml-cpp has more characters in the names of anchors.
  bool ends_name(size_t offset) const {
    return offset >= text_.size() || std::string_view(" \r\n,]}").find(text_[offset]) != text_.npos;
  }

  bool begins_line(size_t offset) const {
    while (offset > 0 && text_[offset - 1] == ' ') --offset;
    return offset == 0 || text_[offset - 1] == '\n';
  }

  // A value that is not there. yaml-cpp marks the next token if it comes behind ':' or '-'.
  bool missing(size_t offset) {
    const char before = offset > 0 ? text_[offset - 1] : '\0';
    if (before != ':' && before != '-') return false;
    while (offset < text_.size()) {
      offset = std::min(text_.find_first_not_of(" \t\r\n", offset), text_.size());
      if (!text_.substr(offset).starts_with('#')) break;
      offset = std::min(text_.find('\n', offset), text_.size());
    }
    builder_.null(offset, 0);
    return true;
  }

  std::string_view text_;
  bool ascii_;
  Offsets offsets_;
  Builder builder_;
  std::unordered_map<std::string, uint64_t> anchors_;  // of the document
  uint64_t last_anchor_ = 0;
  size_t flow_ = 0;  // open collections in brackets or braces: what is in one is one, too
  yaml_parser_t parser_{};
  bool ready_;
};

}  // namespace

std::optional<std::vector<NodePtr>> read_fast(const Document& document) {
  std::vector<NodePtr> roots;
  if (!FastReader(document, &roots).run()) return std::nullopt;
  return roots;
}

}  // namespace gyr::yaml
