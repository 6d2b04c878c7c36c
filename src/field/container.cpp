// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: the container of the thread. Its id is known from the control groups; what
// only the runtime knows (image, labels, pod) is not collected yet, and those fields have no value.
#include <array>

#include "field/families.h"
#include "field/values.h"

namespace gyr {
namespace {

constexpr std::string_view kHost = "host";

Value id(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  return thread->container_id.empty() ? interned(context, kHost)
                                      : Value::of_str(thread->container_id);
}

Value host_only(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || !thread->container_id.empty()) return Value::null();
  return interned(context, kHost);
}

Value start_time(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->container_id.empty() || thread->pidns_init_start_ts_ns == 0) {
    return Value::null();
  }
  return Value::of_uint(thread->pidns_init_start_ts_ns);
}

Value duration(const EvalContext& context, const FieldUse& use) {
  const Value start = start_time(context, use);
  return start.is_null() ? start : Value::of_uint(context.event.ts_ns() - start.u);
}

Value none(const EvalContext&, const FieldUse&) { return Value::null(); }

constexpr auto kFields = std::to_array<FieldInfo>({
#include "field/container.def"
});

}  // namespace

std::span<const FieldInfo> container_fields() { return kFields; }

}  // namespace gyr
