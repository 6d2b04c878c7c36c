// SPDX-License-Identifier: Apache-2.0
// Recursion is bounded: each level opens a collection, and the builder refuses more than kMaxDepth.
#include "yaml/parser.h"

#include <charconv>
#include <utility>

namespace gyr::yaml {

using TokenKind = Token::Kind;

Token* Parser::peek() {
  if (out_.failed()) return nullptr;
  Token* token = in_.peek();
  if (in_.error()) fail(in_.error()->offset, in_.error()->message);
  return token;
}

bool Parser::at(TokenKind kind) {
  const Token* token = peek();
  return token != nullptr && token->kind == kind;
}

void Parser::run() {
  directives();
  while (peek() != nullptr) {
    document();
    directives();
  }
}

// Directives hold for all documents that follow, until there are others.
void Parser::directives() {
  bool first = true;
  while (at(TokenKind::Directive)) {
    if (first) {
      version_seen_ = false;
      handles_.clear();
    }
    first = false;
    directive(*peek());
    if (!out_.failed()) in_.pop();
  }
}

void Parser::directive(const Token& token) {
  if (token.words[0] == "YAML") return version_directive(token);
  if (token.words[0] != "TAG") return;
  if (token.words.size() != 3)
    return fail(token.offset, "TAG directives must have exactly two arguments");
  if (!handles_.emplace(token.words[1], token.words[2]).second)
    fail(token.offset, "repeated TAG directive");
}

void Parser::version_directive(const Token& token) {
  if (token.words.size() != 2)
    return fail(token.offset, "YAML directives must have exactly one argument");
  if (version_seen_) return fail(token.offset, "repeated YAML directive");
  const std::string& text = token.words[1];
  const char* end = text.data() + text.size();
  unsigned major = 0;
  unsigned minor = 0;
  const auto dot = std::from_chars(text.data(), end, major);
  const bool more = dot.ec == std::errc() && dot.ptr != end;
  const auto stop = std::from_chars(more ? dot.ptr + 1 : end, end, minor);
  if (stop.ec != std::errc() || stop.ptr != end)
    return fail(token.offset, "bad YAML version: " + text);
  if (major > 1) return fail(token.offset, "YAML major version too large");
  version_seen_ = true;
}

void Parser::document() {
  anchors_.clear();
  last_anchor_ = 0;
  out_.begin_document(peek()->offset);
  if (at(TokenKind::DocumentStart)) in_.pop();
  node(Inside::Nothing);
  while (at(TokenKind::DocumentEnd)) in_.pop();
}

void Parser::node(Inside inside) {
  const Token* token = peek();
  if (token == nullptr) return out_.null(in_.offset(), 0);
  if (token->kind == TokenKind::Value) {
    out_.open({token->offset, "?", 0}, Kind::Map);
    pair_without_key();
    return out_.close();
  }
  if (alias()) return;
  Properties found{token->offset, {}, 0};
  if (properties(&found)) content(std::move(found), inside);
}

bool Parser::alias() {
  const Token* token = peek();
  if (token == nullptr || token->kind != TokenKind::Alias) return false;
  const auto named = anchors_.find(token->text);
  if (named == anchors_.end()) {
    fail(token->offset, "the referenced anchor is not defined");
    return true;
  }
  out_.alias(token->offset, named->second);
  in_.pop();
  return true;
}

// Tags and anchors before a value; false after a fault.
bool Parser::properties(Properties* found) {
  while (const Token* token = peek()) {
    if (token->kind == TokenKind::Tag) {
      if (!found->tag.empty()) fail(token->offset, "cannot assign multiple tags to the same node");
      found->tag = resolve(*token);
    } else if (token->kind == TokenKind::Anchor) {
      if (found->anchor != 0)
        fail(token->offset, "cannot assign multiple anchors to the same node");
      found->anchor = anchors_[token->text] = ++last_anchor_;
    } else {
      return true;
    }
    if (!out_.failed()) in_.pop();
  }
  return !out_.failed();
}

std::string Parser::resolve(const Token& tag) const {
  const std::string& handle = tag.words[0];
  const auto known = handles_.find(handle);
  if (handle.empty()) return tag.words[1];
  if (known != handles_.end()) return known->second + tag.words[1];
  return (handle == "!!" ? "tag:yaml.org,2002:" : handle) + tag.words[1];
}

void Parser::content(Properties found, Inside inside) {
  Token* token = peek();
  if (token == nullptr) return out_.null(found.offset, found.anchor);
  if (found.tag.empty()) found.tag = token->kind == TokenKind::Quoted ? "!" : "?";
  const bool tagged = found.tag != "?";
  if (token->kind == TokenKind::Plain || token->kind == TokenKind::Quoted) {
    const std::string& text = token->text;
    const bool null =
        token->kind == TokenKind::Plain && !tagged &&
        (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
    if (null) {
      out_.null(found.offset, found.anchor);
    } else {
      out_.scalar(found, std::move(token->text));
    }
    in_.pop();
    return;
  }
  if (token->kind == TokenKind::Key && inside == Inside::FlowSequence) return pair(found);
  const bool collects =
      token->kind == TokenKind::BlockSequenceStart || token->kind == TokenKind::BlockMapStart ||
      token->kind == TokenKind::FlowSequenceStart || token->kind == TokenKind::FlowMapStart;
  if (collects) return collection(found, token->kind);
  if (tagged) return out_.scalar(found, "");
  out_.null(found.offset, found.anchor);
}

void Parser::collection(const Properties& found, TokenKind kind) {
  const bool sequence =
      kind == TokenKind::BlockSequenceStart || kind == TokenKind::FlowSequenceStart;
  out_.open(found, sequence ? Kind::Sequence : Kind::Map);
  if (out_.failed()) return;
  in_.pop();
  if (kind == TokenKind::BlockSequenceStart) {
    block_sequence();
  } else if (kind == TokenKind::FlowSequenceStart) {
    flow_sequence();
  } else if (kind == TokenKind::BlockMapStart) {
    block_map();
  } else {
    flow_map();
  }
  out_.close();
}

void Parser::block_sequence() {
  while (!out_.failed()) {
    const Token* token = peek();
    const size_t offset = token != nullptr ? token->offset : in_.offset();
    const bool end = at(TokenKind::BlockSequenceEnd);
    if (!end && !at(TokenKind::BlockEntry)) return fail(offset, "end of sequence not found");
    in_.pop();
    if (end) return;
    if (at(TokenKind::BlockEntry) || at(TokenKind::BlockSequenceEnd)) {
      out_.null(peek()->offset, 0);
    } else {
      node(Inside::Block);
    }
  }
}

void Parser::flow_sequence() {
  while (!out_.failed()) {
    if (peek() == nullptr) return fail(in_.offset(), "end of sequence flow not found");
    if (at(TokenKind::FlowSequenceEnd)) return in_.pop();
    node(Inside::FlowSequence);
    const Token* token = peek();
    if (at(TokenKind::FlowEntry)) {
      in_.pop();
    } else if (!at(TokenKind::FlowSequenceEnd)) {
      fail(token != nullptr ? token->offset : in_.offset(), "end of sequence flow not found");
    }
  }
}

void Parser::block_map() {
  while (!out_.failed()) {
    const Token* token = peek();
    const size_t offset = token != nullptr ? token->offset : in_.offset();
    if (at(TokenKind::BlockMapEnd)) return in_.pop();
    if (at(TokenKind::Key)) {
      in_.pop();
      node(Inside::Block);
    } else if (at(TokenKind::Value)) {
      out_.null(offset, 0);
    } else {
      return fail(offset, "end of map not found");
    }
    value_or_null(offset, Inside::Block);
  }
}

void Parser::flow_map() {
  while (!out_.failed()) {
    const Token* token = peek();
    if (token == nullptr) return fail(in_.offset(), "end of map flow not found");
    const size_t offset = token->offset;
    if (at(TokenKind::FlowMapEnd)) return in_.pop();
    if (at(TokenKind::Key)) {
      in_.pop();
      node(Inside::FlowMap);
    } else {
      out_.null(offset, 0);
    }
    value_or_null(offset, Inside::FlowMap);
    token = peek();
    if (at(TokenKind::FlowEntry)) {
      in_.pop();
    } else if (!at(TokenKind::FlowMapEnd)) {
      fail(token != nullptr ? token->offset : in_.offset(), "end of map flow not found");
    }
  }
}

// "a: b" in a flow sequence.
void Parser::pair(const Properties& found) {
  out_.open(found, Kind::Map);
  if (out_.failed()) return;
  const size_t offset = peek()->offset;
  in_.pop();
  node(Inside::Pair);
  value_or_null(offset, Inside::Pair);
  out_.close();
}

// ": b" where a value is expected.
void Parser::pair_without_key() {
  if (out_.failed()) return;
  out_.null(peek()->offset, 0);
  in_.pop();
  node(Inside::Pair);
}

void Parser::value_or_null(size_t offset, Inside inside) {
  if (!at(TokenKind::Value)) return out_.null(offset, 0);
  in_.pop();
  node(inside);
}

}  // namespace gyr::yaml
