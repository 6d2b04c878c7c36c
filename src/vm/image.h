// SPDX-License-Identifier: Apache-2.0
// What a Program consists of: jump code for conditions, what it refers to, and a plan for every
// event type. Made by build.cpp, read by evaluator.cpp.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "vm/build.h"
#include "vm/program.h"
#include "vm/vocabulary.h"

namespace gyr {

// Places in the code above these are answers.
inline constexpr uint32_t kNo = UINT32_MAX - 1;
inline constexpr uint32_t kYes = UINT32_MAX;

// One test and where to go on.
struct Instruction {
  enum class Test : uint8_t {
    String,    // slot, a = bit of its vocabulary
    Thread,    // a = number of a thread predicate
    Atom,      // slot, a = atom: asked about the slot's value
    AtomOnce,  // the same, the answer kept for the event
    Operands,  // a = atom that extracts for itself
    OperandsOnce,
    Unit,      // a = unit whose answer is kept for the event
    Stateful,  // a = atom that must be asked each time the code gets here
  };
  Test test{};
  uint32_t slot = 0;
  uint32_t a = 0;
  uint32_t yes = kYes;
  uint32_t no = kNo;
};

// One word of a vocabulary, shifted: bit i is about rule i of a group.
struct GateTerm {
  uint32_t slot = 0;
  uint16_t word = 0;
  uint8_t shift = 0;
};

// A necessary condition of each rule of a group: one of a few strings must be right. Several terms
// when rules accept different strings ("fd.name in … or fd.directory in …").
struct Gate {
  std::vector<GateTerm> terms;
  uint64_t constrained = 0;  // rules this gate can rule out
};

// Up to 64 rules that are gated together.
struct RuleGroup {
  uint64_t all = 0;
  std::vector<Gate> gates;
  std::vector<uint32_t> rules;    // rule numbers, ascending
  std::vector<uint32_t> entries;  // where the code of each begins (or kYes)
  std::vector<uint32_t> atoms;    // how many atoms are left of each, for reports
};

struct Plan {
  std::vector<RuleGroup> groups;  // none: no rule can match
};

struct SlotPlan {
  Slot slot;
  const Vocabulary* vocabulary = nullptr;  // null: no answers are kept beside its strings
  uint16_t domain = 0;
};

class Program {
 public:
  BuildSettings settings;
  uint32_t generation = 0;  // never 0; tells memos of different programs apart
  size_t rule_count = 0;
  std::vector<Plan> plans;
  std::vector<uint32_t> plan_of_type;
  uint32_t other_plan = 0;  // for types above the table
  std::vector<Instruction> code;
  std::vector<AtomPtr> atoms;
  std::vector<SlotPlan> slots;
  std::vector<uint32_t> units;    // entries of shared event-class parts
  std::vector<uint32_t> threads;  // entries of thread predicates
  std::array<std::unique_ptr<Vocabulary>, static_cast<size_t>(Domain::Count)> vocabularies;

  uint32_t plan_for(uint16_t type) const {
    return type < plan_of_type.size() ? plan_of_type[type] : other_plan;
  }
};

}  // namespace gyr
