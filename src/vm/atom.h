// SPDX-License-Identifier: Apache-2.0
// One check: operand, operator, constants or a second operand. All meaning of operators is here;
// the evaluator only decides when an atom is asked.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vm/operand.h"
#include "vm/pattern.h"

namespace gyr {

// A constant, converted for the family of the left side. Text families use `text`, where bcontains
// and bstartswith hold decoded bytes; Signed keeps its bits in `number`.
struct Constant {
  std::string text;
  uint64_t number = 0;
  double real = 0;
  IpAddress ip;
  IpNetwork net;
};

// What is said about a check; make_atom prepares it.
struct AtomSpec {
  Operator op{};
  Modifier modifier = Modifier::None;
  OperandPtr left;
  OperandPtr right;  // val(field) or a function; null: constants
  std::vector<Constant> constants;
};

class Atom {
 public:
  // For regex: the patterns, compiled, one a constant.
  static std::shared_ptr<const Atom> make(AtomSpec spec,
                                          std::vector<std::shared_ptr<const Regex>> regexes = {});
  ~Atom();

  const AtomSpec& spec() const { return spec_; }
  Dependency dependency() const { return dependency_; }
  bool stateful() const { return stateful_; }
  // Atoms with equal keys give equal answers.
  const std::string& key() const { return key_; }
  // The field when the atom is asked about the value of a plain field alone, else null.
  const FieldUse* field() const;

  // The answer for one event.
  bool evaluate(const EvalContext& context, Arena& arena) const;
  // What gives the value that is compared. Only if the left side is a field.
  Extractor extractor() const;
  // The answer for a value of `field()` that extractor() gave.
  bool matches(const Value& value) const;

 private:
  struct Matchers;
  explicit Atom(AtomSpec spec);
  bool matches_constant(const Value& value, size_t index) const;
  bool matches_text(std::string_view text, size_t index) const;
  bool matches_one(const Value& value) const;
  bool matches_list(std::span<const Value> values) const;
  bool matches_ends(std::span<const Value> values) const;
  bool in_set(const Value& value) const;
  bool count_constants(const Value& value) const;
  bool compare_operands(const Value& left, const Value& right) const;

  AtomSpec spec_;
  Family family_;
  Quantifier quantifier_ = Quantifier::Single;
  bool is_list_ = false;
  Dependency dependency_ = Dependency::Constant;
  bool stateful_ = false;
  std::string key_;
  std::unique_ptr<Matchers> matchers_;
};
using AtomPtr = std::shared_ptr<const Atom>;

}  // namespace gyr
