// SPDX-License-Identifier: Apache-2.0
// YAML text → tokens, one when it is asked for. Knows indentation, flow nesting and simple keys
// (a key is only known as such when its ':' is seen, so tokens behind a possible key wait).
//
// What is accepted is what yaml-cpp 0.7, the parser of the reference, accepts: lenient where YAML
// is strict (an empty entry in "[a,,b]", any bytes in names of anchors, unknown directives), strict
// where it is lenient (tabs before the text of a folded scalar).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yaml/cursor.h"

namespace gyr::yaml {

struct Token {
  enum class Kind : uint8_t {
    Directive,  // words: its name and parameters
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockSequenceEnd,
    BlockMapStart,
    BlockMapEnd,
    BlockEntry,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMapStart,
    FlowMapEnd,
    FlowEntry,
    Key,
    Value,
    Anchor,  // text: the name
    Alias,   // text: the name
    Tag,     // words: the handle, "" if there is none, and the rest
    Plain,   // text
    Quoted,  // text; block scalars too
  };
  // A token that waits is one of a possible key; it becomes sure or is dropped.
  enum class State : uint8_t { Sure, Waits, Dropped };

  Kind kind;
  State state = State::Sure;
  size_t offset = 0;
  std::string text;
  std::vector<std::string> words;
};

struct ScanError {
  size_t offset;
  std::string message;
};

class Scanner {
 public:
  // The text must outlive the scanner.
  explicit Scanner(const std::string& text) : in_(text) {}

  // The token at hand; null at the end of the text and after an error.
  Token* peek();
  void pop();
  const std::optional<ScanError>& error() const { return error_; }
  // How far the text was read.
  size_t offset() const { return in_.offset(); }

 private:
  enum class Block : uint8_t { None, Sequence, Map };
  struct Indent {
    int column;
    Block block;
    Token::State state = Token::State::Sure;
    uint64_t id = 0;
  };
  // A place where a key may have begun, and what depends on it.
  struct SimpleKey {
    size_t offset;
    size_t line_start;
    size_t flow_level;
    uint64_t indent = 0;     // id; 0: none
    uint64_t map_start = 0;  // numbers of tokens; 0: none
    uint64_t key = 0;
  };
  enum class Flow : uint8_t { Sequence, Map };

  void scan_next();
  void scan_indicator();
  bool scan_document_level();
  bool scan_flow_level();
  void scan_to_token();
  void scan_directive();
  void scan_document_marker();
  void scan_flow_start();
  void scan_flow_end();
  void scan_flow_entry();
  void scan_block_entry();
  void scan_key();
  void scan_value();
  void scan_name();
  void scan_tag();
  void scan_verbatim_tag(Token& tag);
  std::string scan_tag_bytes();
  bool at_key() const;
  bool at_value() const;
  bool at_plain() const;
  bool at_block_entry() const { return in_.peek() == '-' && in_.gap_or_end(1); }

  // scalars.cpp
  struct BlockStyle;
  void scan_plain();
  bool scan_plain_line(std::string& text);
  void skip_plain_margin(int indent);
  bool at_plain_end() const;
  void scan_quoted();
  std::string scan_quoted_text(char quote);
  bool scan_quoted_line(char quote, std::string& text, size_t& escaped_end);
  void scan_escape(char quote, std::string& text);
  void scan_code_point(size_t digits, std::string& text);
  void scan_block();
  BlockStyle scan_block_header();
  std::string scan_block_text(BlockStyle style);

  bool in_flow() const { return !flows_.empty(); }
  void fail(size_t offset, std::string message);
  uint64_t push(Token::Kind kind, size_t offset);
  void push_text(Token::Kind kind, size_t offset, std::string text);
  Token& token(uint64_t number) { return tokens_[number - first_]; }

  uint64_t push_indent(int column, Block block, uint64_t* map_start);
  void pop_indents_to_here();
  void pop_all_indents();
  void pop_indent();

  void may_be_key();
  void no_key();
  bool settle_key();
  void settle(const SimpleKey& key, Token::State state);

  Cursor in_;
  std::optional<ScanError> error_;
  std::deque<Token> tokens_;
  uint64_t first_ = 1;                                 // number of the token at the front
  std::vector<Indent> indents_ = {{-1, Block::None}};  // the first one stays
  uint64_t next_indent_ = 1;
  std::vector<Flow> flows_;
  std::vector<SimpleKey> keys_;
  bool key_allowed_ = true;
  bool after_json_ = false;  // behind a quoted scalar or a flow collection ':' needs no gap
  bool ended_ = false;
};

}  // namespace gyr::yaml
