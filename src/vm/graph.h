// SPDX-License-Identifier: Apache-2.0
// Hash-consed conditions: equal parts of all rules are one node. Stateful atoms (kStateful) are the
// exception: each stays its own node, and nothing above one is reordered, merged or dropped unless
// evaluation could not have reached it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string>
#include <vector>

#include "vm/tree.h"

namespace gyr {

using NodeId = uint32_t;
inline constexpr NodeId kFalseNode = 0;
inline constexpr NodeId kTrueNode = 1;
inline constexpr uint32_t kNoSlot = UINT32_MAX;

// A field as some atoms ask for it: its value is extracted once per event.
struct Slot {
  FieldUse use;
  Extractor extract = nullptr;
  // Vocabulary for answers kept beside interned strings; None: the atoms are asked one by one.
  Domain domain = Domain::None;
  Dependency dependency = Dependency::Event;
};

struct Node {
  enum class Kind : uint8_t { False, True, Atom, Not, And, Or };
  Kind kind = Kind::False;
  Dependency dependency = Dependency::Constant;
  bool stateful = false;
  bool foldable = false;         // an atom below may be decided by the event's type
  uint32_t slot = kNoSlot;       // the string slot that all atoms below ask
  uint32_t atom = 0;             // Atom: its number
  std::vector<NodeId> children;  // Not: one; And, Or: two or more
};

class Graph {
 public:
  Graph();

  // The tree must live as long as trees are added.
  NodeId add(const Tree& tree);
  NodeId negate(NodeId node);
  // And, Or: flattened, without repetitions and what the rest decides.
  NodeId combine(Node::Kind kind, std::span<const NodeId> children);
  // The same without opening children of the same kind: they stay together.
  NodeId group(Node::Kind kind, std::vector<NodeId> children);

  const Node& node(NodeId id) const { return nodes_[id]; }
  size_t size() const { return nodes_.size(); }
  const Atom& atom(uint32_t number) const { return *atoms_[number]; }
  uint32_t slot_of_atom(uint32_t number) const { return atom_slots_[number]; }  // or kNoSlot
  const std::vector<AtomPtr>& atoms() const { return atoms_; }
  const std::vector<Slot>& slots() const { return slots_; }

 private:
  // Not inlined: its locals would be in every frame of add's recursion.
  [[gnu::noinline]] NodeId add_atom(const AtomPtr& atom);
  uint32_t add_slot(const Atom& atom);
  NodeId add_shared(const TreePtr& tree);
  NodeId intern(Node node);
  NodeId combine_in_order(Node::Kind kind, std::vector<NodeId> children);
  NodeId finish(Node::Kind kind, std::vector<NodeId> children);

  std::vector<Node> nodes_;
  std::vector<AtomPtr> atoms_;
  std::vector<uint32_t> atom_slots_;
  std::vector<Slot> slots_;
  absl::flat_hash_map<std::string, NodeId> known_;
  absl::flat_hash_map<const Tree*, NodeId> shared_;  // parts of several trees, such as macros
  absl::flat_hash_map<std::string, uint32_t> slot_numbers_;
};

}  // namespace gyr
