// SPDX-License-Identifier: Apache-2.0
// The grammar of docs/rule-language.md. And, or, not and parentheses are read with a stack of our
// own, so nesting costs no machine stack; it is refused beyond kMaxDepth because later passes walk
// the tree by recursion. Nesting of transformers is recursive and bounded by kMaxCallDepth.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "lang/condition.h"
#include "lang/lexer.h"

namespace gyr {

void measure(Expr& expr) {
  expr.depth = 1;
  expr.nodes = 1;
  for (const ExprPtr& child : expr.children) {
    expr.depth = std::max(expr.depth, child->depth + 1);
    expr.nodes = std::min(expr.nodes + child->nodes, kMaxNodes + 1);
  }
}

namespace {

struct OperatorRow {
  std::string_view text;
  Operator op;
  bool word;
};
// Longer symbols before their prefixes.
constexpr auto kOperators = std::to_array<OperatorRow>({
    {"<=", Operator::LessEqual, false},
    {"<", Operator::Less, false},
    {">=", Operator::GreaterEqual, false},
    {">", Operator::Greater, false},
    {"==", Operator::Equal, false},
    {"=", Operator::Equal, false},
    {"!=", Operator::NotEqual, false},
    {"exists", Operator::Exists, true},
    {"glob", Operator::Glob, true},
    {"iglob", Operator::IGlob, true},
    {"contains", Operator::Contains, true},
    {"icontains", Operator::IContains, true},
    {"bcontains", Operator::BContains, true},
    {"startswith", Operator::StartsWith, true},
    {"bstartswith", Operator::BStartsWith, true},
    {"endswith", Operator::EndsWith, true},
    {"regex", Operator::Regex, true},
    {"in", Operator::In, true},
    {"intersects", Operator::Intersects, true},
    {"pmatch", Operator::PMatch, true},
});
constexpr auto kModifiers = std::to_array<std::pair<std::string_view, Modifier>>(
    {{"oneof", Modifier::OneOf}, {"anyof", Modifier::AnyOf}, {"allof", Modifier::AllOf}});
constexpr auto kFunctions = std::to_array<std::string_view>(
    {"toupper", "tolower", "b64", "basename", "len", "join", "concat", "getopt"});

constexpr size_t kMaxCallDepth = 64;

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() < 2) return {};
  const std::string_view best = closest(to_lower(word), candidates);
  return best.empty() ? std::string() : fmt::format("; did you mean '{}'?", best);
}

// The word that a user of other languages means by it, empty if it is none of theirs.
std::string_view foreign_word(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> kForeign[] = {
      {"&&", "and"}, {"&", "and"}, {"||", "or"}, {"|", "or"}, {"!", "not"}};
  for (const auto& [theirs, ours] : kForeign) {
    if (word.starts_with(theirs)) return ours;
  }
  const std::string lower = to_lower(word);
  for (const std::string_view ours : {"and", "or", "not"}) {
    if (lower == ours && word != ours) return ours;
  }
  return {};
}

class Parser {
 public:
  Parser(std::string_view text, std::vector<TextFault>* faults) : lexer_(text), faults_(faults) {}

  ExprPtr parse() {
    lexer_.skip_blanks();
    if (lexer_.at_end()) return fail("a condition is expected, but the text is empty");
    ExprPtr result = parse_expression();
    if (!result) return nullptr;
    lexer_.skip_blanks();
    if (!lexer_.at_end()) return fail(after_expression());
    return result;
  }

 private:
  // What stands inside one pair of parentheses, as far as it was read.
  struct Frame {
    size_t or_start = 0;
    size_t and_start = 0;
    size_t not_start = 0;
    size_t nots = 0;  // in front of the operand that is read next
    std::vector<ExprPtr> ors;
    std::vector<ExprPtr> ands;
  };
  // Counts nesting of calls on the way down.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser), ok(++parser.calls_ <= kMaxCallDepth) {
      if (!ok) parser.fail(fmt::format("nested more than {} levels deep", kMaxCallDepth));
    }
    ~Level() { --parser_.calls_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;

   public:
    const bool ok;
  };

  std::nullptr_t fail(std::string message) {
    return fail_at({lexer_.offset(), lexer_.peek_anything().size()}, std::move(message));
  }
  std::nullptr_t fail_at(Place place, std::string message) {
    if (faults_->empty()) faults_->push_back(fault_at(place, std::move(message)));
    return nullptr;
  }
  Place since(size_t start) const { return {start, lexer_.offset() - start}; }

  std::string found() const {
    if (lexer_.at_end()) return "the end of the text";
    return fmt::format("'{}'", lexer_.peek_anything());
  }
  std::string after_expression() const {
    const std::string_view word = lexer_.peek_anything();
    if (word == ")") return "this ')' closes nothing";
    if (word == "and" || word == "or") return nothing_behind(word);
    if (word == "not") return "'and' or 'or' is expected in front of 'not'";
    static constexpr std::array<std::string_view, 2> kWords = {"and", "or"};
    const std::string_view meant = foreign_word(word);
    return fmt::format("'and', 'or' or the end of the condition is expected, not {}{}", found(),
                       meant.empty() || meant == "not" ? suggestion(word, kWords)
                                                       : fmt::format("; write '{}'", meant));
  }
  // At "and", "or" or "not" that was not taken for want of a blank.
  std::string nothing_behind(std::string_view word) const {
    const std::string_view behind = lexer_.rest().substr(word.size());
    if (!behind.empty() && behind.front() != ')') {
      return fmt::format("a blank is expected behind '{}'", word);
    }
    return fmt::format("something must follow '{}': a check, a macro or a parenthesis", word);
  }
  // Where a check is expected.
  std::string no_check() const {
    const std::string_view word = lexer_.peek_anything();
    if (word == "not") return nothing_behind(word);
    return fmt::format("a field, a macro, 'not' or '(' is expected, not {}{}", found(),
                       foreign_word(word) == "not" ? "; write 'not'" : "");
  }
  // Whether what follows a bare word shows that it was meant as an operator in front of a check.
  bool check_follows(std::string_view word) const {
    const std::string_view behind = trim(lexer_.rest().substr(word.size()));
    return !behind.empty() && behind.front() != ')' && !behind.starts_with("and") &&
           !behind.starts_with("or");
  }

  ExprPtr parse_expression();
  bool open_frame();
  bool begin_operand();
  ExprPtr close_frames(ExprPtr operand, bool* more);
  ExprPtr with_nots(ExprPtr inner);
  ExprPtr chain(Expr::Kind kind, std::vector<ExprPtr>& parts, size_t start) const;
  ExprPtr parse_check();
  bool parse_operand(Term& term);
  bool parse_field(Term& term);
  bool parse_call(Term& term);
  bool parse_call_argument(Term& term);
  bool parse_list(Term& term, bool of_operands);
  bool parse_operator(Check& check);
  bool parse_right(Check& check);
  bool parse_value(Term& term);
  bool parse_number(Term& term);
  bool parse_val_or_call(Check& check, bool& taken);
  bool expect(std::string_view symbol, std::string_view why);

  Lexer lexer_;
  std::vector<TextFault>* faults_;
  std::vector<Frame> frames_;
  size_t calls_ = 0;
};

bool Parser::expect(std::string_view symbol, std::string_view why) {
  lexer_.skip_blanks();
  if (lexer_.take(symbol)) return true;
  fail(fmt::format("'{}' is expected {}, not {}", symbol, why, found()));
  return false;
}

ExprPtr Parser::chain(Expr::Kind kind, std::vector<ExprPtr>& parts, size_t start) const {
  ExprPtr only = parts.size() == 1 ? parts.front() : nullptr;
  if (!only) {
    auto result = std::make_shared<Expr>();
    result->kind = kind;
    result->place = since(start);
    result->children = parts;
    measure(*result);
    only = std::move(result);
  }
  parts.clear();
  return only;
}

// "not not x" keeps both words in listings; more than two mean what one or two mean.
ExprPtr Parser::with_nots(ExprPtr inner) {
  const Frame& frame = frames_.back();
  const size_t count = frame.nots == 0 ? 0 : 2 - frame.nots % 2;
  for (size_t i = 0; i < count; ++i) {
    auto result = std::make_shared<Expr>();
    result->kind = Expr::Kind::Not;
    result->place = since(frame.not_start);
    result->children = {std::move(inner)};
    measure(*result);
    inner = std::move(result);
  }
  return inner;
}

bool Parser::open_frame() {
  if (frames_.size() > kMaxDepth) {
    fail(fmt::format("nested more than {} levels deep", kMaxDepth));
    return false;
  }
  lexer_.skip_blanks();
  Frame frame;
  frame.or_start = frame.and_start = lexer_.offset();
  frames_.push_back(std::move(frame));
  return true;
}

// Reads "not" and "(" up to the check that comes next.
bool Parser::begin_operand() {
  while (true) {
    lexer_.skip_blanks();
    Frame& frame = frames_.back();
    frame.not_start = lexer_.offset();
    for (frame.nots = 0; lexer_.take_keyword("not", true); ++frame.nots) lexer_.skip_blanks();
    if (!lexer_.take("(")) return true;
    if (!open_frame()) return false;
  }
}

// Takes the operand, and all parentheses that close behind it. Null with *more set: another operand
// follows; null without: a fault.
ExprPtr Parser::close_frames(ExprPtr operand, bool* more) {
  *more = false;
  while (true) {
    Frame& frame = frames_.back();
    frame.ands.push_back(with_nots(std::move(operand)));
    lexer_.skip_blanks();
    *more = lexer_.take_keyword("and", true);
    if (*more) return nullptr;
    frame.ors.push_back(chain(Expr::Kind::And, frame.ands, frame.and_start));
    *more = lexer_.take_keyword("or", true);
    if (*more) {
      lexer_.skip_blanks();
      frame.and_start = lexer_.offset();
      return nullptr;
    }
    operand = chain(Expr::Kind::Or, frame.ors, frame.or_start);
    if (frames_.size() == 1) return operand;
    if (!lexer_.at_end() && lexer_.rest().front() != ')') return fail(after_expression());
    if (!expect(")", "to close the parenthesis")) return nullptr;
    frames_.pop_back();
  }
}

ExprPtr Parser::parse_expression() {
  if (!open_frame()) return nullptr;
  bool more = true;
  while (more) {
    if (!begin_operand()) return nullptr;
    ExprPtr operand = parse_check();
    if (!operand) return nullptr;
    if (ExprPtr whole = close_frames(std::move(operand), &more)) return whole;
  }
  return nullptr;
}

ExprPtr Parser::parse_check() {
  const size_t start = lexer_.offset();
  auto result = std::make_shared<Expr>();
  const std::string_view word = lexer_.peek_identifier();
  const bool field = !lexer_.peek_field().empty();
  const std::string_view behind = lexer_.rest().substr(word.size());
  if (word.empty()) {
    return fail(no_check());
  }
  if (!field && !behind.starts_with('(')) {
    const bool foreign_not = foreign_word(word) == "not" && check_follows(word);
    if (word == "and" || word == "or" || word == "not" || foreign_not) return fail(no_check());
    lexer_.advance(word.size());
    result->kind = Expr::Kind::Macro;
    result->macro = std::string(word);
    result->place = since(start);
    return result;
  }
  auto check = std::make_shared<Check>();
  if (!parse_operand(check->left) || !parse_operator(*check)) return nullptr;
  if (class_of(check->op) != OperatorClass::Unary && !parse_right(*check)) return nullptr;
  result->place = since(start);
  result->check = std::move(check);
  return result;
}

bool Parser::parse_operand(Term& term) {
  return lexer_.peek_field().empty() ? parse_call(term) : parse_field(term);
}

bool Parser::parse_field(Term& term) {
  const size_t start = lexer_.offset();
  const std::string_view name = lexer_.peek_field();
  if (name.empty()) {
    fail(fmt::format("a field is expected, not {}", found()));
    return false;
  }
  term.kind = Term::Kind::Field;
  term.text = std::string(name);
  lexer_.advance(name.size());
  if (lexer_.take("[")) {
    term.has_argument = true;
    if (lexer_.at_quote()) {
      auto argument = lexer_.take_quoted(faults_);
      if (!argument) return false;
      term.argument = *std::move(argument);
    } else {
      const std::string_view argument = lexer_.peek_argument();
      if (argument.empty()) {
        fail(fmt::format("an argument for {} is expected between the brackets", term.text));
        return false;
      }
      term.argument = std::string(argument);
      lexer_.advance(argument.size());
    }
    if (!expect("]", "behind the argument")) return false;
  }
  term.place = since(start);
  return true;
}

bool Parser::parse_call(Term& term) {
  const Level level(*this);
  if (!level.ok) return false;
  const size_t start = lexer_.offset();
  const std::string_view name = lexer_.peek_identifier();
  if (std::find(kFunctions.begin(), kFunctions.end(), name) == kFunctions.end()) {
    fail_at({start, name.size()},
            name == "val" ? std::string("'val' may stand only on the right side of an operator")
            : foreign_word(name) == "not"
                ? fmt::format("'{}' is no word of conditions; write 'not'", name)
                : fmt::format("'{}' is not a transformer{}", name, suggestion(name, kFunctions)));
    return false;
  }
  term.kind = Term::Kind::Call;
  term.text = std::string(name);
  lexer_.advance(name.size());
  if (!expect("(", "behind the transformer's name")) return false;
  do {
    lexer_.skip_blanks();
    Term argument;
    if (!parse_call_argument(argument)) return false;
    term.items.push_back(std::move(argument));
    lexer_.skip_blanks();
  } while (lexer_.take(","));
  if (!expect(")", "behind the transformer's arguments")) return false;
  if (lexer_.take("[")) {
    const std::string_view option = lexer_.peek_argument();
    term.has_argument = true;
    term.argument = std::string(option);
    lexer_.advance(option.size());
    if (!expect("]", "behind the option")) return false;
  }
  term.place = since(start);
  return true;
}

bool Parser::parse_call_argument(Term& term) {
  const size_t start = lexer_.offset();
  if (lexer_.take("(")) return parse_list(term, true);
  if (lexer_.at_quote()) return parse_value(term);
  if (!lexer_.peek_field().empty()) return parse_field(term);
  if (!lexer_.peek_identifier().empty()) return parse_call(term);
  const std::string_view number = lexer_.peek_number();
  if (number.empty()) {
    fail(fmt::format("a field, a transformer, a quoted text or a number is expected, not {}",
                     found()));
    return false;
  }
  lexer_.advance(number.size());
  term.text = std::string(number);
  term.place = since(start);
  return true;
}

// Behind the "(".
bool Parser::parse_list(Term& term, bool of_operands) {
  const Level level(*this);
  if (!level.ok) return false;
  const size_t start = lexer_.offset() - 1;
  term.kind = Term::Kind::List;
  lexer_.skip_blanks();
  if (lexer_.take(")")) {
    term.place = since(start);
    return true;
  }
  do {
    lexer_.skip_blanks();
    Term item;
    if (!(of_operands ? parse_call_argument(item) : parse_value(item))) return false;
    term.items.push_back(std::move(item));
    lexer_.skip_blanks();
  } while (lexer_.take(","));
  if (!lexer_.take(")")) {
    fail(fmt::format("',' or ')' is expected behind a value of the list, not {}", found()));
    return false;
  }
  term.place = since(start);
  return true;
}

bool Parser::parse_operator(Check& check) {
  lexer_.skip_blanks();
  const size_t start = lexer_.offset();
  const std::string_view word = lexer_.peek_identifier();
  for (const OperatorRow& row : kOperators) {
    if (row.word ? word != row.text : !lexer_.rest().starts_with(row.text)) continue;
    lexer_.advance(row.text.size());
    check.op = row.op;
    check.operator_text = std::string(row.text);
    check.operator_place = since(start);
    const bool needs_blank = row.word && class_of(row.op) == OperatorClass::Text;
    const size_t before = lexer_.offset();
    lexer_.skip_blanks();
    if (needs_blank && lexer_.offset() == before && !lexer_.at_end()) {
      fail(fmt::format("a blank is expected behind '{}'", row.text));
      return false;
    }
    return true;
  }
  if (word == "not") {
    const std::string_view next = trim(lexer_.rest().substr(word.size()));
    const std::string_view op = next.substr(0, next.find_first_of(" \t\r\n("));
    fail(fmt::format("'not' stands in front of the field: write 'not {} {} ...'", check.left.text,
                     op));
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(kOperators.size());
  for (const OperatorRow& row : kOperators) names.push_back(row.text);
  fail(fmt::format("an operator is expected behind '{}', not {}{}", check.left.text, found(),
                   suggestion(lexer_.peek_anything(), names)));
  return false;
}

bool Parser::parse_right(Check& check) {
  const OperatorClass kind = class_of(check.op);
  if (kind == OperatorClass::Text) {
    for (const auto& [word, modifier] : kModifiers) {
      if (lexer_.take_keyword(word, true)) check.modifier = modifier;
    }
  }
  bool taken = false;
  if (check.modifier == Modifier::None) {
    if (!parse_val_or_call(check, taken)) return false;
    if (taken) return true;
  }
  lexer_.skip_blanks();
  if (kind == OperatorClass::Order) return parse_number(check.right);
  if (kind == OperatorClass::Text && check.modifier == Modifier::None) {
    return parse_value(check.right);
  }
  if (lexer_.take("(")) return parse_list(check.right, false);
  const size_t start = lexer_.offset();
  const std::string_view name = lexer_.peek_identifier();
  if (name.empty() || name == "oneof" || name == "anyof" || name == "allof") {
    fail(fmt::format("a list in parentheses is expected behind '{}', not {}", check.operator_text,
                     found()));
    return false;
  }
  lexer_.advance(name.size());
  check.right.kind = Term::Kind::Name;
  check.right.text = std::string(name);
  check.right.place = since(start);
  return true;
}

// Takes val(field) or a transformer when one is next.
bool Parser::parse_val_or_call(Check& check, bool& taken) {
  const std::string_view name = lexer_.peek_identifier();
  if (name.empty() || !lexer_.rest().substr(name.size()).starts_with('(')) return true;
  const bool function = std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end();
  if (name != "val" && !function) return true;
  taken = true;
  check.right_is_value = true;
  if (function) return parse_call(check.right);
  lexer_.advance(4);
  lexer_.skip_blanks();
  return parse_field(check.right) && expect(")", "behind the field");
}

bool Parser::parse_value(Term& term) {
  const size_t start = lexer_.offset();
  if (lexer_.at_quote()) {
    auto text = lexer_.take_quoted(faults_);
    if (!text) return false;
    term.text = *std::move(text);
    term.quoted = true;
  } else {
    const std::string_view bare = lexer_.peek_bare();
    if (bare.empty()) {
      fail(fmt::format("a value is expected, not {}", found()));
      return false;
    }
    if (bare.find('\0') != std::string_view::npos) {
      fail("a NUL byte cannot be part of a text");
      return false;
    }
    term.text = std::string(bare);
    lexer_.advance(bare.size());
  }
  term.place = since(start);
  return true;
}

bool Parser::parse_number(Term& term) {
  const size_t start = lexer_.offset();
  const std::string_view number = lexer_.peek_number();
  if (number.empty()) {
    fail(fmt::format("a number, a transformer or val() is expected, not {}", found()));
    return false;
  }
  term.text = std::string(number);
  lexer_.advance(number.size());
  term.place = since(start);
  return true;
}

}  // namespace

ExprPtr parse_condition(std::string_view text, std::vector<TextFault>* faults) {
  std::vector<TextFault> own;
  ExprPtr result = Parser(text, &own).parse();
  if (!own.empty()) result = nullptr;
  faults->insert(faults->end(), own.begin(), own.end());
  return result;
}

}  // namespace gyr
