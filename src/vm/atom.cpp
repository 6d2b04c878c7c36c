// SPDX-License-Identifier: Apache-2.0
#include "vm/atom.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cmath>

namespace gyr {

// Prepared forms of the constants, as the operator needs them.
struct Atom::Matchers {
  absl::flat_hash_set<std::string, TextHash, std::equal_to<>> texts;  // in, intersects on text
  std::vector<uint64_t> numbers;                                      // the same on numbers, sorted
  std::vector<Glob> globs;
  std::vector<std::shared_ptr<const Regex>> regexes;
  std::unique_ptr<PathPrefixes> paths;
};

namespace {

bool is_text_kind(const Value& value) {
  return value.kind == Value::Kind::Text || value.kind == Value::Kind::Blob;
}

template <class T>
bool compare(Operator op, T a, T b) {
  switch (op) {
    case Operator::Equal:
    case Operator::In:
    case Operator::Intersects:
      return a == b;
    case Operator::NotEqual:
      return a != b;
    case Operator::Less:
      return a < b;
    case Operator::LessEqual:
      return a <= b;
    case Operator::Greater:
      return a > b;
    case Operator::GreaterEqual:
      return a >= b;
    case Operator::Exists:
    case Operator::Glob:
    case Operator::IGlob:
    case Operator::Contains:
    case Operator::IContains:
    case Operator::BContains:
    case Operator::StartsWith:
    case Operator::BStartsWith:
    case Operator::EndsWith:
    case Operator::Regex:
    case Operator::PMatch:
      return false;
  }
  return false;
}

// Comparison of two texts by an operator that needs nothing prepared; their order is that of their
// bytes.
bool compare_text(Operator op, std::string_view text, std::string_view other) {
  switch (op) {
    case Operator::Equal:
    case Operator::In:
    case Operator::Intersects:
      return text == other;
    case Operator::NotEqual:
      return text != other;
    case Operator::Contains:
    case Operator::BContains:
      return text.find(other) != std::string_view::npos;
    case Operator::IContains:
      return contains_ignoring_case(text, other);
    case Operator::StartsWith:
    case Operator::BStartsWith:
      return text.starts_with(other);
    case Operator::EndsWith:
      return text.ends_with(other);
    case Operator::Glob:
    case Operator::IGlob:
      return Glob(other, op == Operator::IGlob).matches(text);
    case Operator::Less:
      return text < other;
    case Operator::LessEqual:
      return text <= other;
    case Operator::Greater:
      return text > other;
    case Operator::GreaterEqual:
      return text >= other;
    case Operator::Exists:
    case Operator::Regex:
    case Operator::PMatch:
      return false;
  }
  return false;
}

bool is_set_operator(Operator op) { return op == Operator::In || op == Operator::Intersects; }

std::string quoted(std::string_view text) {
  return std::to_string(text.size()) + ':' + std::string(text);
}

}  // namespace

Atom::Atom(AtomSpec spec) : spec_(std::move(spec)), matchers_(std::make_unique<Matchers>()) {
  const Operand& left = *spec_.left;
  family_ = family_of(left.type);
  is_list_ = left.is_list;
  if (left.kind == Operand::Kind::Field) quantifier_ = left.field.info->quantifier;
  dependency_ = left.dependency;
  stateful_ = left.stateful;
  if (spec_.right) {
    dependency_ = std::max(dependency_, spec_.right->dependency);
    stateful_ = stateful_ || spec_.right->stateful;
  }
  // One-element sets on plain values and equalities are the same check.
  if (is_set_operator(spec_.op) && !is_list_ && !spec_.right) {
    spec_.op = spec_.constants.size() == 1 ? Operator::Equal : Operator::In;
  }
  if (spec_.constants.size() == 1) spec_.modifier = Modifier::None;
}

Atom::~Atom() = default;

std::shared_ptr<const Atom> Atom::make(AtomSpec spec,
                                       std::vector<std::shared_ptr<const Regex>> regexes) {
  std::shared_ptr<Atom> atom(new Atom(std::move(spec)));
  AtomSpec& made = atom->spec_;
  Matchers& matchers = *atom->matchers_;
  matchers.regexes = std::move(regexes);
  std::vector<std::string> texts;
  for (const Constant& constant : made.constants) {
    texts.push_back(constant.text);
    if (made.op == Operator::Glob || made.op == Operator::IGlob) {
      matchers.globs.emplace_back(constant.text, made.op == Operator::IGlob);
    }
    if (is_set_operator(made.op)) {
      matchers.texts.insert(constant.text);
      matchers.numbers.push_back(constant.number);
    }
  }
  std::sort(matchers.numbers.begin(), matchers.numbers.end());
  if (made.op == Operator::PMatch) matchers.paths = std::make_unique<PathPrefixes>(texts);
  // Sets do not depend on the order in which they were written, nor on repetitions.
  if (is_set_operator(made.op) || made.op == Operator::PMatch) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  }
  std::string& key = atom->key_;
  key = made.left->key + ' ' + std::string(text_of(made.op)) + std::string(text_of(made.modifier));
  for (const std::string& text : texts) key += ' ' + quoted(text);
  if (made.right) key += " val " + made.right->key;
  return atom;
}

const FieldUse* Atom::field() const {
  if (spec_.right || spec_.left->kind != Operand::Kind::Field) return nullptr;
  return &spec_.left->field;
}

Extractor Atom::extractor() const {
  const FieldInfo& info = *spec_.left->field.info;
  // Whether one of several values is there is told by them, that a connection has ends by the text.
  const bool each = info.extract_each != nullptr &&
                    (spec_.op != Operator::Exists || info.quantifier == Quantifier::Any);
  return each ? info.extract_each : info.extract;
}

bool Atom::evaluate(const EvalContext& context, Arena& arena) const {
  const Operand& left = *spec_.left;
  const Value value = left.kind == Operand::Kind::Field ? extractor()(context, left.field)
                                                        : gyr::evaluate(left, context, arena);
  if (!spec_.right) return matches(value);
  if (value.is_null() && !spec_.right->stateful) return false;
  const Value right = gyr::evaluate(*spec_.right, context, arena);
  return !value.is_null() && !right.is_null() && compare_operands(value, right);
}

bool Atom::matches(const Value& value) const {
  if (value.is_null()) return false;
  if (spec_.op == Operator::Exists) {
    // No ancestor is no value; a list that may be empty is one.
    return quantifier_ != Quantifier::Any || value.kind != Value::Kind::List ||
           !value.as_list().empty();
  }
  if (value.kind == Value::Kind::List) return matches_list(value.as_list());
  return matches_one(value);
}

bool Atom::matches_list(std::span<const Value> values) const {
  const auto one = [this](const Value& value) { return !value.is_null() && matches_one(value); };
  if (quantifier_ == Quantifier::Ends) return matches_ends(values);
  if (quantifier_ == Quantifier::Single && spec_.op == Operator::In) {
    return std::all_of(values.begin(), values.end(), one);  // of none too
  }
  return std::any_of(values.begin(), values.end(), one);
}

// Both ends of a connection: "!=" wants both to differ, everything else is satisfied by either.
bool Atom::matches_ends(std::span<const Value> values) const {
  if (values.empty()) return false;
  if (is_set_operator(spec_.op)) {
    return std::any_of(values.begin(), values.end(), [this](const Value& v) { return in_set(v); });
  }
  size_t hits = 0;
  for (size_t i = 0; i < spec_.constants.size(); ++i) {
    const auto one = [this, i](const Value& v) { return matches_constant(v, i); };
    const bool hit = spec_.op == Operator::NotEqual
                         ? std::all_of(values.begin(), values.end(), one)
                         : std::any_of(values.begin(), values.end(), one);
    hits += hit ? 1 : 0;
  }
  if (spec_.modifier == Modifier::OneOf) return hits == 1;
  if (spec_.modifier == Modifier::AnyOf) return hits > 0;
  return hits == spec_.constants.size() && hits > 0;
}

bool Atom::matches_one(const Value& value) const {
  if (is_set_operator(spec_.op)) return in_set(value);
  if (spec_.op == Operator::PMatch) {
    return is_text_kind(value) && matchers_->paths->matches(value.as_text());
  }
  if (spec_.constants.size() == 1) return matches_constant(value, 0);
  return count_constants(value);
}

bool Atom::count_constants(const Value& value) const {
  size_t hits = 0;
  for (size_t i = 0; i < spec_.constants.size(); ++i) {
    if (matches_constant(value, i)) {
      ++hits;
    } else if (spec_.modifier == Modifier::AllOf) {
      return false;
    }
  }
  if (spec_.modifier == Modifier::OneOf) return hits == 1;
  return hits > 0;
}

bool Atom::in_set(const Value& value) const {
  switch (family_) {
    case Family::Text:
    case Family::Blob:
      return is_text_kind(value) && matchers_->texts.contains(value.as_text());
    case Family::Unsigned:
    case Family::Signed:
    case Family::Bool:
      return std::binary_search(matchers_->numbers.begin(), matchers_->numbers.end(), value.u);
    case Family::Double:
    case Family::Ip:
    case Family::Net:
      for (size_t i = 0; i < spec_.constants.size(); ++i) {
        if (matches_constant(value, i)) return true;
      }
      return false;
    case Family::None:
      return false;
  }
  return false;
}

bool Atom::matches_text(std::string_view text, size_t index) const {
  if (spec_.op == Operator::Glob || spec_.op == Operator::IGlob) {
    return matchers_->globs[index].matches(text);
  }
  if (spec_.op == Operator::Regex) return matchers_->regexes[index]->matches(text);
  return compare_text(spec_.op, text, spec_.constants[index].text);
}

namespace {

// Ip values against addresses and networks; anything but equality selects nothing.
bool compare_equality(Operator op, bool equal) {
  if (op == Operator::NotEqual) return !equal;
  return equal && (op == Operator::Equal || is_set_operator(op));
}

}  // namespace

bool Atom::matches_constant(const Value& value, size_t index) const {
  const Constant& constant = spec_.constants[index];
  switch (family_) {
    case Family::Unsigned:
      return compare(spec_.op, value.u, constant.number);
    case Family::Signed:
      return compare(spec_.op, value.i, static_cast<int64_t>(constant.number));
    case Family::Double:
      return compare(spec_.op, value.d, constant.real);
    case Family::Bool:
      return compare(spec_.op, value.b, constant.number != 0);
    case Family::Text:
    case Family::Blob:
      return is_text_kind(value) && matches_text(value.as_text(), index);
    case Family::Ip:
      return value.kind == Value::Kind::Ip &&
             compare_equality(spec_.op, value.as_ip() == constant.ip);
    case Family::Net:
      return value.kind == Value::Kind::Ip &&
             compare_equality(spec_.op, constant.net.contains(value.as_ip()));
    case Family::None:
      return false;
  }
  return false;
}

namespace {

bool compare_values(Operator op, Family family, const Value& left, const Value& right) {
  switch (family) {
    case Family::Unsigned:
      return compare(op, left.u, right.u);
    case Family::Signed:
      return compare(op, left.i, right.i);
    case Family::Double:
      return compare(op, left.d, right.d);
    case Family::Bool:
      return compare(op, left.b, right.b);
    case Family::Text:
    case Family::Blob:
      return is_text_kind(left) && is_text_kind(right) &&
             compare_text(op, left.as_text(), right.as_text());
    case Family::Ip:
      return left.kind == Value::Kind::Ip && right.kind == Value::Kind::Ip &&
             compare_equality(op, left.as_ip() == right.as_ip());
    case Family::Net:
    case Family::None:
      return false;
  }
  return false;
}

}  // namespace

// A list on the right stands for its elements: "in" asks for membership.
bool Atom::compare_operands(const Value& left, const Value& right) const {
  const auto rights = right.kind == Value::Kind::List ? right.as_list() : std::span(&right, 1);
  const auto lefts = left.kind == Value::Kind::List ? left.as_list() : std::span(&left, 1);
  const auto one = [&](const Value& value) {
    return std::any_of(rights.begin(), rights.end(), [&](const Value& other) {
      return compare_values(spec_.op, family_, value, other);
    });
  };
  if (lefts.empty()) return false;
  const bool all = (quantifier_ == Quantifier::Single && spec_.op == Operator::In) ||
                   (quantifier_ == Quantifier::Ends && spec_.op == Operator::NotEqual);
  return all ? std::all_of(lefts.begin(), lefts.end(), one)
             : std::any_of(lefts.begin(), lefts.end(), one);
}

}  // namespace gyr
