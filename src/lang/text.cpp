// SPDX-License-Identifier: Apache-2.0
// Conditions as text and as lists of what they mention.
#include "base/add_once.h"
#include "lang/ast.h"

namespace gyr {
namespace {

// A text that would not be read back as the same bare string gets quotes.
std::string value_text(const Term& term) {
  const bool bare = !term.quoted && !term.text.empty();
  if (bare) return term.text;
  std::string out = "\"";
  for (const char c : term.text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string term_text(const Term& term);

std::string items_text(const Term& term) {
  std::string out = "(";
  for (size_t i = 0; i < term.items.size(); ++i) {
    if (i > 0) out += ", ";
    out += term_text(term.items[i]);
  }
  return out + ')';
}

std::string term_text(const Term& term) {
  switch (term.kind) {
    case Term::Kind::Field:
      return term.has_argument ? term.text + '[' + term.argument + ']' : term.text;
    case Term::Kind::Text:
      return value_text(term);
    case Term::Kind::Name:
      return term.text;
    case Term::Kind::List:
      return items_text(term);
    case Term::Kind::Call:
      return term.text + items_text(term) +
             (term.has_argument ? '[' + term.argument + ']' : std::string());
  }
  return {};
}

std::string operator_text(const Check& check) {
  std::string out = check.operator_text;
  if (check.modifier != Modifier::None) out += ' ' + std::string(text_of(check.modifier));
  return out;
}

std::string check_text(const Check& check) {
  std::string out = term_text(check.left) + ' ' + operator_text(check);
  if (check.op == Operator::Exists) return out;
  const bool val = check.right_is_value && check.right.kind == Term::Kind::Field;
  return out + (val ? " val(" : " ") + term_text(check.right) + (val ? ")" : "");
}

void write(const Expr& expr, std::string* out) {
  switch (expr.kind) {
    case Expr::Kind::Check:
      *out += check_text(*expr.check);
      return;
    case Expr::Kind::Macro:
      if (expr.children.empty()) {
        *out += expr.macro;
      } else {
        write(*expr.children.front(), out);
      }
      return;
    case Expr::Kind::Not:
      *out += "not ";
      write(*expr.children.front(), out);
      return;
    case Expr::Kind::And:
    case Expr::Kind::Or:
      break;
  }
  *out += '(';
  for (size_t i = 0; i < expr.children.size(); ++i) {
    if (i > 0) *out += expr.kind == Expr::Kind::And ? " and " : " or ";
    write(*expr.children[i], out);
  }
  *out += ')';
}

void collect_fields(const Term& term, Mentions* found) {
  if (term.kind == Term::Kind::Field) add_once(&found->fields, term_text(term));
  for (const Term& item : term.items) collect_fields(item, found);
}

void collect(const Expr& expr, Mentions* found) {
  if (expr.kind == Expr::Kind::Macro) add_once(&found->macros, expr.macro);
  if (expr.check) {
    collect_fields(expr.check->left, found);
    if (expr.check->op != Operator::Exists) collect_fields(expr.check->right, found);
    add_once(&found->operators, operator_text(*expr.check));
  }
  for (const ExprPtr& child : expr.children) collect(*child, found);
}

}  // namespace

Mentions mentions(const Expr& expr) {
  Mentions found;
  collect(expr, &found);
  return found;
}

std::string to_text(const Expr& expr) {
  std::string out;
  write(expr, &out);
  return out;
}

}  // namespace gyr
