// SPDX-License-Identifier: Apache-2.0
// The order of the passes: graph, specialising, vocabularies, gates, code.
#include "vm/build.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <map>

#include "vm/codegen.h"
#include "vm/image.h"
#include "vm/specialise.h"

namespace gyr {
namespace {

constexpr size_t kGroupSize = 64;

// Memos of strings and threads outlive programs and are told apart by this number alone, so it must
// be unique in the process.
uint32_t next_generation() {
  static std::atomic<uint32_t> last{0};
  uint32_t next = 0;
  while (next == 0) next = ++last;
  return next;
}

// A gate of one group; where its terms are is known once the vocabularies are finished.
struct PendingGate {
  RuleGroup* group;
  std::vector<std::pair<uint32_t, uint32_t>> terms;  // slot, number in the vocabulary
  uint64_t constrained;
};

class Builder {
 public:
  Builder(std::span<const TreePtr> trees, uint16_t event_types, const BuildSettings& settings)
      : program_(std::make_shared<Program>()), codegen_(graph_, *program_) {
    program_->settings = settings;
    program_->generation = next_generation();
    program_->rule_count = trees.size();
    std::vector<NodeId> roots;
    for (const TreePtr& tree : trees) roots.push_back(graph_.add(*tree));
    specialised_ = specialise(graph_, roots, settings.specialise ? event_types : uint16_t{0});
    program_->atoms = graph_.atoms();
    make_slots();
  }

  std::shared_ptr<const Program> build() {
    std::vector<std::vector<NodeId>> roots;
    for (const Residue& residue : specialised_.residues) {
      std::vector<NodeId>& prepared = roots.emplace_back();
      for (const RuleResidue& rule : residue) prepared.push_back(rule.root);
      codegen_.prepare(prepared);
    }
    program_->plans.resize(roots.size());
    for (size_t i = 0; i < roots.size(); ++i) {
      make_plan(specialised_.residues[i], roots[i], program_->plans[i]);
    }
    for (const auto& vocabulary : program_->vocabularies) {
      if (vocabulary) vocabulary->finish();
    }
    for (const PendingGate& gate : gates_) place(gate);
    program_->plan_of_type = std::move(specialised_.by_type);
    program_->other_plan = specialised_.otherwise;
    return std::move(program_);
  }

 private:
  void make_slots() {
    std::array<size_t, static_cast<size_t>(Domain::Count)> asked{};
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const uint32_t slot = graph_.node(id).slot;
      if (slot != kNoSlot) ++asked[static_cast<size_t>(graph_.slots()[slot].domain)];
    }
    for (const Slot& slot : graph_.slots()) {
      const auto domain = static_cast<size_t>(slot.domain);
      SlotPlan plan{.slot = slot, .vocabulary = nullptr, .domain = static_cast<uint16_t>(domain)};
      if (program_->settings.string_cache && slot.domain != Domain::None &&
          asked[domain] <= Vocabulary::kMaxNodes) {
        auto& vocabulary = program_->vocabularies[domain];
        if (!vocabulary) vocabulary = std::make_unique<Vocabulary>();
        plan.vocabulary = vocabulary.get();
      }
      program_->slots.push_back(std::move(plan));
    }
  }

  void make_plan(const Residue& residue, const std::vector<NodeId>& roots, Plan& plan) {
    plan.groups.resize((residue.size() + kGroupSize - 1) / kGroupSize);
    for (size_t i = 0; i < residue.size(); ++i) {
      RuleGroup& group = plan.groups[i / kGroupSize];
      group.all |= uint64_t{1} << (i % kGroupSize);
      group.rules.push_back(residue[i].rule);
      group.atoms.push_back(codegen_.count_atoms(residue[i].root));
      group.entries.push_back(codegen_.emit_root(roots[i]));
    }
    for (size_t i = 0; i < plan.groups.size(); ++i) {
      const size_t from = i * kGroupSize;
      const size_t count = std::min(kGroupSize, residue.size() - from);
      make_gates(std::span(residue).subspan(from, count), plan.groups[i]);
    }
  }

  // Clauses on the same slots become one gate.
  void make_gates(std::span<const RuleResidue> rules, RuleGroup& group) {
    std::map<std::vector<uint32_t>, std::map<size_t, Codegen::Clause>> by_slots;
    for (size_t i = 0; i < rules.size(); ++i) {
      for (Codegen::Clause& clause : codegen_.necessary(rules[i].root)) {
        std::vector<uint32_t> slots;
        for (const auto& [slot, node] : clause) slots.push_back(slot);
        by_slots[slots].emplace(i, std::move(clause));
      }
    }
    for (const auto& [slots, clauses] : by_slots) make_gate(slots, clauses, rules.size(), group);
  }

  void make_gate(const std::vector<uint32_t>& slots,
                 const std::map<size_t, Codegen::Clause>& clauses, size_t rules, RuleGroup& group) {
    PendingGate gate{.group = &group, .terms = {}, .constrained = 0};
    for (const auto& [index, clause] : clauses) gate.constrained |= uint64_t{1} << index;
    for (const uint32_t slot : slots) {
      // A rule without such a clause is let through by every term.
      std::vector<NodeId> nodes(rules, kTrueNode);
      for (const auto& [index, clause] : clauses) nodes[index] = clause.at(slot);
      Vocabulary& vocabulary = *program_->vocabularies[program_->slots[slot].domain];
      const auto number = vocabulary.gate_of(graph_, nodes);
      if (!number) return;
      gate.terms.emplace_back(slot, *number);
    }
    gates_.push_back(std::move(gate));
  }

  // The gate that can rule out most for the fewest look-ups comes first.
  void place(const PendingGate& pending) {
    Gate gate{.terms = {}, .constrained = pending.constrained};
    for (const auto& [slot, number] : pending.terms) {
      const uint32_t bit = program_->vocabularies[program_->slots[slot].domain]->gate_bit(number);
      gate.terms.push_back({.slot = slot,
                            .word = static_cast<uint16_t>(bit / 64),
                            .shift = static_cast<uint8_t>(bit % 64)});
    }
    const auto worth = [](const Gate& g) {
      return static_cast<double>(std::popcount(g.constrained)) /
             static_cast<double>(g.terms.size());
    };
    auto& gates = pending.group->gates;
    const auto behind = std::find_if(gates.begin(), gates.end(),
                                     [&](const Gate& other) { return worth(other) < worth(gate); });
    gates.insert(behind, std::move(gate));
  }

  std::shared_ptr<Program> program_;
  Graph graph_;
  Codegen codegen_;
  Specialised specialised_;
  std::vector<PendingGate> gates_;
};

}  // namespace

std::shared_ptr<const Program> build_program(std::span<const TreePtr> trees, uint16_t event_types,
                                             const BuildSettings& settings) {
  return Builder(trees, event_types, settings).build();
}

uint32_t residual_atoms(const Program& program, uint32_t rule, uint16_t event_type) {
  for (const RuleGroup& group : program.plans[program.plan_for(event_type)].groups) {
    const auto at = std::lower_bound(group.rules.begin(), group.rules.end(), rule);
    if (at != group.rules.end() && *at == rule) {
      return group.atoms[static_cast<size_t>(at - group.rules.begin())];
    }
  }
  return 0;
}

}  // namespace gyr
