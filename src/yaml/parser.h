// SPDX-License-Identifier: Apache-2.0
// Tokens → events: the grammar of documents and collections, directives, tags, names of anchors.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "yaml/builder.h"
#include "yaml/scanner.h"

namespace gyr::yaml {

class Parser {
 public:
  // `text` is that of the builder's document; both must outlive the parser.
  Parser(const std::string& text, Builder* builder) : in_(text), out_(*builder) {}

  // Parses all documents; an error is with the builder.
  void run();

 private:
  // What the innermost collection is: a single pair without braces is a map in "[a: b]" only.
  enum class Inside : uint8_t { Nothing, Block, FlowSequence, FlowMap, Pair };

  // The token at hand, if there is one and nothing failed.
  Token* peek();
  bool at(Token::Kind kind);
  void fail(size_t offset, std::string message) { out_.fail(offset, std::move(message)); }

  void directives();
  void directive(const Token& token);
  void version_directive(const Token& token);
  void document();
  void node(Inside inside);
  bool properties(Properties* found);
  std::string resolve(const Token& tag) const;
  bool alias();
  void content(Properties found, Inside inside);
  void collection(const Properties& found, Token::Kind kind);
  void block_sequence();
  void flow_sequence();
  void block_map();
  void flow_map();
  void pair(const Properties& found);
  void pair_without_key();
  void value_or_null(size_t offset, Inside inside);

  Scanner in_;
  Builder& out_;
  bool version_seen_ = false;
  std::unordered_map<std::string, std::string> handles_;
  std::unordered_map<std::string, uint64_t> anchors_;  // of the document
  uint64_t last_anchor_ = 0;
};

}  // namespace gyr::yaml
