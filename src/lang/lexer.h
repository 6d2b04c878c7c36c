// SPDX-License-Identifier: Apache-2.0
// Reads tokens of the condition language where the parser asks for them: what a run of bytes means
// depends on the place (a bare string may hold "<", a field name may not).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ast.h"

namespace gyr {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  size_t offset() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }
  bool at_end() const { return at_ == text_.size(); }
  void skip_blanks();
  void advance(size_t bytes) { at_ += bytes; }

  // Each takes the token when it is next, else nothing; blanks in front are not skipped.
  bool take(std::string_view symbol);
  // A word followed by a blank, or by '(' when allowed.
  bool take_keyword(std::string_view word, bool before_parenthesis);
  std::string_view peek_identifier() const;  // [a-zA-Z][a-zA-Z0-9_]*
  std::string_view peek_field() const;       // two or more identifiers joined by dots
  std::string_view peek_number() const;
  std::string_view peek_bare() const;
  bool at_quote() const { return !at_end() && (text_[at_] == '"' || text_[at_] == '\''); }
  // The text between quotes with escapes resolved; nothing and a fault when it is not complete.
  std::optional<std::string> take_quoted(std::vector<TextFault>* faults);
  std::string_view peek_argument() const;  // bare text between brackets
  // The next word or symbol, for messages: never empty unless at the end.
  std::string_view peek_anything() const;

 private:
  bool take_escape(char quote, std::string& out, std::vector<TextFault>* faults);
  std::string_view text_;
  size_t at_ = 0;
};

TextFault fault_at(Place place, std::string message, Code code = Code::CompileCondition);

}  // namespace gyr
