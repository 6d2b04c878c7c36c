// SPDX-License-Identifier: Apache-2.0
// Ways from a thread to its process, parents and group leaders (state-engine section 11). Internal
// to field/.
#pragma once

#include "field/context.h"

namespace gyr {

// The process (leading thread) of the event's thread, null if unknown.
inline const Thread* process_of(const EvalContext& context) {
  const Thread* thread = context.thread();
  return thread == nullptr ? nullptr : context.state.leader(*thread);
}

// The process that started the event's process.
inline const Thread* parent_process(const EvalContext& context) {
  const Thread* process = process_of(context);
  const Thread* parent = process == nullptr ? nullptr : context.state.parent(*process);
  return parent == nullptr ? nullptr : context.state.leader(*parent);
}

// Calls use(thread) for each ancestor of `start`, nearest first, until it returns false. Ends at a
// loop: damaged captures can hold one (Brent's algorithm).
template <class Use>
void for_each_ancestor(const State& state, const Thread& start, Use use) {
  const Thread* mark = &start;
  uint64_t steps = 0;
  uint64_t limit = 2;
  for (const Thread* at = state.parent(start); at != nullptr; at = state.parent(*at)) {
    if (at == mark || !use(*at)) return;
    if (++steps == limit) {
      mark = at;
      steps = 0;
      limit *= 2;
    }
  }
}

// 0: the process itself; n: its n-th ancestor. Null if there are fewer.
inline const Thread* ancestor(const EvalContext& context, int64_t n) {
  const Thread* process = process_of(context);
  if (process == nullptr || n == 0) return process;
  const Thread* found = nullptr;
  for_each_ancestor(context.state, *process, [&](const Thread& thread) {
    if (--n > 0) return true;
    found = &thread;
    return false;
  });
  return found;
}

inline constexpr uint32_t kChildInPidNamespace = 0x20000000;

inline bool in_pid_namespace(const Thread& thread) {
  return (thread.flags & kChildInPidNamespace) != 0 ||
         (thread.vtid >= 0 && thread.vtid != thread.tid);
}

}  // namespace gyr
