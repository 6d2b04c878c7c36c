// SPDX-License-Identifier: Apache-2.0
// The compiled ruleset and the machine that runs it. A Program is immutable and may be shared
// between threads; an Evaluator belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "value/field_info.h"
#include "value/thread_memo.h"

namespace gyr {

class Program;

// How many atoms of the rule are left for this type; 0 when it cannot match, or always does.
uint32_t residual_atoms(const Program& program, uint32_t rule, uint16_t event_type);

// One event as the evaluator sees it.
struct EvalInput {
  const EvalContext* context = nullptr;  // handed to extractors
  uint16_t event_type = 0;
  ThreadMemo* memo =
      nullptr;  // of the event's thread; null: no thread, thread-class parts are not cached
  uint64_t thread_version = 0;  // State::version_of(thread)
};

enum class MatchMode : uint8_t { First, All };

struct RuleCounters {
  uint64_t evaluated = 0;  // events of types for which the rule has a plan
  uint64_t matched = 0;
  // Of its own checks, estimated from one event in a thousand; what several rules share counts for
  // the first that asks.
  uint64_t time_ns = 0;
};

class Evaluator {
 public:
  explicit Evaluator(std::shared_ptr<const Program> program);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  // Numbers of the rules that match, in rule order; with First at most one. Valid until the next
  // call.
  std::span<const uint32_t> evaluate(const EvalInput& input, MatchMode mode);

  // True when no rule can match events of this type: the caller may skip building a context.
  bool never_matches(uint16_t event_type) const;
  std::vector<RuleCounters> counters() const;  // by rule number

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gyr
