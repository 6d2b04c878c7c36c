// SPDX-License-Identifier: Apache-2.0
#include "yaml/scanner.h"

#include <algorithm>
#include <utility>

namespace gyr::yaml {
namespace {

using Kind = Token::Kind;
using State = Token::State;

constexpr size_t kLongestKey = 1024;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_among(char c, std::string_view bytes) {
  return c != '\0' && bytes.find(c) != std::string_view::npos;
}

// Size of the byte, or of the percent-encoded one, that may stand in a tag; 0 if none may.
size_t tag_byte(const Cursor& in, std::string_view others) {
  if (in.peek() == '%') return is_hex(in.peek(1)) && is_hex(in.peek(2)) ? 3 : 0;
  return is_word(in.peek()) || is_among(in.peek(), others) ? 1 : 0;
}

constexpr std::string_view kTagBytes = "#;/?:@&=+$_.~*'()";
constexpr std::string_view kUriBytes = "#;/?:@&=+$,_.!~*'()[]";

}  // namespace

void Scanner::fail(size_t offset, std::string message) {
  if (!error_) error_ = {offset, std::move(message)};
}

uint64_t Scanner::push(Kind kind, size_t offset) {
  tokens_.push_back(
      {.kind = kind, .state = State::Sure, .offset = offset, .text = {}, .words = {}});
  return first_ + tokens_.size() - 1;
}

void Scanner::push_text(Kind kind, size_t offset, std::string text) {
  push(kind, offset);
  tokens_.back().text = std::move(text);
}

Token* Scanner::peek() {
  while (!error_) {
    while (!tokens_.empty() && tokens_.front().state == State::Dropped) pop();
    if (!tokens_.empty() && tokens_.front().state == State::Sure) return &tokens_.front();
    // What still waits counts: a word alone in the last line of a map is a key.
    if (ended_) return tokens_.empty() ? nullptr : &tokens_.front();
    scan_next();
  }
  return nullptr;
}

void Scanner::pop() {
  tokens_.pop_front();
  ++first_;
}

void Scanner::scan_next() {
  scan_to_token();
  pop_indents_to_here();
  if (in_.at_end()) {
    pop_all_indents();
    keys_.clear();
    key_allowed_ = false;
    ended_ = true;
    return;
  }
  if (!scan_document_level() && !scan_flow_level()) scan_indicator();
}

// Blanks, comments and line ends mean nothing between tokens, except to keys.
void Scanner::scan_to_token() {
  while (true) {
    for (; in_.blank(); in_.skip_in_line(1)) {
      // A tab does not indent: behind one, no key can begin.
      if (in_.peek() == '\t' && !in_flow()) key_allowed_ = false;
    }
    if (in_.peek() == '#') in_.skip_line();
    if (!in_.line_break()) return;
    in_.skip_line_break();
    no_key();
    if (!in_flow()) key_allowed_ = true;
  }
}

bool Scanner::scan_document_level() {
  if (in_.column() != 0) return false;
  if (in_.peek() == '%') {
    scan_directive();
    return true;
  }
  if (!in_.document_marker()) return false;
  scan_document_marker();
  return true;
}

bool Scanner::scan_flow_level() {
  switch (in_.peek()) {
    case '[':
    case '{':
      scan_flow_start();
      return true;
    case ']':
    case '}':
      scan_flow_end();
      return true;
    case ',':
      scan_flow_entry();
      return true;
    default:
      return false;
  }
}

void Scanner::scan_indicator() {
  const char c = in_.peek();
  if (at_block_entry()) return scan_block_entry();
  if (at_key()) return scan_key();
  if (at_value()) return scan_value();
  if (c == '*' || c == '&') return scan_name();
  if (c == '!') return scan_tag();
  if (!in_flow() && (c == '|' || c == '>')) return scan_block();
  if (c == '\'' || c == '"') return scan_quoted();
  if (at_plain()) return scan_plain();
  fail(in_.offset(), "unknown token");
}

bool Scanner::at_key() const { return in_.peek() == '?' && in_.gap(1); }

bool Scanner::at_value() const {
  if (in_.peek() != ':') return false;
  if (!in_flow()) return in_.gap_or_end(1);
  return after_json_ || in_.gap(1) || is_among(in_.peek(1), ",]}");
}

bool Scanner::at_plain() const {
  const char c = in_.peek();
  if (in_.gap() || is_among(c, ",[]{}#&*!|>'\"%@`")) return false;
  if (!in_flow()) return !is_among(c, "-?:") || !in_.gap_or_end(1);
  if (c == '?') return false;
  return !is_among(c, "-:") || !(in_.blank(1) || in_.peek(1) == '\0');
}

void Scanner::scan_directive() {
  pop_all_indents();
  keys_.clear();
  key_allowed_ = after_json_ = false;
  push(Kind::Directive, in_.offset());
  in_.next();
  while (true) {
    const size_t from = in_.offset();
    while (!in_.at_end() && !in_.gap()) in_.next();
    tokens_.back().words.emplace_back(in_.slice(from));
    in_.skip_blanks();
    if (in_.at_end() || in_.line_break() || in_.peek() == '#') return;
  }
}

void Scanner::scan_document_marker() {
  pop_all_indents();
  keys_.clear();
  key_allowed_ = after_json_ = false;
  push(in_.peek() == '-' ? Kind::DocumentStart : Kind::DocumentEnd, in_.offset());
  in_.skip_in_line(3);
}

void Scanner::scan_flow_start() {
  may_be_key();
  key_allowed_ = true;
  after_json_ = false;
  const size_t offset = in_.offset();
  const bool sequence = in_.next() == '[';
  flows_.push_back(sequence ? Flow::Sequence : Flow::Map);
  push(sequence ? Kind::FlowSequenceStart : Kind::FlowMapStart, offset);
}

void Scanner::scan_flow_end() {
  const size_t offset = in_.offset();
  if (!in_flow()) return fail(offset, "illegal flow end");
  // In a map a word alone is a key.
  if (flows_.back() == Flow::Sequence) {
    no_key();
  } else if (settle_key()) {
    push(Kind::Value, offset);
  }
  key_allowed_ = false;
  after_json_ = true;
  const bool sequence = in_.next() == ']';
  if ((flows_.back() == Flow::Sequence) != sequence) return fail(offset, "illegal flow end");
  flows_.pop_back();
  push(sequence ? Kind::FlowSequenceEnd : Kind::FlowMapEnd, offset);
}

void Scanner::scan_flow_entry() {
  if (in_flow()) {
    if (flows_.back() == Flow::Sequence) {
      no_key();
    } else if (settle_key()) {
      push(Kind::Value, in_.offset());
    }
  }
  key_allowed_ = true;
  after_json_ = false;
  push(Kind::FlowEntry, in_.offset());
  in_.next();
}

void Scanner::scan_block_entry() {
  if (in_flow() || !key_allowed_) return fail(in_.offset(), "illegal block entry");
  push_indent(in_.column(), Block::Sequence, nullptr);
  key_allowed_ = true;
  after_json_ = false;
  push(Kind::BlockEntry, in_.offset());
  in_.next();
}

void Scanner::scan_key() {
  if (!in_flow()) {
    if (!key_allowed_) return fail(in_.offset(), "illegal map key");
    push_indent(in_.column(), Block::Map, nullptr);
  }
  key_allowed_ = !in_flow();
  push(Kind::Key, in_.offset());
  in_.next();
}

void Scanner::scan_value() {
  const bool simple = settle_key();
  after_json_ = false;
  if (simple) {
    key_allowed_ = false;
  } else {
    if (!in_flow()) {
      if (!key_allowed_) return fail(in_.offset(), "illegal map value");
      push_indent(in_.column(), Block::Map, nullptr);
    }
    key_allowed_ = !in_flow();
  }
  push(Kind::Value, in_.offset());
  in_.next();
}

// An anchor or an alias.
void Scanner::scan_name() {
  may_be_key();
  key_allowed_ = after_json_ = false;
  const size_t offset = in_.offset();
  const bool alias = in_.next() == '*';
  const size_t from = in_.offset();
  while (!in_.at_end() && !in_.gap() && !in_.one_of("[]{},")) in_.next();
  std::string name(in_.slice(from));
  if (name.empty())
    return fail(in_.offset(), alias ? "alias not found after *" : "anchor not found after &");
  if (in_.one_of("[{")) {
    return fail(in_.offset(), alias ? "illegal character found while scanning alias"
                                    : "illegal character found while scanning anchor");
  }
  push_text(alias ? Kind::Alias : Kind::Anchor, offset, std::move(name));
}

void Scanner::scan_tag() {
  may_be_key();
  key_allowed_ = after_json_ = false;
  push(Kind::Tag, in_.offset());
  Token& tag = tokens_.back();
  in_.next();
  if (in_.peek() == '<') return scan_verbatim_tag(tag);
  // The first word may turn out to be a handle: when '!' stands behind it.
  const size_t from = in_.offset();
  while (is_word(in_.peek())) in_.next();
  const size_t word_end = in_.offset();
  const bool is_handle = in_.at_end() || in_.peek() == '!';
  std::string name(in_.slice(from));
  if (!is_handle) {
    name += scan_tag_bytes();
    if (in_.peek() == '!')
      return fail(word_end, "illegal character found while scanning tag handle");
    // '!' alone says nothing.
    tag.words = name.empty() ? std::vector<std::string>{"", "!"}
                             : std::vector<std::string>{"!", std::move(name)};
    return;
  }
  if (in_.peek() != '!') {
    tag.words = {name.empty() ? "!!" : "!", std::move(name)};
    return;
  }
  in_.next();
  std::string suffix = scan_tag_bytes();
  if (suffix.empty()) return fail(in_.offset(), "tag handle with no suffix");
  tag.words = {'!' + name + '!', std::move(suffix)};
}

std::string Scanner::scan_tag_bytes() {
  const size_t from = in_.offset();
  while (const size_t size = tag_byte(in_, kTagBytes)) in_.skip_in_line(size);
  return std::string(in_.slice(from));
}

void Scanner::scan_verbatim_tag(Token& tag) {
  in_.next();
  const size_t from = in_.offset();
  while (const size_t size = tag_byte(in_, kUriBytes)) in_.skip_in_line(size);
  if (in_.peek() != '>') return fail(in_.offset(), "end of verbatim tag not found");
  tag.words = {"", std::string(in_.slice(from))};
  in_.next();
}

// Opens a block collection when `column` is deeper than the last; the indentation's id, 0 if none.
uint64_t Scanner::push_indent(int column, Block block, uint64_t* start) {
  if (in_flow()) return 0;
  const Indent& last = indents_.back();
  // A sequence may stand at the column of the key it belongs to.
  const bool hangs = block == Block::Sequence && last.block == Block::Map;
  if (column < last.column || (column == last.column && !hangs)) return 0;
  const uint64_t token =
      push(block == Block::Sequence ? Kind::BlockSequenceStart : Kind::BlockMapStart, in_.offset());
  if (start != nullptr) *start = token;
  indents_.push_back({column, block, State::Sure, next_indent_++});
  return indents_.back().id;
}

void Scanner::pop_indents_to_here() {
  if (in_flow()) return;
  while (indents_.back().column >= in_.column()) {
    const bool over = indents_.back().block == Block::Sequence && !at_block_entry();
    if (indents_.back().column == in_.column() && !over) break;
    pop_indent();
  }
  while (indents_.back().state == State::Dropped) pop_indent();
}

void Scanner::pop_all_indents() {
  if (in_flow()) return;
  while (indents_.back().block != Block::None) pop_indent();
}

void Scanner::pop_indent() {
  const Indent top = indents_.back();
  indents_.pop_back();
  if (top.state != State::Sure) return no_key();
  if (top.block == Block::Sequence) push(Kind::BlockSequenceEnd, in_.offset());
  if (top.block == Block::Map) push(Kind::BlockMapEnd, in_.offset());
}

// What comes next may be a key: at most one for each level of nesting.
void Scanner::may_be_key() {
  if (!key_allowed_ || (!keys_.empty() && keys_.back().flow_level == flows_.size())) return;
  SimpleKey key{
      .offset = in_.offset(), .line_start = in_.line_start(), .flow_level = flows_.size()};
  key.indent = push_indent(in_.column(), Block::Map, &key.map_start);
  if (key.indent != 0) {
    indents_.back().state = State::Waits;
    token(key.map_start).state = State::Waits;
  }
  key.key = push(Kind::Key, in_.offset());
  tokens_.back().state = State::Waits;
  keys_.push_back(key);
}

void Scanner::settle(const SimpleKey& key, State state) {
  for (Indent& indent : indents_) {
    if (key.indent != 0 && indent.id == key.indent) indent.state = state;
  }
  if (key.map_start != 0) token(key.map_start).state = state;
  token(key.key).state = state;
}

// There is no key at this level of nesting.
void Scanner::no_key() {
  if (keys_.empty() || keys_.back().flow_level != flows_.size()) return;
  settle(keys_.back(), State::Dropped);
  keys_.pop_back();
}

// Whether what stands before here is a key: it must be short and in this line.
bool Scanner::settle_key() {
  if (keys_.empty() || keys_.back().flow_level != flows_.size()) return false;
  const SimpleKey key = keys_.back();
  keys_.pop_back();
  const bool is_key =
      key.line_start == in_.line_start() && in_.offset() - key.offset <= kLongestKey;
  settle(key, is_key ? State::Sure : State::Dropped);
  return is_key;
}

}  // namespace gyr::yaml
