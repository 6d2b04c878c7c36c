// SPDX-License-Identifier: Apache-2.0
#include "check/solver.h"

#include <algorithm>

namespace gyr::check {
namespace {

// Rules switch themselves off with evt.num=0: that is meant.
bool is_understood(const Slot& slot) {
  const FieldInfo& info = *slot.use.info;
  return info.quantifier == Quantifier::Single && info.extract_each == nullptr &&
         (info.flags & (kIsList | kStateful)) == 0 && info.name != "evt.num";
}

bool is_exists(const Atom& atom) { return atom.spec().op == Operator::Exists; }

// Whether the constants of the check are all the values it is true for.
bool lists_its_values(const Atom& atom) {
  const AtomSpec& spec = atom.spec();
  if (spec.right != nullptr) return false;
  return spec.op == Operator::In || (spec.op == Operator::Equal && spec.constants.size() == 1);
}

// An empty list is meant to be filled by another file.
bool waits_for_items(const Atom& atom) {
  return atom.spec().op == Operator::In && atom.spec().constants.empty();
}

bool is_number(Family family) {
  return family == Family::Unsigned || family == Family::Signed || family == Family::Bool;
}

Value number_value(Family family, uint64_t bits) {
  switch (family) {
    case Family::Bool:
      return Value::of_bool(bits != 0);
    case Family::Signed:
      return Value::of_int(static_cast<int64_t>(bits));
    default:
      return Value::of_uint(bits);
  }
}

// For numbers: where the answers of the checks may change, a value of each part of the line.
std::vector<Value> values_around(Family family, const std::vector<const Atom*>& atoms) {
  if (family == Family::Bool) return {number_value(family, 0), number_value(family, 1)};
  std::vector<Value> values = {number_value(family, 0), number_value(family, UINT64_MAX),
                               number_value(family, INT64_MAX),
                               number_value(family, uint64_t{1} << 63)};
  for (const Atom* atom : atoms) {
    for (const Constant& constant : atom->spec().constants) {
      for (const uint64_t near : {constant.number - 1, constant.number, constant.number + 1}) {
        values.push_back(number_value(family, near));
      }
    }
  }
  return values;
}

std::vector<Value> text_values(const Atom& atom) {
  std::vector<Value> values;
  for (const Constant& constant : atom.spec().constants) {
    values.push_back(Value::of_text(constant.text));
  }
  return values;
}

}  // namespace

bool Solver::count_step() {
  if (left_ == 0 || is_exhausted()) return false;
  --left_;
  ++steps_;
  return true;
}

bool Solver::exclude_each_other(const std::vector<Claim>& claims, uint32_t steps) {
  if (is_exhausted()) return false;
  facts_.clear();
  field_.clear();
  left_ = steps;
  return !is_possible(claims, {}, 0);
}

// Prefixes of one text: one begins with the other. So with suffixes.
bool Solver::ends_agree(const std::vector<const Atom*>& atoms) const {
  const auto differ = [](Operator op, std::string_view a, std::string_view b) {
    if (a.size() < b.size()) std::swap(a, b);
    return op == Operator::StartsWith ? !a.starts_with(b) : !a.ends_with(b);
  };
  const auto is_end = [](const AtomSpec& spec) {
    return spec.right == nullptr && spec.constants.size() == 1 &&
           (spec.op == Operator::StartsWith || spec.op == Operator::EndsWith);
  };
  for (size_t i = 0; i < atoms.size(); ++i) {
    const AtomSpec& a = atoms[i]->spec();
    for (size_t j = i + 1; is_end(a) && j < atoms.size(); ++j) {
      const AtomSpec& b = atoms[j]->spec();
      if (b.op != a.op || !is_end(b)) continue;
      if (differ(a.op, a.constants[0].text, b.constants[0].text)) return false;
    }
  }
  return true;
}

// Whether a value of the field can fit all that is claimed about it.
bool Solver::values_left(uint32_t slot) {
  std::vector<const Atom*> yes;
  std::vector<const Atom*> no;
  for (const Claim& fact : facts_) {
    const Node& node = graph_.node(fact.node);
    if (node.kind != Node::Kind::Atom || graph_.slot_of_atom(node.atom) != slot) continue;
    const Atom& atom = graph_.atom(node.atom);
    if (atom.spec().right != nullptr || waits_for_items(atom)) continue;
    (fact.holds ? yes : no).push_back(&atom);
  }
  if (yes.empty()) return true;  // it may have no value
  if (std::any_of(no.begin(), no.end(), [](const Atom* atom) { return is_exists(*atom); })) {
    return false;
  }
  const Family family = family_of(graph_.slots()[slot].use.type);
  std::vector<Value> candidates;
  if (is_number(family)) {
    std::vector<const Atom*> all = yes;
    all.insert(all.end(), no.begin(), no.end());
    candidates = values_around(family, all);
  } else {
    if (family != Family::Text) return true;
    const auto list = std::find_if(yes.begin(), yes.end(),
                                   [](const Atom* atom) { return lists_its_values(*atom); });
    if (list == yes.end()) return ends_agree(yes);
    candidates = text_values(**list);
  }
  return std::any_of(candidates.begin(), candidates.end(), [&](const Value& value) {
    const auto fits = [&](const Atom* atom) { return atom->matches(value); };
    return std::all_of(yes.begin(), yes.end(), fits) && std::none_of(no.begin(), no.end(), fits);
  });
}

// False: the claim contradicts the facts.
bool Solver::accept(const Claim& claim) {
  for (const Claim& fact : facts_) {
    if (fact.node == claim.node) return fact.holds == claim.holds;
  }
  facts_.push_back(claim);
  const Node& node = graph_.node(claim.node);
  if (node.kind != Node::Kind::Atom) return true;
  const uint32_t slot = graph_.slot_of_atom(node.atom);
  if (slot == kNoSlot || !is_understood(graph_.slots()[slot]) || values_left(slot)) return true;
  field_ = graph_.slots()[slot].use.info->name;
  return false;
}

// Takes what must hold out of `pending`; what leaves a choice goes to `choices`.
bool Solver::settle(std::vector<Claim>* pending, std::vector<Claim>* choices) {
  while (!pending->empty()) {
    if (!count_step()) return true;
    const Claim claim = pending->back();
    pending->pop_back();
    const Node& node = graph_.node(claim.node);
    if (node.kind == Node::Kind::False || node.kind == Node::Kind::True) {
      if ((node.kind == Node::Kind::True) != claim.holds) return false;
      continue;
    }
    if (node.kind == Node::Kind::Not) {
      pending->push_back({node.children.front(), !claim.holds});
      continue;
    }
    if (!accept(claim)) return false;
    if (node.kind == Node::Kind::Atom) continue;
    if ((node.kind == Node::Kind::And) == claim.holds) {
      for (const NodeId child : node.children) pending->push_back({child, claim.holds});
    } else {
      choices->push_back(claim);
    }
  }
  return true;
}

bool Solver::is_possible(std::vector<Claim> pending, std::vector<Claim> choices, uint32_t depth) {
  const size_t known = facts_.size();
  bool possible = settle(&pending, &choices);
  for (bool changed = true; possible && changed && depth < kDepthMax;) {
    changed = false;
    for (size_t i = 0; possible && i < choices.size(); ++i) {
      const Claim choice = choices[i];
      std::vector<Claim> others = choices;
      others.erase(others.begin() + static_cast<ptrdiff_t>(i));
      std::vector<Claim> left;
      for (const NodeId child : graph_.node(choice.node).children) {
        if (!count_step()) break;
        const Claim branch{child, choice.holds};
        if (is_possible({branch}, others, depth + 1)) left.push_back(branch);
        if (left.size() > 1) break;
      }
      if (left_ == 0 || is_exhausted() || left.size() > 1) continue;
      possible = !left.empty() && settle(&left, &others);
      choices = std::move(others);
      changed = true;
      break;
    }
  }
  facts_.resize(known);
  return possible || left_ == 0 || is_exhausted();
}

}  // namespace gyr::check
