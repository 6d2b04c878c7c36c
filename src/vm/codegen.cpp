// SPDX-License-Identifier: Apache-2.0
#include "vm/codegen.h"

#include <algorithm>

namespace gyr {

bool Codegen::is_string_part(const Node& node) const {
  return node.slot != kNoSlot && program_.slots[node.slot].vocabulary != nullptr;
}

bool Codegen::is_thread_part(const Node& node) const {
  return program_.settings.thread_cache && !node.stateful && node.dependency <= Dependency::Thread;
}

// Puts the parts of and/or that can be answered together (same string, or all about the thread)
// under one node, so that they become one bit.
NodeId Codegen::regroup(NodeId id) {
  const Node::Kind kind = graph_.node(id).kind;
  if (kind == Node::Kind::False || kind == Node::Kind::True || kind == Node::Kind::Atom) return id;
  const Node& node = graph_.node(id);
  if (is_string_part(node) || is_thread_part(node)) return id;
  const auto found = regrouped_.find(id);
  if (found != regrouped_.end()) return found->second;
  std::vector<NodeId> children = node.children;  // a copy: the graph grows below
  const bool stateful = node.stateful;
  NodeId result = id;
  if (kind == Node::Kind::Not) {
    result = graph_.negate(regroup(children.front()));
  } else if (stateful) {
    for (NodeId& child : children) child = regroup(child);
    result = graph_.combine(kind, children);
  } else {
    constexpr uint32_t kThreadGroup = kNoSlot - 1;
    std::map<uint32_t, std::vector<NodeId>> groups;
    std::vector<NodeId> parts;
    for (const NodeId child : children) {
      const Node& part = graph_.node(child);
      if (is_thread_part(part)) {
        groups[kThreadGroup].push_back(child);
      } else if (is_string_part(part)) {
        groups[part.slot].push_back(child);
      } else {
        parts.push_back(regroup(child));
      }
    }
    for (const auto& [slot, members] : groups) parts.push_back(graph_.group(kind, members));
    result = graph_.group(kind, parts);
  }
  regrouped_.emplace(id, result);
  return result;
}

void Codegen::prepare(std::vector<NodeId>& roots) {
  for (NodeId& root : roots) root = regroup(root);
  uses_.resize(graph_.size());
  plan_uses_.resize(graph_.size());
  thread_counted_.resize(graph_.size());
  counted_.clear();
  for (const NodeId root : roots) count_uses(root);
  for (const NodeId id : counted_) {
    uses_[id] = std::max(uses_[id], plan_uses_[id]);
    plan_uses_[id] = 0;
  }
}

// Parts that are one bit (of a string, of a thread) are not looked into: the bit is kept anyway.
void Codegen::count_uses(NodeId id) {
  const Node& node = graph_.node(id);
  if (is_thread_part(node)) {
    ++uses_[id];
    count_thread_uses(id);
    return;
  }
  if (is_string_part(node)) return;
  if (++plan_uses_[id] > 1) return;
  counted_.push_back(id);
  for (const NodeId child : node.children) count_uses(child);
}

void Codegen::count_thread_uses(NodeId id) {
  const Node& node = graph_.node(id);
  if (thread_counted_[id] || is_string_part(node)) return;
  thread_counted_[id] = true;
  for (const NodeId child : node.children) {
    ++uses_[child];
    count_thread_uses(child);
  }
}

uint32_t Codegen::count_atoms(NodeId id) {
  std::vector<NodeId> open = {id};
  absl::flat_hash_map<NodeId, bool> seen;
  uint32_t count = 0;
  while (!open.empty()) {
    const NodeId next = open.back();
    open.pop_back();
    if (!seen.emplace(next, true).second) continue;
    const Node& node = graph_.node(next);
    count += node.kind == Node::Kind::Atom ? 1 : 0;
    open.insert(open.end(), node.children.begin(), node.children.end());
  }
  return count;
}

// Strings of the event: asking them costs a load or two. Strings of the thread are left to the
// thread's own answers.
bool Codegen::is_gate_part(const Node& node) const {
  return is_string_part(node) && program_.slots[node.slot].slot.dependency == Dependency::Event;
}

std::vector<Codegen::Clause> Codegen::necessary(NodeId root) {
  std::vector<Clause> clauses;
  if (graph_.node(root).stateful) return clauses;
  const NodeId limit = bound(root, true);
  const Node& whole = graph_.node(limit);
  const std::vector<NodeId> conjuncts =
      whole.kind == Node::Kind::And ? whole.children : std::vector<NodeId>{limit};
  for (const NodeId conjunct : conjuncts) {
    const Node& part = graph_.node(conjunct);
    const bool choice = part.kind == Node::Kind::Or && part.slot == kNoSlot;
    const std::vector<NodeId> options = choice ? part.children : std::vector<NodeId>{conjunct};
    std::map<uint32_t, std::vector<NodeId>> by_slot;
    for (const NodeId option : options) by_slot[graph_.node(option).slot].push_back(option);
    if (by_slot.contains(kNoSlot)) continue;  // constant, or options that mix slots
    Clause clause;
    for (const auto& [slot, nodes] : by_slot) {
      clause[slot] = graph_.combine(Node::Kind::Or, nodes);
    }
    // Clauses on one slot are one; of others on the same slots the first is kept.
    const auto same = std::find_if(clauses.begin(), clauses.end(), [&](const Clause& other) {
      return std::equal(other.begin(), other.end(), clause.begin(), clause.end(),
                        [](const auto& a, const auto& b) { return a.first == b.first; });
    });
    if (same == clauses.end()) {
      clauses.push_back(std::move(clause));
    } else if (clause.size() == 1) {
      NodeId& node = same->begin()->second;
      node = graph_.combine(Node::Kind::And, std::array{node, clause.begin()->second});
    }
  }
  return clauses;
}

// The node with everything that is not about the event's strings taken as true (upper) or false
// (lower).
NodeId Codegen::bound(NodeId id, bool upper) {
  const Node& node = graph_.node(id);
  if (node.kind == Node::Kind::False || node.kind == Node::Kind::True) return id;
  if (is_gate_part(node)) return id;
  if (node.kind == Node::Kind::Atom) return upper ? kTrueNode : kFalseNode;
  const uint64_t key = (uint64_t{upper} << 32) | id;
  const auto found = bounds_.find(key);
  if (found != bounds_.end()) return found->second;
  const Node::Kind kind = node.kind;
  std::vector<NodeId> children = node.children;
  NodeId result = 0;
  if (kind == Node::Kind::Not) {
    result = graph_.negate(bound(children.front(), !upper));
  } else {
    for (NodeId& child : children) child = bound(child, upper);
    result = graph_.combine(kind, children);
  }
  bounds_.emplace(key, result);
  return result;
}

namespace {

double likelihood(const Atom& atom) {
  switch (atom.spec().op) {
    case Operator::Exists:
      return 0.7;
    case Operator::NotEqual:
      return 0.9;
    case Operator::Less:
    case Operator::LessEqual:
    case Operator::Greater:
    case Operator::GreaterEqual:
      return 0.6;
    case Operator::Equal:
      return family_of(atom.spec().left->type) == Family::Bool ? 0.3 : 0.1;
    case Operator::In:
    case Operator::Intersects:
      return 0.15;
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
      return 0.1;
  }
  return 0.5;
}

}  // namespace

// Costs in rough nanoseconds, extraction included.
Codegen::Estimate Codegen::estimate_atom(const Node& node) const {
  const Atom& atom = graph_.atom(node.atom);
  const double likely = likelihood(atom);
  const uint32_t slot = graph_.slot_of_atom(node.atom);
  if (slot == kNoSlot) return {150, likely};
  const Family family = family_of(atom.spec().left->type);
  const bool text = family == Family::Text || family == Family::Blob;
  const bool list = program_.slots[slot].slot.use.info->quantifier != Quantifier::Single;
  double cost = text ? 30 : 8;
  if (list) cost += 60;
  if (atom.spec().op == Operator::Regex) cost += 300;
  if (atom.spec().op == Operator::Glob || atom.spec().op == Operator::IGlob) cost += 50;
  return {cost, likely};
}

Codegen::Estimate Codegen::estimate(NodeId id) {
  const auto found = estimates_.find(id);
  if (found != estimates_.end()) return found->second;
  const Node& node = graph_.node(id);
  Estimate result{0, id == kTrueNode ? 1.0 : 0.0};
  if (node.kind == Node::Kind::Atom) {
    result = estimate_atom(node);
  } else if (node.kind == Node::Kind::Not) {
    const Estimate inner = estimate(node.children.front());
    result = {inner.cost, 1 - inner.likely};
  } else if (!node.children.empty()) {
    // Cost of the parts as far as they are reached.
    double reach = 1;
    const bool conjunction = node.kind == Node::Kind::And;
    for (const NodeId child : node.children) {
      const Estimate part = estimate(child);
      result.cost += reach * part.cost;
      reach *= conjunction ? part.likely : 1 - part.likely;
    }
    result.likely = conjunction ? reach : 1 - reach;
  }
  if (is_string_part(node)) result.cost = 3;
  if (is_thread_part(node)) result.cost = 2;
  estimates_.emplace(id, result);
  return result;
}

// Cheap parts that probably decide come first. A chain with something stateful keeps its order.
std::vector<NodeId> Codegen::ordered(const Node& node) {
  std::vector<NodeId> parts = node.children;
  if (node.stateful) return parts;
  const bool conjunction = node.kind == Node::Kind::And;
  std::vector<std::pair<double, NodeId>> ranked;
  for (const NodeId part : parts) {
    const Estimate guess = estimate(part);
    const double decides = std::max(conjunction ? 1 - guess.likely : guess.likely, 0.01);
    ranked.emplace_back(guess.cost / decides, part);
  }
  std::sort(ranked.begin(), ranked.end());
  std::transform(ranked.begin(), ranked.end(), parts.begin(),
                 [](const auto& r) { return r.second; });
  return parts;
}

uint32_t Codegen::push(Instruction instruction) {
  program_.code.push_back(instruction);
  return static_cast<uint32_t>(program_.code.size() - 1);
}

uint32_t Codegen::emit_root(NodeId root) {
  const auto found = roots_.find(root);
  if (found != roots_.end()) return found->second;
  const uint32_t entry = emit(root, kYes, kNo);
  roots_.emplace(root, entry);
  return entry;
}

uint32_t Codegen::thread_predicate(NodeId id) {
  const auto found = threads_.find(id);
  if (found != threads_.end()) return found->second;
  const bool was_in = std::exchange(in_thread_, true);
  const NodeId was_root = std::exchange(thread_root_, id);
  const uint32_t entry = emit(id, kYes, kNo);
  in_thread_ = was_in;
  thread_root_ = was_root;
  program_.threads.push_back(entry);
  const auto number = static_cast<uint32_t>(program_.threads.size() - 1);
  threads_.emplace(id, number);
  return number;
}

uint32_t Codegen::unit(NodeId id) {
  const auto found = units_.find(id);
  if (found != units_.end()) return found->second;
  program_.units.push_back(emit_chain(id, kYes, kNo));
  const auto number = static_cast<uint32_t>(program_.units.size() - 1);
  units_.emplace(id, number);
  return number;
}

uint32_t Codegen::emit(NodeId id, uint32_t yes, uint32_t no) {
  const Node& node = graph_.node(id);
  using Test = Instruction::Test;
  if (node.kind == Node::Kind::False) return no;
  if (node.kind == Node::Kind::True) return yes;
  if (node.kind == Node::Kind::Not) return emit(node.children.front(), no, yes);
  const bool own_root = in_thread_ && id == thread_root_;
  if (is_thread_part(node) && !own_root && (!in_thread_ || uses_[id] > 1)) {
    return push({Test::Thread, 0, thread_predicate(id), yes, no});
  }
  if (is_string_part(node)) {
    const SlotPlan& slot = program_.slots[node.slot];
    Vocabulary& vocabulary = *program_.vocabularies[slot.domain];
    return push({Test::String, node.slot, vocabulary.bit_of(graph_, id), yes, no});
  }
  if (node.kind == Node::Kind::Atom) return emit_atom(node, id, yes, no);
  const bool shared = uses_[id] > 1 && !node.stateful && !own_root;
  if (shared && program_.settings.event_cache) return push({Test::Unit, 0, unit(id), yes, no});
  return emit_chain(id, yes, no);
}

uint32_t Codegen::emit_atom(const Node& node, NodeId id, uint32_t yes, uint32_t no) {
  using Test = Instruction::Test;
  if (node.stateful) return push({Test::Stateful, 0, node.atom, yes, no});
  const uint32_t slot = graph_.slot_of_atom(node.atom);
  const bool keep = uses_[id] > 1 && program_.settings.event_cache;
  if (slot == kNoSlot)
    return push({keep ? Test::OperandsOnce : Test::Operands, 0, node.atom, yes, no});
  return push({keep ? Test::AtomOnce : Test::Atom, slot, node.atom, yes, no});
}

// Back to front, so that each part knows where its successor begins.
uint32_t Codegen::emit_chain(NodeId id, uint32_t yes, uint32_t no) {
  const Node node = graph_.node(id);
  const std::vector<NodeId> parts = ordered(node);
  const bool conjunction = node.kind == Node::Kind::And;
  uint32_t next = conjunction ? yes : no;
  for (size_t i = parts.size(); i-- > 0;) {
    next = conjunction ? emit(parts[i], next, no) : emit(parts[i], yes, next);
  }
  return next;
}

}  // namespace gyr
