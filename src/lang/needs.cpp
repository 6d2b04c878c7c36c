// SPDX-License-Identifier: Apache-2.0
// Which event types a condition can be true for, judged by its checks of the event's type alone.
#include <algorithm>
#include <array>

#include "lang/checked.h"
#include "lang/condition.h"

namespace gyr {
namespace {

using Possible = PossibleTypes;

bool names_event_type(const Atom& atom) {
  const FieldUse* field = atom.field();
  if (field == nullptr || field->info->fold == nullptr) return false;
  return is_event_type(*field->info);
}

bool is_indexed(Operator op) {
  return op == Operator::Equal || op == Operator::NotEqual || op == Operator::In;
}

// evt.num counts from one, so rules switch themselves off with evt.num=0 and on with evt.num>=0.
bool is_never(const Atom& atom) {
  const FieldUse* field = atom.field();
  const AtomSpec& spec = atom.spec();
  return field != nullptr && field->info->name == "evt.num" && spec.constants.size() == 1 &&
         spec.constants[0].number == 0 &&
         (spec.op == Operator::Equal || spec.op == Operator::Less ||
          spec.op == Operator::LessEqual);
}

class Needs {
 public:
  // With `indexed_only` checks of the type by other operators than '=', '!=' and 'in' tell nothing.
  Needs(const Dialect& dialect, ConditionCache* cache, bool indexed_only = false)
      : cache_(cache), indexed_only_(indexed_only) {
    for (size_t type = 0; type < std::min<size_t>(dialect.event_types, kMaxEventTypes); ++type) {
      all_.set(type);
    }
  }
  const EventTypeSet& all() const { return all_; }
  std::vector<std::string>& names() { return names_; }
  // Whether another operator was met.
  bool has_others() const { return has_others_; }

  Possible walk(const Tree& tree, bool positive) {
    switch (tree.kind) {
      case Tree::Kind::False:
        return {{}, all_};
      case Tree::Kind::True:
        return {all_, {}};
      case Tree::Kind::Atom:
        return atom(tree.atom, positive);
      case Tree::Kind::Not: {
        const Possible inner = walk(*tree.children.front(), !positive);
        return {inner.no, inner.yes};
      }
      case Tree::Kind::And:
      case Tree::Kind::Or:
        break;
    }
    const bool conjunction = tree.kind == Tree::Kind::And;
    Possible result = conjunction ? Possible{all_, {}} : Possible{{}, all_};
    for (const TreePtr& child : tree.children) {
      const Possible part = walk(*child, positive);
      result.yes = conjunction ? result.yes & part.yes : result.yes | part.yes;
      result.no = conjunction ? result.no | part.no : result.no & part.no;
    }
    return result;
  }

 private:
  Possible atom(const AtomPtr& shared, bool positive) {
    const Atom& atom = *shared;
    if (is_never(atom)) return {{}, all_};
    if (!names_event_type(atom)) return {all_, all_};
    if (!is_indexed(atom.spec().op)) {
      has_others_ = true;
      if (indexed_only_) return {all_, all_};
    }
    const bool negative = atom.spec().op == Operator::NotEqual;
    if (positive != negative) {
      for (const Constant& constant : atom.spec().constants) {
        if (std::find(names_.begin(), names_.end(), constant.text) == names_.end()) {
          names_.push_back(constant.text);
        }
      }
    }
    if (cache_ == nullptr) return types_of(atom);
    const auto known = cache_->types.find(shared);
    if (known != cache_->types.end()) return known->second;
    return cache_->types.emplace(shared, types_of(atom)).first->second;
  }

  Possible types_of(const Atom& atom) const {
    Possible result;
    const FieldUse& field = *atom.field();
    for (size_t type = 0; type < kMaxEventTypes; ++type) {
      if (!all_[type]) continue;
      Value value;
      if (!field.info->fold(static_cast<uint16_t>(type), field, &value)) {
        result.yes.set(type);
        result.no.set(type);
      } else {
        (atom.matches(value) ? result.yes : result.no).set(type);
      }
    }
    return result;
  }

  ConditionCache* cache_;
  bool indexed_only_;
  bool has_others_ = false;
  EventTypeSet all_;
  std::vector<std::string> names_;
};

// Nesting is bounded by kMaxDepth.
bool operand_reads(const OperandPtr& operand, std::string_view field) {
  if (operand == nullptr) return false;
  if (operand->kind == Operand::Kind::Field && operand->field.info->name == field) return true;
  return std::any_of(operand->arguments.begin(), operand->arguments.end(),
                     [&](const OperandPtr& part) { return operand_reads(part, field); });
}

bool tree_reads(const Tree& tree, std::string_view field) {
  if (tree.kind == Tree::Kind::Atom) {
    const AtomSpec& spec = tree.atom->spec();
    return operand_reads(spec.left, field) || operand_reads(spec.right, field);
  }
  return std::any_of(tree.children.begin(), tree.children.end(),
                     [&](const TreePtr& child) { return tree_reads(*child, field); });
}

}  // namespace

bool reads_field(const Checked& condition, std::string_view field) {
  return tree_reads(*condition.root, field);
}

EventNeeds event_needs(const Checked& condition, const Dialect& dialect, ConditionCache* cache) {
  Needs needs(dialect, cache);
  EventNeeds result;
  result.types = needs.walk(*condition.root, true).yes;
  result.names = std::move(needs.names());
  result.all = result.types == needs.all();
  result.indexed = result.types.count();
  if (needs.has_others()) {
    result.indexed = Needs(dialect, cache, true).walk(*condition.root, true).yes.count();
  }
  return result;
}

}  // namespace gyr
