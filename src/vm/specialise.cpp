// SPDX-License-Identifier: Apache-2.0
#include "vm/specialise.h"

#include <algorithm>
#include <map>

namespace gyr {
namespace {

enum class Fold : char { No, Yes, Dynamic };

// One rule: the atoms in it that the type may decide, and what is left for each way they are
// decided.
struct Rule {
  NodeId root;
  std::vector<uint32_t> atoms;
  absl::flat_hash_map<std::string, NodeId> known;
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

  Residue residue(uint16_t type) {
    folds_.clear();
    Residue result;
    for (uint32_t i = 0; i < rules_.size(); ++i) {
      const NodeId root = root_for(rules_[i], type);
      if (root != kFalseNode) result.push_back({i, root});
    }
    return result;
  }

 private:
  void collect(NodeId id, std::vector<uint32_t>& atoms, absl::flat_hash_map<NodeId, bool>& seen) {
    const Node& node = graph_.node(id);
    if (!node.foldable || !seen.emplace(id, true).second) return;
    if (node.kind == Node::Kind::Atom) atoms.push_back(node.atom);
    for (const NodeId child : node.children) collect(child, atoms, seen);
  }

  Fold fold(uint32_t number, uint16_t type) {
    const auto [at, fresh] = folds_.emplace(number, Fold::Dynamic);
    if (fresh) {
      const Atom& atom = graph_.atom(number);
      Value value;
      if (atom.field()->info->fold(type, *atom.field(), &value)) {
        at->second = atom.matches(value) ? Fold::Yes : Fold::No;
      }
    }
    return at->second;
  }

  NodeId root_for(Rule& rule, uint16_t type) {
    std::string key;
    for (const uint32_t atom : rule.atoms) key += static_cast<char>(fold(atom, type));
    const auto found = rule.known.find(key);
    if (found != rule.known.end()) return found->second;
    done_.clear();
    const NodeId root = reduce(rule.root, type);
    rule.known.emplace(std::move(key), root);
    return root;
  }

  NodeId reduce(NodeId id, uint16_t type) {
    if (!graph_.node(id).foldable) return id;
    const auto found = done_.find(id);
    if (found != done_.end()) return found->second;
    const Node::Kind kind = graph_.node(id).kind;
    NodeId result = id;
    if (kind == Node::Kind::Atom) {
      const Fold decided = fold(graph_.node(id).atom, type);
      if (decided != Fold::Dynamic) result = decided == Fold::Yes ? kTrueNode : kFalseNode;
    } else {
      // A copy: reducing adds nodes, which moves the old ones.
      std::vector<NodeId> children = graph_.node(id).children;
      for (NodeId& child : children) child = reduce(child, type);
      result = kind == Node::Kind::Not ? graph_.negate(children.front())
                                       : graph_.combine(kind, children);
    }
    done_.emplace(id, result);
    return result;
  }

  Graph& graph_;
  std::vector<Rule> rules_;
  absl::flat_hash_map<uint32_t, Fold> folds_;  // of the type at hand
  absl::flat_hash_map<NodeId, NodeId> done_;   // of the rule and type at hand
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
  for (uint16_t type = 0; type < event_types; ++type) {
    result.by_type.push_back(add(specialiser.residue(type)));
  }
  return result;
}

}  // namespace gyr
