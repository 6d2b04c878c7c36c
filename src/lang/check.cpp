// SPDX-License-Identifier: Apache-2.0
// Syntax tree → checked tree: fields resolved, operators checked against types, constants
// converted.
#include "lang/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "lang/checked.h"
#include "lang/constants.h"
#include "lang/lexer.h"

namespace gyr {
namespace {

constexpr size_t kMaxArguments = 64;

bool is_ordering(Operator op) { return class_of(op) == OperatorClass::Order; }
bool is_hex(Operator op) { return op == Operator::BContains || op == Operator::BStartsWith; }

// The matrix of types and operators. Ordering of text is accepted and selects nothing.
bool allowed(Operator op, Family family, bool is_list) {
  switch (op) {
    case Operator::Exists:
    case Operator::In:
    case Operator::Intersects:
      return true;
    case Operator::Equal:
    case Operator::NotEqual:
      return !is_list;
    case Operator::Less:
    case Operator::LessEqual:
    case Operator::Greater:
    case Operator::GreaterEqual:
      return !is_list && (family == Family::Unsigned || family == Family::Signed ||
                          family == Family::Double || family == Family::Text);
    case Operator::Contains:
    case Operator::StartsWith:
    case Operator::EndsWith:
      return !is_list && (family == Family::Text || family == Family::Blob);
    case Operator::BContains:
    case Operator::BStartsWith:
      return !is_list && family == Family::Blob;
    case Operator::IContains:
    case Operator::Glob:
    case Operator::IGlob:
    case Operator::PMatch:
    case Operator::Regex:
      return !is_list && family == Family::Text;
  }
  return false;
}

std::string_view family_text(Family family) {
  switch (family) {
    case Family::Unsigned:
    case Family::Signed:
    case Family::Double:
      return "a number";
    case Family::Bool:
      return "true or false";
    case Family::Text:
      return "text";
    case Family::Blob:
      return "bytes";
    case Family::Ip:
      return "an IP address";
    case Family::Net:
      return "a network";
    case Family::None:
      return "of a type that cannot be compared";
  }
  return "";
}

struct FunctionRow {
  Function function;
  size_t arguments_min;
  size_t arguments_max;
};
constexpr auto kFunctions = std::to_array<FunctionRow>({
    {Function::ToUpper, 1, 1},
    {Function::ToLower, 1, 1},
    {Function::Base64, 1, 1},
    {Function::Basename, 1, 1},
    {Function::Len, 1, 1},
    {Function::Join, 2, 2},
    {Function::Concat, 1, kMaxArguments},
    {Function::GetOpt, 2, 2},
});

bool argument_fits(Function function, size_t index, const Operand& argument) {
  const Family family = family_of(argument.type);
  switch (function) {
    case Function::ToUpper:
    case Function::ToLower:
    case Function::Basename:
      return family == Family::Text;
    case Function::Base64:
      return family == Family::Text || family == Family::Blob;
    case Function::Len:
      return argument.is_list || family == Family::Text || family == Family::Blob;
    case Function::Join:
      return index == 0 ? family == Family::Text && !argument.is_list : argument.is_list;
    case Function::Concat:
      return !argument.is_list;
    case Function::GetOpt:
      return index == 0 ? family == Family::Text
                        : argument.kind == Operand::Kind::Text || family == Family::Text;
  }
  return false;
}

// Whether one typing error makes one word of the other: a letter too many, too few, wrong, or two
// neighbours swapped.
bool is_slip(std::string_view a, std::string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  if (std::max(a.size(), b.size()) > shorter + 1) return false;
  size_t front = 0;
  while (front < shorter && a[front] == b[front]) ++front;
  size_t back = 0;
  while (back < shorter - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  a = a.substr(front, a.size() - front - back);
  b = b.substr(front, b.size() - front - back);
  if (a.size() <= 1 && b.size() <= 1) return true;
  return a.size() == 2 && b.size() == 2 && a[0] == b[1] && a[1] == b[0];
}

// Names of lists are made of words joined by underscores, which programs, paths and other values
// seldom are.
bool looks_like_list(std::string_view text) {
  constexpr size_t kShortest = 6;
  return text.size() >= kShortest && text.find('_') != std::string_view::npos &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

class Checker {
 public:
  Checker(const Dialect& dialect, std::vector<TextFault>* faults, ConditionCache* cache)
      : dialect_(dialect), faults_(faults), cache_(cache) {}

  // Null when a fault was found; looks at everything so that all faults are reported.
  TreePtr check(const Expr& expr);

 private:
  TreePtr check_children(const Expr& expr);
  TreePtr check_macro(const Expr& expr);
  // Not inlined: its locals would be in every frame of the recursion.
  [[gnu::noinline]] TreePtr check_atom(const Check& check);
  [[gnu::noinline]] TreePtr undefined_macro(const Expr& expr);
  OperandPtr operand(const Term& term);
  OperandPtr field(const Term& term);
  OperandPtr call(const Term& term);
  bool transformable(const Operand& argument, Place place);
  bool operator_fits(const Check& check, const Operand& left);
  bool right_fits(const Check& check, const Operand& left, const Operand& right);
  bool convert(const Check& check, AtomSpec* spec, std::vector<std::shared_ptr<const Regex>>* out);
  bool convert_one(const Check& check, const Term& term, AtomSpec* spec);
  bool compile_regex(const Term& term, std::vector<std::shared_ptr<const Regex>>* out);
  void warn_about(const Check& check, const Operand& left);
  void warn_of_unquoted(const Term& right);
  bool names_field(std::string_view text) const;
  void warn_regex(const Term& term);
  void warn_of_misspelt_list(const Term& term);

  std::nullptr_t fail(Place place, std::string message, Code code = Code::CompileCondition) {
    report(place, std::move(message), code, Severity::Error);
    return nullptr;
  }
  void warn(Place place, std::string message) {
    report(place, std::move(message), Code::CompileConditionWarning, Severity::Warning);
  }
  void report(Place place, std::string message, Code code, Severity severity) {
    // Below a macro, offsets are those of the macro's text.
    TextFault fault = fault_at(macro_ ? outer_->place : place, std::move(message), code);
    fault.severity = severity;
    if (macro_) {
      fault.macro = macro_->macro;
      fault.macro_offset = place.offset;
      fault.macro_size = std::max<size_t>(place.size, 1);
    }
    faults_->push_back(std::move(fault));
  }

  const Dialect& dialect_;
  std::vector<TextFault>* faults_;
  ConditionCache* cache_;
  size_t stateful_atoms_ = 0;
  const Expr* outer_ = nullptr;  // the macro in the condition itself
  const Expr* macro_ = nullptr;  // the innermost macro
};

TreePtr Checker::check(const Expr& expr) {
  switch (expr.kind) {
    case Expr::Kind::Check:
      return check_atom(*expr.check);
    case Expr::Kind::Macro:
      return expr.children.empty() ? undefined_macro(expr) : check_macro(expr);
    case Expr::Kind::And:
    case Expr::Kind::Or:
    case Expr::Kind::Not:
      return check_children(expr);
  }
  return nullptr;
}

// Most of a condition is in its macros, and most macros are used by many conditions.
TreePtr Checker::check_macro(const Expr& expr) {
  const Expr& body = *expr.children.front();
  if (cache_ != nullptr) {
    const auto known = cache_->trees.find(&body);
    if (known != cache_->trees.end()) return known->second;
  }
  const size_t faults = faults_->size();
  const size_t stateful_atoms = stateful_atoms_;
  const Expr* const outer = outer_;
  const Expr* const macro = macro_;
  if (outer_ == nullptr) outer_ = &expr;
  macro_ = &expr;
  TreePtr result = check(body);
  outer_ = outer;
  macro_ = macro;
  // Faults are told at each use.
  const bool shared = faults_->size() == faults && stateful_atoms_ == stateful_atoms;
  if (cache_ != nullptr && shared) cache_->trees.emplace(&body, result);
  return result;
}

TreePtr Checker::undefined_macro(const Expr& expr) {
  return fail(expr.place,
              fmt::format("'{}' is neither a check nor a macro that is defined", expr.macro));
}

TreePtr Checker::check_children(const Expr& expr) {
  auto tree = std::make_shared<Tree>();
  tree->kind = expr.kind == Expr::Kind::And  ? Tree::Kind::And
               : expr.kind == Expr::Kind::Or ? Tree::Kind::Or
                                             : Tree::Kind::Not;
  bool failed = false;
  for (const ExprPtr& child : expr.children) {
    tree->children.push_back(check(*child));
    failed = failed || !tree->children.back();
  }
  return failed ? nullptr : tree;
}

OperandPtr Checker::field(const Term& term) {
  ResolvedField resolved = resolve_field(dialect_, term.text, term.has_argument, term.argument);
  if (!resolved.operand) {
    return fail(term.place, std::move(resolved.message),
                resolved.unknown ? Code::UnknownField : Code::CompileCondition);
  }
  if ((resolved.operand->field.info->flags & kPrintOnly) != 0) {
    return fail(term.place, fmt::format("field '{}' is for output only", term.text));
  }
  return std::move(resolved.operand);
}

bool Checker::transformable(const Operand& argument, Place place) {
  if (argument.kind != Operand::Kind::Field) return true;
  if (dialect_.for_rules && is_event_type(*argument.field.info)) {
    fail(place,
         fmt::format("a rule cannot transform '{}': rules are sorted by the event types they "
                     "name; compare it with names, for example evt.type in (open, openat)",
                     argument.field.info->name));
    return false;
  }
  if ((argument.field.info->flags & kNoTransformer) == 0) return true;
  fail(place, fmt::format("field '{}' cannot be transformed", argument.field.info->name));
  return false;
}

OperandPtr Checker::operand(const Term& term) {
  switch (term.kind) {
    case Term::Kind::Field:
      return field(term);
    case Term::Kind::Call:
      return call(term);
    case Term::Kind::Text:
    case Term::Kind::Name:
      return make_text(term.text);
    case Term::Kind::List:
      break;
  }
  std::vector<OperandPtr> items;
  for (const Term& item : term.items) {
    items.push_back(operand(item));
    if (!items.back() || !transformable(*items.back(), item.place)) return nullptr;
  }
  if (items.size() > kMaxArguments) {
    return fail(term.place, fmt::format("more than {} values", kMaxArguments));
  }
  return make_list(std::move(items));
}

OperandPtr Checker::call(const Term& term) {
  const auto* row = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const FunctionRow& r) {
    return text_of(r.function) == term.text;
  });
  if (row == kFunctions.end()) return fail(term.place, "this transformer does not exist");
  if (term.items.size() < row->arguments_min || term.items.size() > row->arguments_max) {
    return fail(term.place,
                row->arguments_min == row->arguments_max
                    ? fmt::format("'{}' takes {} argument{}, not {}", term.text, row->arguments_min,
                                  row->arguments_min == 1 ? "" : "s", term.items.size())
                    : fmt::format("'{}' takes {} to {} arguments", term.text, row->arguments_min,
                                  row->arguments_max));
  }
  if (term.has_argument != (row->function == Function::GetOpt)) {
    return fail(term.place, term.has_argument
                                ? fmt::format("'{}' takes nothing in brackets", term.text)
                                : std::string("'getopt' needs the option in brackets behind it"));
  }
  std::vector<OperandPtr> arguments;
  for (size_t i = 0; i < term.items.size(); ++i) {
    const Term& item = term.items[i];
    OperandPtr argument = operand(item);
    if (!argument || !transformable(*argument, item.place)) return nullptr;
    if (!argument_fits(row->function, i, *argument)) {
      return fail(item.place, fmt::format("'{}' cannot take this: it is {}{}", term.text,
                                          argument->is_list ? "a list of " : "",
                                          family_text(family_of(argument->type))));
    }
    arguments.push_back(std::move(argument));
  }
  return make_call(row->function, std::move(arguments), term.argument);
}

bool Checker::operator_fits(const Check& check, const Operand& left) {
  const Family family = family_of(left.type);
  if (family == Family::None && check.op != Operator::Exists) {
    fail(check.left.place, "values of this field cannot be compared");
    return false;
  }
  if (allowed(check.op, family, left.is_list)) return true;
  fail(check.operator_place,
       fmt::format("'{}' cannot be used with '{}', which is {}{}", check.operator_text,
                   check.left.text, left.is_list ? "a list of " : "", family_text(family)));
  return false;
}

bool Checker::right_fits(const Check& check, const Operand& left, const Operand& right) {
  const auto refuse = [&](std::string message) {
    fail(check.right.place, std::move(message));
    return false;
  };
  if (dialect_.for_rules && left.kind == Operand::Kind::Field && is_event_type(*left.field.info)) {
    return refuse(fmt::format(
        "a rule cannot compare '{}' with a field: rules are sorted by the event types they name; "
        "write the names, for example evt.type in (open, openat)",
        left.field.info->name));
  }
  if (check.op == Operator::PMatch || check.op == Operator::Regex) {
    return refuse(fmt::format("'{}' takes no field on its right side", check.operator_text));
  }
  const bool net = family_of(left.type) == Family::Net || family_of(right.type) == Family::Net;
  const auto no_right = [](const Operand& operand) {
    return operand.kind == Operand::Kind::Field &&
           (operand.field.info->flags & kNoRightHandSide) != 0;
  };
  if (net || no_right(left) || no_right(right)) {
    return refuse("this field cannot be compared with another field");
  }
  if (left.type != right.type) {
    return refuse(fmt::format("both sides must be of the same type, but they are {} and {}",
                              type_info(left.type).name, type_info(right.type).name));
  }
  if (right.is_list && class_of(check.op) != OperatorClass::List) {
    return refuse("a list can stand only behind 'in' and 'intersects'");
  }
  return true;
}

TreePtr Checker::check_atom(const Check& check) {
  OperandPtr left = operand(check.left);
  if (left && !operator_fits(check, *left)) left = nullptr;
  AtomSpec spec{
      .op = check.op, .modifier = check.modifier, .left = left, .right = {}, .constants = {}};
  std::vector<std::shared_ptr<const Regex>> regexes;
  if (check.right_is_value) {
    spec.right = operand(check.right);
    if (!left || !spec.right || !right_fits(check, *left, *spec.right)) return nullptr;
  } else if (!left || (check.op != Operator::Exists && !convert(check, &spec, &regexes))) {
    return nullptr;
  }
  warn_about(check, *left);
  auto tree = std::make_shared<Tree>();
  tree->kind = Tree::Kind::Atom;
  tree->atom = Atom::make(std::move(spec), std::move(regexes));
  if (tree->atom->stateful()) ++stateful_atoms_;
  return tree;
}

bool Checker::convert(const Check& check, AtomSpec* spec,
                      std::vector<std::shared_ptr<const Regex>>* regexes) {
  const bool single = check.right.kind != Term::Kind::List;
  const std::span<const Term> terms = single ? std::span(&check.right, 1) : check.right.items;
  bool good = true;
  for (const Term& term : terms) {
    good = convert_one(check, term, spec) && good;
    if (check.op == Operator::Regex) good = compile_regex(term, regexes) && good;
  }
  return good;
}

bool Checker::convert_one(const Check& check, const Term& term, AtomSpec* spec) {
  const Operand& left = *spec->left;
  if (left.kind == Operand::Kind::Field && left.field.info->check_constant != nullptr) {
    const Result<void> known = left.field.info->check_constant(left.field, term.text);
    if (!known) {
      fail(term.place, known.error().message, Code::UnknownField);
      return false;
    }
  }
  const bool text_order = is_ordering(check.op) && family_of(left.type) == Family::Text;
  Result<Constant> constant =
      is_hex(check.op) ? convert_hex(term.text)
      : text_order     ? Result<Constant>(
                         Constant{.text = term.text, .number = 0, .real = 0, .ip = {}, .net = {}})
                   : convert_constant(term.text, left.type);
  if (!constant) {
    fail(term.place, fmt::format("{} cannot be compared with '{}': {}", check.left.text, term.text,
                                 constant.error().message));
    return false;
  }
  spec->constants.push_back(std::move(*constant));
  return true;
}

bool Checker::compile_regex(const Term& term, std::vector<std::shared_ptr<const Regex>>* out) {
  auto regex = Regex::make(term.text);
  if (!regex) {
    fail(term.place, fmt::format("this is not a regular expression: {}", regex.error().message));
    return false;
  }
  out->push_back(std::move(*regex));
  warn_regex(term);
  return true;
}

// A pattern that needs no regular expression is many times slower than the operator it means.
void Checker::warn_regex(const Term& term) {
  static constexpr std::string_view kSpecial = "\\^$.|?*+()[]{}";
  std::string_view body = term.text;
  const bool front = body.starts_with(".*");
  if (front) body.remove_prefix(2);
  const bool back = body.ends_with(".*");
  if (back) body.remove_suffix(2);
  if (body.find_first_of(kSpecial) != std::string_view::npos) return;
  const std::string_view better = front && back ? "contains"
                                  : front       ? "endswith"
                                  : back        ? "startswith"
                                                : "=";
  warn(term.place,
       fmt::format("this regular expression means {} '{}', which is faster", better, body));
}

// A list whose name is misspelt is no list but a text, and the check silently fails.
void Checker::warn_of_misspelt_list(const Term& term) {
  if (term.quoted || !looks_like_list(term.text)) return;
  std::string_view guess;
  for (const std::string_view name : dialect_.list_names) {
    if (term.text == name) return;
    if (guess.empty() && is_slip(term.text, name)) guess = name;
  }
  if (guess.empty()) return;
  warn(term.place,
       fmt::format("'{}' is no list and is taken as a text; did you mean the list '{}'?", term.text,
                   guess));
}

void Checker::warn_about(const Check& check, const Operand& left) {
  if (is_ordering(check.op) && family_of(left.type) == Family::Text) {
    warn(check.operator_place,
         fmt::format("'{}' is text: its bytes are compared, not numbers", check.left.text));
  }
  if (check.right_is_value || check.right.quoted) return;
  if (check.right.kind == Term::Kind::List) {
    for (const Term& item : check.right.items) warn_of_misspelt_list(item);
  } else if (check.right.kind == Term::Kind::Name) {
    const std::string_view guess = closest(check.right.text, dialect_.list_names);
    warn(check.right.place,
         fmt::format("'{}' is no list; it is taken as a text{}", check.right.text,
                     guess.empty() ? "" : fmt::format("; did you mean the list '{}'?", guess)));
  } else if (check.right.kind == Term::Kind::Text) {
    warn_of_unquoted(check.right);
  }
}

void Checker::warn_of_unquoted(const Term& right) {
  const std::string& text = right.text;
  if (names_field(text)) {
    warn(right.place,
         fmt::format("'{}' is taken as a text, not as the field; write val({}) or quote it", text,
                     text));
  } else if (std::any_of(kFunctions.begin(), kFunctions.end(),
                         [&](const FunctionRow& row) { return text_of(row.function) == text; })) {
    warn(right.place,
         fmt::format("'{}' is taken as a text, not as the transformer; quote it", text));
  }
}

// With its argument, if it has one.
bool Checker::names_field(std::string_view text) const {
  if (text.find('.') == std::string_view::npos) return false;
  const FieldMatch match = find_field(dialect_.fields, text);
  if (match.info == nullptr) return false;
  const bool bracketed = match.rest.starts_with('[') && match.rest.ends_with(']');
  return match.rest.empty() || bracketed || match.has_dotted_argument();
}

}  // namespace

CheckedPtr check_condition(const ExprPtr& expr, const Dialect& dialect,
                           std::vector<TextFault>* faults, ConditionCache* cache) {
  TreePtr root = Checker(dialect, faults, cache).check(*expr);
  if (!root) return nullptr;
  auto checked = std::make_shared<Checked>();
  checked->root = std::move(root);
  return checked;
}

}  // namespace gyr
