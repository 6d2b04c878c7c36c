// SPDX-License-Identifier: Apache-2.0
#include "vm/specialise.h"

#include <map>
#include <optional>
#include <string>

namespace gyr {
namespace {

enum class Fold : char { No, Yes, Dynamic };

// One rule: the atoms in it that the type may decide (places in the list of all of them), and what
// is left for each way they are decided.
struct Rule {
  NodeId root;
  std::vector<uint32_t> atoms;
  absl::flat_hash_map<std::string, NodeId> known;
};

// An atom that the type may decide, and the number of the field it asks.
struct FoldableAtom {
  const Atom* atom;
  uint32_t field;
};

class Specialiser {
 public:
  Specialiser(Graph& graph, const std::vector<NodeId>& roots) : graph_(graph) {
    for (const NodeId root : roots) {
      Rule rule{.root = root, .atoms = {}, .known = {}};
      absl::flat_hash_map<NodeId, bool> seen;
      collect(root, rule.atoms, seen);
      rules_.push_back(std::move(rule));
    }
  }

  // What the type decides, a byte an atom: types with equal answers have equal residues.
  const std::string& decide(uint16_t type) {
    std::vector<std::optional<Value>> values(fields_.size());
    for (size_t i = 0; i < fields_.size(); ++i) {
      Value value;
      if (fields_[i]->info->fold(type, *fields_[i], &value)) values[i] = value;
    }
    folds_.clear();
    for (const FoldableAtom& atom : atoms_) {
      const std::optional<Value>& value = values[atom.field];
      const Fold fold = !value ? Fold::Dynamic : atom.atom->matches(*value) ? Fold::Yes : Fold::No;
      folds_ += static_cast<char>(fold);
    }
    return folds_;
  }

  // Of the type that was decided last.
  Residue residue() {
    Residue result;
    for (uint32_t i = 0; i < rules_.size(); ++i) {
      const NodeId root = root_for(rules_[i]);
      if (root != kFalseNode) result.push_back({i, root});
    }
    return result;
  }

 private:
  void collect(NodeId id, std::vector<uint32_t>& atoms, absl::flat_hash_map<NodeId, bool>& seen) {
    const Node& node = graph_.node(id);
    if (!node.foldable || !seen.emplace(id, true).second) return;
    if (node.kind == Node::Kind::Atom) atoms.push_back(place_of(node.atom));
    for (const NodeId child : node.children) collect(child, atoms, seen);
  }

  uint32_t place_of(uint32_t number) {
    const auto [at, fresh] = places_.emplace(number, static_cast<uint32_t>(atoms_.size()));
    if (fresh) {
      const Atom& atom = graph_.atom(number);
      const auto [field, new_field] =
          field_numbers_.emplace(atom.spec().left->key, static_cast<uint32_t>(fields_.size()));
      if (new_field) fields_.push_back(atom.field());
      atoms_.push_back({&atom, field->second});
    }
    return at->second;
  }

  NodeId root_for(Rule& rule) {
    std::string key;
    for (const uint32_t atom : rule.atoms) key += folds_[atom];
    const auto found = rule.known.find(key);
    if (found != rule.known.end()) return found->second;
    done_.clear();
    const NodeId root = reduce(rule.root);
    rule.known.emplace(std::move(key), root);
    return root;
  }

  NodeId reduce(NodeId id) {
    if (!graph_.node(id).foldable) return id;
    const auto found = done_.find(id);
    if (found != done_.end()) return found->second;
    const Node::Kind kind = graph_.node(id).kind;
    NodeId result = id;
    if (kind == Node::Kind::Atom) {
      const auto decided = static_cast<Fold>(folds_[places_.at(graph_.node(id).atom)]);
      if (decided != Fold::Dynamic) result = decided == Fold::Yes ? kTrueNode : kFalseNode;
    } else {
      // A copy: reducing adds nodes, which moves the old ones.
      std::vector<NodeId> children = graph_.node(id).children;
      for (NodeId& child : children) child = reduce(child);
      result = kind == Node::Kind::Not ? graph_.negate(children.front())
                                       : graph_.combine(kind, children);
    }
    done_.emplace(id, result);
    return result;
  }

  Graph& graph_;
  std::vector<Rule> rules_;
  std::vector<FoldableAtom> atoms_;
  absl::flat_hash_map<uint32_t, uint32_t> places_;  // of atoms of the graph
  std::vector<const FieldUse*> fields_;
  absl::flat_hash_map<std::string, uint32_t> field_numbers_;
  std::string folds_;                         // of the type at hand
  absl::flat_hash_map<NodeId, NodeId> done_;  // of the rule and type at hand
};

}  // namespace

Specialised specialise(Graph& graph, const std::vector<NodeId>& roots, uint16_t event_types) {
  Specialiser specialiser(graph, roots);
  Specialised result;
  std::map<std::vector<uint64_t>, uint32_t> known;
  const auto add = [&](Residue residue) {
    std::vector<uint64_t> key;
    for (const RuleResidue& rule : residue) key.push_back(uint64_t{rule.rule} << 32 | rule.root);
    const auto [at, fresh] =
        known.emplace(std::move(key), static_cast<uint32_t>(result.residues.size()));
    if (fresh) result.residues.push_back(std::move(residue));
    return at->second;
  };
  Residue general;
  for (uint32_t i = 0; i < roots.size(); ++i) {
    if (roots[i] != kFalseNode) general.push_back({i, roots[i]});
  }
  result.otherwise = add(std::move(general));
  absl::flat_hash_map<std::string, uint32_t> decided;
  for (uint16_t type = 0; type < event_types; ++type) {
    const std::string& answers = specialiser.decide(type);
    auto known_answers = decided.find(answers);
    if (known_answers == decided.end()) {
      known_answers = decided.emplace(answers, add(specialiser.residue())).first;
    }
    result.by_type.push_back(known_answers->second);
  }
  return result;
}

}  // namespace gyr
