// SPDX-License-Identifier: Apache-2.0
// container.* and k8s.*: the container of the thread. Its id is known from the control groups; the
// rest is what events told or a finder found (docs/containers.md). What is not known is null.
#include <fnmatch.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

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

bool on_host(const EvalContext& context) {
  const Thread* thread = context.thread();
  return thread != nullptr && thread->container_id.empty();
}

// What is known of no container: on the host that there is nothing, an empty text as in the
// reference, so that `container.image.repository != x` is true there; else nothing is known.
Value unknown_text(const EvalContext& context) {
  return on_host(context) ? Value::of_text("") : Value::null();
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
  if (info != nullptr) return known(info->*member);
  return on_host(context) ? interned(context, "") : Value::null();
}

template <Str ContainerInfo::*member>
Value text_or_host(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr || !thread->container_id.empty()) return text<member>(context, use);
  return interned(context, kHost);
}

Value type(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread != nullptr && thread->container_id.empty()) return Value::of_text(kHost);
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? Value::null() : text_or_null(container_type_name(info->more.type));
}

template <std::string ContainerMetadata::*member>
Value more(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? unknown_text(context) : text_or_null(info->more.*member);
}

template <std::optional<bool> ContainerMetadata::*member>
Value flag(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return on_host(context) ? Value::of_bool(false) : Value::null();
  if (!(info->more.*member).has_value()) return Value::null();
  return Value::of_bool(*(info->more.*member));
}

// --- mounts

std::string_view yes_or_no(bool value) { return value ? "true" : "false"; }

std::string_view mount_text(const EvalContext& context, const ContainerMount& mount) {
  ArenaText out(context.arena);
  out.add(mount.source).add(':').add(mount.destination).add(':').add(mount.mode).add(':');
  return out.add(yes_or_no(mount.writable)).add(':').add(mount.propagation).view();
}

Value mounts(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return unknown_text(context);
  ArenaText out(context.arena);
  for (const ContainerMount& mount : info->more.mounts) {
    if (!out.empty()) out.add(',');
    out.add(mount_text(context, mount));
  }
  return text_or_null(out.view());
}

// What stands in the brackets: a number, else a path that mounts are compared with.
struct MountPattern {
  explicit MountPattern(const std::string& text) : glob(text), regex(text, RE2::Quiet) {}
  bool matches(const std::string& path) const {
    if (fnmatch(glob.c_str(), path.c_str(), 0) == 0) return true;
    return regex.ok() && RE2::FullMatch(path, regex);
  }
  std::string glob;
  RE2 regex;
};

Result<void> bind_mount(FieldUse& use) {
  if (use.argument.empty()) {
    return Error{std::string(use.info->name) + " takes the number of a mount or a path"};
  }
  if (const Result<int64_t> number = argument_number(use)) {
    use.number = *number;
    return {};
  }
  use.data = std::make_shared<MountPattern>(use.argument);
  return {};
}

// The mount at the use's index, or the first whose `member` is as the use wants it.
template <std::string ContainerMount::*member>
const ContainerMount* find_mount(const EvalContext& context, const FieldUse& use) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return nullptr;
  const std::vector<ContainerMount>& all = info->more.mounts;
  if (use.data == nullptr) {
    const auto index = static_cast<uint64_t>(use.number);
    return index < all.size() ? &all[index] : nullptr;
  }
  const auto& pattern = *static_cast<const MountPattern*>(use.data.get());
  const auto at = std::find_if(all.begin(), all.end(), [&](const ContainerMount& mount) {
    return pattern.matches(mount.*member);
  });
  return at == all.end() ? nullptr : &*at;
}

Value mount(const EvalContext& context, const FieldUse& use) {
  const ContainerMount* found = find_mount<&ContainerMount::source>(context, use);
  return found == nullptr ? Value::null() : Value::of_text(mount_text(context, *found));
}

Value mount_source(const EvalContext& context, const FieldUse& use) {
  const ContainerMount* found = find_mount<&ContainerMount::destination>(context, use);
  return found == nullptr ? Value::null() : Value::of_text(found->source);
}

template <std::string ContainerMount::*member>
Value mount_part(const EvalContext& context, const FieldUse& use) {
  const ContainerMount* found = find_mount<&ContainerMount::source>(context, use);
  return found == nullptr ? Value::null() : Value::of_text(found->*member);
}

Value mount_rdwr(const EvalContext& context, const FieldUse& use) {
  const ContainerMount* found = find_mount<&ContainerMount::source>(context, use);
  return found == nullptr ? Value::null() : Value::of_text(yes_or_no(found->writable));
}

// --- labels

std::string_view find_label(const ContainerLabels& labels, std::string_view key) {
  for (const auto& [name, value] : labels) {
    if (name == key) return value;
  }
  return {};
}

// All but those that only orchestrators read.
Value labels_text(const EvalContext& context, const ContainerLabels& labels) {
  ArenaText out(context.arena);
  for (const auto& [name, value] : labels) {
    if (name.starts_with("annotation.") || name.starts_with("io.kubernetes.")) continue;
    if (!out.empty()) out.add(", ");
    out.add(name).add(':').add(value);
  }
  return text_or_null(out.view());
}

Value label(const EvalContext& context, const FieldUse& use) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return Value::null();
  return text_or_null(find_label(info->more.labels, use.argument));
}

Value labels(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? unknown_text(context) : labels_text(context, info->more.labels);
}

// --- the pod

constexpr char kPodName[] = "io.kubernetes.pod.name";
constexpr char kPodNamespace[] = "io.kubernetes.pod.namespace";
constexpr char kPodUid[] = "io.kubernetes.pod.uid";

template <const char* key>
Value pod(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? Value::null() : text_or_null(find_label(info->more.labels, key));
}

std::string_view short_id(std::string_view id) { return id.substr(0, 12); }

Value sandbox_id(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = info_of(context);
  return info == nullptr ? unknown_text(context)
                         : text_or_null(short_id(info->more.pod_sandbox_id));
}

// Who knows the pod's network: the container if it was told, else its sandbox. Null: it is in none.
const ContainerInfo* pod_of(const EvalContext& context) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr || !info->more.cni_json.empty()) return info;
  const std::string_view id = short_id(info->more.pod_sandbox_id);
  if (id.empty()) return find_label(info->more.labels, kPodName).empty() ? nullptr : info;
  const ContainerInfo* sandbox = context.state.container(context.state.pool().intern(id));
  return sandbox == nullptr ? info : sandbox;
}

Value pod_ip(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = pod_of(context);
  return info == nullptr ? unknown_text(context) : known(info->ip);
}

Value pod_cni(const EvalContext& context, const FieldUse&) {
  const ContainerInfo* info = pod_of(context);
  return info == nullptr ? unknown_text(context) : text_or_null(info->more.cni_json);
}

const ContainerLabels* pod_labels_of(const EvalContext& context) {
  const ContainerInfo* info = info_of(context);
  if (info == nullptr) return nullptr;
  if (!info->more.pod_sandbox_labels.empty()) return &info->more.pod_sandbox_labels;
  const ContainerInfo* sandbox = pod_of(context);
  return sandbox != nullptr && sandbox->more.is_pod_sandbox ? &sandbox->more.labels : nullptr;
}

Value pod_label(const EvalContext& context, const FieldUse& use) {
  const ContainerLabels* found = pod_labels_of(context);
  return found == nullptr ? Value::null() : text_or_null(find_label(*found, use.argument));
}

Value pod_labels(const EvalContext& context, const FieldUse&) {
  const ContainerLabels* found = pod_labels_of(context);
  return found == nullptr ? unknown_text(context) : labels_text(context, *found);
}

// --- times

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
