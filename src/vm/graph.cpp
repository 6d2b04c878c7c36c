// SPDX-License-Identifier: Apache-2.0
#include "vm/graph.h"

#include <algorithm>

namespace gyr {
namespace {

// String atoms whose answers can be kept beside the interned string.
bool is_string_atom(const Atom& atom) {
  const FieldUse* field = atom.field();
  return field != nullptr && field->info->domain != Domain::None && !atom.stateful() &&
         field->info->quantifier == Quantifier::Single && field->info->extract_each == nullptr &&
         (field->info->flags & kIsList) == 0 && family_of(field->type) == Family::Text;
}

std::string node_key(Node::Kind kind, std::span<const NodeId> children) {
  std::string key(1, static_cast<char>(kind));
  key.append(reinterpret_cast<const char*>(children.data()), children.size_bytes());
  return key;
}

}  // namespace

Graph::Graph() {
  nodes_.push_back({.kind = Node::Kind::False, .children = {}});
  nodes_.push_back({.kind = Node::Kind::True, .children = {}});
}

uint32_t Graph::add_slot(const Atom& atom) {
  const FieldUse* field = atom.field();
  if (field == nullptr || atom.stateful()) return kNoSlot;
  const FieldInfo& info = *field->info;
  const Extractor extract = atom.extractor();
  const std::string key = atom.spec().left->key + (extract != info.extract ? " each" : "");
  const auto [at, fresh] = slot_numbers_.emplace(key, static_cast<uint32_t>(slots_.size()));
  if (fresh) {
    slots_.push_back({.use = *field,
                      .extract = extract,
                      .domain = is_string_atom(atom) ? info.domain : Domain::None,
                      .dependency = info.dependency});
  }
  return at->second;
}

NodeId Graph::add_atom(const AtomPtr& atom) {
  const auto number = static_cast<uint32_t>(atoms_.size());
  if (!atom->stateful()) {
    const auto found = known_.find("a" + atom->key());
    if (found != known_.end()) return found->second;
  }
  const uint32_t slot = add_slot(*atom);
  atoms_.push_back(atom);
  atom_slots_.push_back(slot);
  const FieldUse* field = atom->field();
  Node node{.kind = Node::Kind::Atom,
            .dependency = atom->dependency(),
            .stateful = atom->stateful(),
            .foldable = field != nullptr && field->info->fold != nullptr,
            .slot = is_string_atom(*atom) ? slot : kNoSlot,
            .atom = number,
            .children = {}};
  const auto id = static_cast<NodeId>(nodes_.size());
  nodes_.push_back(std::move(node));
  if (!atom->stateful()) known_.emplace("a" + atom->key(), id);
  return id;
}

NodeId Graph::add_shared(const TreePtr& tree) {
  if (tree->children.empty() || tree.use_count() == 1) return add(*tree);
  const auto known = shared_.find(tree.get());
  if (known != shared_.end()) return known->second;
  const NodeId id = add(*tree);
  if (!nodes_[id].stateful) shared_.emplace(tree.get(), id);
  return id;
}

NodeId Graph::add(const Tree& tree) {
  switch (tree.kind) {
    case Tree::Kind::False:
      return kFalseNode;
    case Tree::Kind::True:
      return kTrueNode;
    case Tree::Kind::Atom:
      return add_atom(tree.atom);
    case Tree::Kind::Not:
      return negate(add_shared(tree.children.front()));
    case Tree::Kind::And:
    case Tree::Kind::Or:
      break;
  }
  std::vector<NodeId> children;
  children.reserve(tree.children.size());
  for (const TreePtr& child : tree.children) children.push_back(add_shared(child));
  return combine(tree.kind == Tree::Kind::And ? Node::Kind::And : Node::Kind::Or, children);
}

NodeId Graph::intern(Node node) {
  const auto [at, fresh] =
      known_.emplace(node_key(node.kind, node.children), static_cast<NodeId>(nodes_.size()));
  if (!fresh) return at->second;
  node.slot = nodes_[node.children.front()].slot;
  for (const NodeId child : node.children) {
    const Node& part = nodes_[child];
    node.dependency = std::max(node.dependency, part.dependency);
    node.stateful = node.stateful || part.stateful;
    node.foldable = node.foldable || part.foldable;
    if (part.slot != node.slot) node.slot = kNoSlot;
  }
  nodes_.push_back(std::move(node));
  return at->second;
}

NodeId Graph::negate(NodeId id) {
  if (id == kFalseNode) return kTrueNode;
  if (id == kTrueNode) return kFalseNode;
  if (nodes_[id].kind == Node::Kind::Not) return nodes_[id].children.front();
  return intern({.kind = Node::Kind::Not, .children = {id}});
}

NodeId Graph::combine(Node::Kind kind, std::span<const NodeId> children) {
  const NodeId neutral = kind == Node::Kind::And ? kTrueNode : kFalseNode;
  std::vector<NodeId> parts;
  bool stateful = false;
  for (const NodeId child : children) {
    if (child == neutral) continue;
    const Node& part = nodes_[child];
    stateful = stateful || part.stateful;
    if (part.kind == kind) {
      parts.insert(parts.end(), part.children.begin(), part.children.end());
    } else {
      parts.push_back(child);
    }
  }
  if (stateful) return combine_in_order(kind, std::move(parts));
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  const NodeId decisive = kind == Node::Kind::And ? kFalseNode : kTrueNode;
  for (const NodeId part : parts) {
    const bool both = nodes_[part].kind == Node::Kind::Not &&
                      std::binary_search(parts.begin(), parts.end(), nodes_[part].children.front());
    if (part == decisive || both) return decisive;
  }
  return finish(kind, std::move(parts));
}

// What stands behind a decided part is never reached; pure parts right before it decide nothing.
NodeId Graph::combine_in_order(Node::Kind kind, std::vector<NodeId> parts) {
  const NodeId decisive = kind == Node::Kind::And ? kFalseNode : kTrueNode;
  const auto decided = std::find(parts.begin(), parts.end(), decisive);
  if (decided != parts.end()) {
    parts.erase(decided, parts.end());
    while (!parts.empty() && !nodes_[parts.back()].stateful) parts.pop_back();
    parts.push_back(decisive);
  }
  return finish(kind, std::move(parts));
}

NodeId Graph::group(Node::Kind kind, std::vector<NodeId> children) {
  std::sort(children.begin(), children.end());
  return finish(kind, std::move(children));
}

NodeId Graph::finish(Node::Kind kind, std::vector<NodeId> parts) {
  if (parts.empty()) return kind == Node::Kind::And ? kTrueNode : kFalseNode;
  if (parts.size() == 1) return parts.front();
  return intern({.kind = kind, .children = std::move(parts)});
}

}  // namespace gyr
