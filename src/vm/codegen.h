// SPDX-License-Identifier: Apache-2.0
// Nodes → jump code. Parts are grouped by what their answer depends on, ordered by cost and likely
// answer, and shared parts become units of their own.
#pragma once

#include <map>

#include "vm/image.h"

namespace gyr {

class Codegen {
 public:
  Codegen(Graph& graph, Program& program) : graph_(graph), program_(program) {}

  // Call for the roots of every plan before emitting any: regroups them and counts how often one
  // event can ask for a part.
  void prepare(std::vector<NodeId>& roots);
  // The entry of the code for a prepared root.
  uint32_t emit_root(NodeId root);
  // Necessary conditions of a root on the event's strings, each a choice between slots. Part of
  // what the root says; empty when it says nothing that must hold.
  using Clause = std::map<uint32_t, NodeId>;  // slot → what its string must satisfy
  std::vector<Clause> necessary(NodeId root);
  uint32_t count_atoms(NodeId node);

 private:
  struct Estimate {
    double cost;
    double likely;  // to be true
  };
  NodeId regroup(NodeId node);
  void count_uses(NodeId node);
  void count_thread_uses(NodeId node);
  bool is_string_part(const Node& node) const;
  bool is_thread_part(const Node& node) const;
  Estimate estimate(NodeId node);
  Estimate estimate_atom(const Node& node) const;
  std::vector<NodeId> ordered(const Node& node);
  bool is_gate_part(const Node& node) const;
  NodeId bound(NodeId node, bool upper);

  uint32_t emit(NodeId node, uint32_t yes, uint32_t no);
  uint32_t emit_atom(const Node& node, NodeId id, uint32_t yes, uint32_t no);
  uint32_t emit_chain(NodeId node, uint32_t yes, uint32_t no);
  uint32_t push(Instruction instruction);
  uint32_t thread_predicate(NodeId node);
  uint32_t unit(NodeId node);

  Graph& graph_;
  Program& program_;
  bool in_thread_ = false;  // emitting a thread predicate: its own parts may not refer to it
  NodeId thread_root_ = kFalseNode;
  absl::flat_hash_map<NodeId, NodeId> regrouped_;
  std::vector<uint32_t> uses_;       // by node, the most in any plan
  std::vector<uint32_t> plan_uses_;  // by node, in the plan at hand
  std::vector<NodeId> counted_;      // nodes of the plan at hand
  std::vector<bool> thread_counted_;
  absl::flat_hash_map<NodeId, Estimate> estimates_;
  absl::flat_hash_map<NodeId, uint32_t> threads_;
  absl::flat_hash_map<NodeId, uint32_t> units_;
  absl::flat_hash_map<NodeId, uint32_t> roots_;
  absl::flat_hash_map<uint64_t, NodeId> bounds_;
};

}  // namespace gyr
