// SPDX-License-Identifier: Apache-2.0
#include "field/process_time.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace gyr {
namespace {

// Threads one use remembers; those beyond start again from nothing.
constexpr size_t kThreadLimit = 65536;

using ByThread = std::unordered_map<int64_t, uint64_t>;

uint64_t& entry_of(ByThread& memory, int64_t tid) {
  if (memory.size() >= kThreadLimit && !memory.contains(tid)) memory.clear();
  return memory[tid];
}

constexpr size_t kUserParam = 0;
constexpr size_t kSystemParam = 1;

uint64_t reported(const EventView& event, CpuPart part) {
  const auto user = event.get<uint64_t>(kUserParam);
  const auto system = event.get<uint64_t>(kSystemParam);
  switch (part) {
    case CpuPart::All:
      return user + system;
    case CpuPart::User:
      return user;
    case CpuPart::System:
      return system;
  }
  return 0;
}

}  // namespace

template <CpuPart part>
Value cpu_percent(const EvalContext& context, const FieldUse& use) {
  if (context.thread() == nullptr) return Value::null();
  if (context.event.type() != Ev::PROCINFO_E) return Value::null();
  const uint64_t total = reported(context.event, part);
  const uint64_t last =
      std::exchange(entry_of(context.memory.of<ByThread>(use), context.event.tid()), total);
  const uint64_t used = last == 0 || total < last ? 0 : total - last;
  return Value::of_double(static_cast<double>(std::min<uint64_t>(used, 100)));
}
template Value cpu_percent<CpuPart::All>(const EvalContext&, const FieldUse&);
template Value cpu_percent<CpuPart::User>(const EvalContext&, const FieldUse&);
template Value cpu_percent<CpuPart::System>(const EvalContext&, const FieldUse&);

}  // namespace gyr
