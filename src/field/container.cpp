// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: the container of the thread. Its id is known from the control groups; what
// only the runtime knows (image, labels, pod) is not collected yet, and those fields have no value.
#include <algorithm>
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

// What events told about the thread's container, null on the host and while nothing is known.
const ContainerInfo* info_of(const EvalContext& context) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->container_id.empty()) return nullptr;
  return context.state.container(thread->container_id);
}

Value known(const Str& text) { return text.empty() ? Value::null() : Value::of_str(text); }

template <Str ContainerInfo::*member>
Value text(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? Value::null() : known(info->*member);
}

template <Str ContainerInfo::*member>
Value text_or_host(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr || !thread->container_id.empty()) return text<member>(context, use);
  return interned(context, kHost);
}

struct TypeName {
  int64_t type;
  std::string_view name;
};
constexpr auto kTypes = std::to_array<TypeName>({
    {0, "docker"},
    {1, "lxc"},
    {2, "libvirt-lxc"},
    {3, "mesos"},
    {4, "rkt"},
    {6, "cri"},
    {7, "containerd"},
    {8, "cri-o"},
    {9, "bpm"},
    {11, "podman"},
});

Value type(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread != nullptr && thread->container_id.empty()) return Value::of_text(kHost);
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return Value::null();
  const auto* row = std::ranges::find(kTypes, info->type, &TypeName::type);
  return row == kTypes.end() ? Value::null() : Value::of_text(row->name);
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
