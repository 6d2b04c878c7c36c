// SPDX-License-Identifier: Apache-2.0
// Runs a program. Everything here is on the path of every event: no allocation, no virtual call,
// and nothing is cleared between events (values and answers carry the number of their event
// instead).
#include <algorithm>
#include <new>

#include "base/check.h"
#include "base/system.h"
#include "vm/image.h"

namespace gyr {
namespace {

// The value of a slot, valid for one event.
struct SlotState {
  uint64_t event = 0;
  const uint64_t* words = nullptr;  // answers about the string; null: ask about the value itself
  Value value;
};

// One event in so many is timed: reading the clock costs as much as a rule. No power of two, so
// that no rhythm of events hides from it.
constexpr uint32_t kTimedEvery = 1021;

// What is done for events of one type.
struct TypeState {
  const Plan* plan;
  uint64_t events = 0;
};

}  // namespace

struct Evaluator::Impl {
  explicit Impl(std::shared_ptr<const Program> the_program)
      : program(std::move(the_program)),
        slots(program->slots.size()),
        atom_answers(program->atoms.size()),
        unit_answers(program->units.size()),
        matches(program->rule_count),
        times_ns(program->rule_count) {
    by_type.reserve(program->plan_of_type.size() + 1);
    for (const uint32_t plan : program->plan_of_type) by_type.push_back({&program->plans[plan]});
    by_type.push_back({&program->plans[program->other_plan]});
  }

  TypeState& of_type(uint16_t type) { return by_type[std::min<size_t>(type, by_type.size() - 1)]; }

  std::span<const uint32_t> evaluate(const EvalInput& input, MatchMode mode);
  template <bool kTimed>
  bool group_matches(const RuleGroup& group, MatchMode mode);
  void evaluate_timed(const TypeState& type, MatchMode mode);
  uint64_t candidates(const RuleGroup& group);
  bool run(uint32_t at);
  bool test(const Instruction& instruction);
  SlotState& fetch(uint32_t number);
  void look_up(const SlotPlan& plan, SlotState& slot);
  bool string_bit(uint32_t number, uint32_t bit);
  bool thread_bit(uint32_t number);
  void reset(ThreadMemo& memo) const;
  bool unit_answer(uint32_t number);
  bool atom_answer(uint32_t slot, uint32_t number);
  bool operands_answer(uint32_t number);

  std::shared_ptr<const Program> program;
  uint64_t event = 0;  // number of the event at hand; counts from 1
  const EvalContext* context = nullptr;
  ThreadMemo* memo = nullptr;
  std::vector<SlotState> slots;
  // Answers of this event: its number, doubled, plus the answer.
  std::vector<uint64_t> atom_answers;
  std::vector<uint64_t> unit_answers;
  std::vector<TypeState> by_type;  // the last for all types above
  std::vector<uint64_t> matches;
  std::vector<uint64_t> times_ns;  // of rules, in the events that are timed
  uint32_t until_timed = kTimedEvery;
  uint64_t clock_cost_ns = 0;
  std::vector<uint32_t> matched;
  Arena arena;
  ThreadMemo no_thread;  // stands in, for one event, when there is no thread
};

// The bits beside an interned string; computed when it is seen for the first time.
void Evaluator::Impl::look_up(const SlotPlan& plan, SlotState& slot) {
  const Vocabulary& vocabulary = *plan.vocabulary;
  if (slot.value.is_null()) {
    slot.words = vocabulary.null_words();
    return;
  }
  if (slot.value.kind != Value::Kind::Text) {
    slot.words = nullptr;
    return;
  }
  if (slot.value.size == 0) {
    slot.words = vocabulary.empty_words();
    return;
  }
  StrRep* rep = slot.value.text.rep;
  if (rep == nullptr) {
    slot.words = nullptr;
    return;
  }
  for (StrMemo* known = rep->memo; known != nullptr; known = known->next) {
    if (known->domain == plan.domain && known->generation == program->generation) {
      slot.words = known->bits();
      return;
    }
  }
  const MemoSlot made = str_memo(*rep, plan.domain, program->generation, vocabulary.words());
  if (made.fresh) vocabulary.answer(rep->view(), made.memo->bits());
  slot.words = made.memo->bits();
}

SlotState& Evaluator::Impl::fetch(uint32_t number) {
  SlotState& slot = slots[number];
  if (slot.event == event && program->settings.event_cache) return slot;
  const SlotPlan& plan = program->slots[number];
  // Made where it stays: a copy would load at once what was just stored in pieces, and wait for it.
  new (&slot.value) Value(plan.slot.extract(*context, plan.slot.use));
  slot.event = event;
  if (plan.vocabulary != nullptr) look_up(plan, slot);
  return slot;
}

bool Evaluator::Impl::string_bit(uint32_t number, uint32_t bit) {
  const SlotState& slot = fetch(number);
  if (slot.words != nullptr) return (slot.words[bit / 64] >> (bit % 64) & 1) != 0;
  if (slot.value.kind != Value::Kind::Text) return false;
  return program->slots[number].vocabulary->answer_one(slot.value.as_text(), bit);
}

void Evaluator::Impl::reset(ThreadMemo& stale) const {
  const auto words = static_cast<uint32_t>((program->threads.size() + 63) / 64);
  if (stale.words < words || !stale.known_and_true) {
    stale.known_and_true = std::make_unique<uint64_t[]>(size_t{2} * words);
    stale.words = words;
  } else {
    std::fill_n(stale.known_and_true.get(), size_t{2} * stale.words, 0);
  }
  stale.generation = program->generation;
}

// Known bits and answers stand in pairs of words.
bool Evaluator::Impl::thread_bit(uint32_t number) {
  const uint64_t mask = uint64_t{1} << (number % 64);
  const size_t pair = size_t{number / 64} * 2;
  const uint64_t* words = memo->known_and_true.get() + pair;
  if ((words[0] & mask) != 0) return (words[1] & mask) != 0;
  const bool answer = run(program->threads[number]);
  uint64_t* known = memo->known_and_true.get() + pair;
  known[0] |= mask;
  if (answer) known[1] |= mask;
  return answer;
}

bool Evaluator::Impl::unit_answer(uint32_t number) {
  const uint64_t known = unit_answers[number];
  if (known >> 1 == event) return (known & 1) != 0;
  const bool answer = run(program->units[number]);
  unit_answers[number] = event << 1 | static_cast<uint64_t>(answer);
  return answer;
}

bool Evaluator::Impl::atom_answer(uint32_t slot, uint32_t number) {
  const uint64_t known = atom_answers[number];
  if (known >> 1 == event) return (known & 1) != 0;
  const bool answer = program->atoms[number]->matches(fetch(slot).value);
  atom_answers[number] = event << 1 | static_cast<uint64_t>(answer);
  return answer;
}

bool Evaluator::Impl::operands_answer(uint32_t number) {
  const uint64_t known = atom_answers[number];
  if (known >> 1 == event) return (known & 1) != 0;
  const bool answer = program->atoms[number]->evaluate(*context, arena);
  atom_answers[number] = event << 1 | static_cast<uint64_t>(answer);
  return answer;
}

bool Evaluator::Impl::test(const Instruction& instruction) {
  switch (instruction.test) {
    case Instruction::Test::String:
      return string_bit(instruction.slot, instruction.a);
    case Instruction::Test::Thread:
      return thread_bit(instruction.a);
    case Instruction::Test::Atom:
      return program->atoms[instruction.a]->matches(fetch(instruction.slot).value);
    case Instruction::Test::AtomOnce:
      return atom_answer(instruction.slot, instruction.a);
    case Instruction::Test::Operands:
    case Instruction::Test::Stateful:
      return program->atoms[instruction.a]->evaluate(*context, arena);
    case Instruction::Test::OperandsOnce:
      return operands_answer(instruction.a);
    case Instruction::Test::Unit:
      return unit_answer(instruction.a);
  }
  return false;
}

// Recursion (through units and thread predicates) is no deeper than conditions are nested.
bool Evaluator::Impl::run(uint32_t at) {
  const Instruction* const code = program->code.data();
  while (at < kNo) {
    const Instruction& instruction = code[at];
    at = test(instruction) ? instruction.yes : instruction.no;
  }
  return at == kYes;
}

// Rules that no string of the event rules out. Inlined by force: it has two callers, of which one
// is on the path of every event.
[[gnu::always_inline]] inline uint64_t Evaluator::Impl::candidates(const RuleGroup& group) {
  uint64_t left = group.all;
  for (const Gate& gate : group.gates) {
    if ((left & gate.constrained) == 0) continue;
    uint64_t through = 0;
    for (const GateTerm& term : gate.terms) {
      const SlotState& slot = fetch(term.slot);
      // Answers that are not kept are not worth asking for all rules.
      through |= slot.words == nullptr ? ~uint64_t{0} : slot.words[term.word] >> term.shift;
    }
    left &= through;
    if (left == 0) return 0;
  }
  return left;
}

// True when no further group need be looked at.
template <bool kTimed>
bool Evaluator::Impl::group_matches(const RuleGroup& group, MatchMode mode) {
  for (uint64_t left = candidates(group); left != 0; left &= left - 1) {
    const auto index = static_cast<size_t>(__builtin_ctzll(left));
    const uint32_t rule = group.rules[index];
    const uint64_t begin_ns = kTimed ? clock_ns(CLOCK_MONOTONIC) : 0;
    const bool matches_rule = run(group.entries[index]);
    if (kTimed) {
      const uint64_t took_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
      times_ns[rule] += took_ns > clock_cost_ns ? took_ns - clock_cost_ns : 0;
    }
    if (!matches_rule) continue;
    ++matches[rule];
    matched.push_back(rule);
    if (mode == MatchMode::First) return true;
  }
  return false;
}

[[gnu::noinline]] void Evaluator::Impl::evaluate_timed(const TypeState& type, MatchMode mode) {
  until_timed = kTimedEvery;
  const uint64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
  clock_cost_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
  for (const RuleGroup& group : type.plan->groups) {
    if (group_matches<true>(group, mode)) break;
  }
}

std::span<const uint32_t> Evaluator::Impl::evaluate(const EvalInput& input, MatchMode mode) {
  matched.clear();
  TypeState& type = of_type(input.event_type);
  ++type.events;
  if (type.plan->groups.empty()) return matched;
  ++event;
  arena.reset();
  context = input.context;
  memo = input.memo != nullptr ? input.memo : &no_thread;
  const uint64_t version = input.memo != nullptr ? input.thread_version : event;
  if (memo->version != version || memo->generation != program->generation) {
    reset(*memo);
    memo->version = version;
  }
  if (--until_timed == 0) [[unlikely]] {
    evaluate_timed(type, mode);
    return matched;
  }
  for (const RuleGroup& group : type.plan->groups) {
    if (group_matches<false>(group, mode)) break;
  }
  return matched;
}

Evaluator::Evaluator(std::shared_ptr<const Program> program)
    : impl_(std::make_unique<Impl>(std::move(program))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

std::span<const uint32_t> Evaluator::evaluate(const EvalInput& input, MatchMode mode) {
  return impl_->evaluate(input, mode);
}

bool Evaluator::never_matches(uint16_t event_type) const {
  return impl_->of_type(event_type).plan->groups.empty();
}

std::vector<RuleCounters> Evaluator::counters() const {
  const Program& program = *impl_->program;
  std::vector<RuleCounters> result(program.rule_count);
  for (const TypeState& type : impl_->by_type) {
    for (const RuleGroup& group : type.plan->groups) {
      for (const uint32_t rule : group.rules) result[rule].evaluated += type.events;
    }
  }
  for (size_t rule = 0; rule < result.size(); ++rule) {
    result[rule].matched = impl_->matches[rule];
    result[rule].time_ns = impl_->times_ns[rule] * kTimedEvery;
  }
  return result;
}

}  // namespace gyr
