// SPDX-License-Identifier: Apache-2.0
#include "engine/event_filter.h"

#include <span>

#include "field/fields.h"
#include "lang/compile.h"

namespace gyr {
namespace {

Dialect dialect() { return {.fields = all_fields(), .event_types = kEventCount}; }

}  // namespace

EventFilter::EventFilter(const CheckedPtr& condition)
    : condition_(condition),
      needs_(event_needs(*condition, dialect())),
      evaluator_(compile(std::span(&condition, 1), dialect())) {}

bool EventFilter::matches(const EventStream& stream) {
  const auto type = static_cast<uint16_t>(stream.type());
  if (evaluator_.never_matches(type)) return false;
  const EvalContext& context = stream.context();
  EvalInput input{.context = &context, .event_type = type};
  if (const Thread* thread = context.thread()) {
    input.memo = &thread->memo;
    input.thread_version = stream.state().version_of(*thread);
  }
  return !evaluator_.evaluate(input, MatchMode::First).empty();
}

}  // namespace gyr
