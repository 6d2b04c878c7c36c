// SPDX-License-Identifier: Apache-2.0
// proc.* and thread.*: who made the event. What memory the fields need beyond the state is in
// process_time.cpp.
#include <algorithm>
#include <array>

#include "field/families.h"
#include "field/lineage.h"
#include "field/names.h"
#include "field/process_time.h"
#include "field/values.h"

namespace gyr {
namespace {

// --- texts of one thread
// ---------------------------------------------------------------------------

using Getter = Value (*)(const EvalContext&, const Thread&);

Value comm(const EvalContext&, const Thread& thread) { return Value::of_str(thread.comm); }
Value exe(const EvalContext&, const Thread& thread) { return Value::of_str(thread.exe); }
Value exepath(const EvalContext&, const Thread& thread) { return Value::of_str(thread.exepath); }
Value command_line(const EvalContext& context, const Thread& thread) {
  return held(context, context.state.command_line(thread));
}

// Calls use(entry) for each of the NUL-terminated entries until it returns false.
template <class Use>
void for_each_entry(std::string_view entries, Use use) {
  while (!entries.empty()) {
    const size_t end = std::min(entries.find('\0'), entries.size());
    if (!use(entries.substr(0, end))) return;
    entries.remove_prefix(std::min(end + 1, entries.size()));
  }
}

void add_entries(ArenaText& out, std::string_view entries) {
  bool first = true;
  for_each_entry(entries, [&](std::string_view entry) {
    if (!first) out.add(' ');
    first = false;
    out.add(entry);
    return true;
  });
}

Value all_args(const EvalContext& context, const Thread& thread) {
  ArenaText out(context.arena, thread.args.size() + 1);
  add_entries(out, thread.args.view());
  return interned(context, out.view());
}

Value exe_line(const EvalContext& context, const Thread& thread) {
  ArenaText out(context.arena, thread.exe.size() + thread.args.size() + 2);
  out.add(thread.exe.view()).add(' ');
  add_entries(out, thread.args.view());
  return interned(context, out.view());
}

Value all_env(const EvalContext& context, const Thread& thread) {
  const std::string_view env = context.state.env(thread).view();
  ArenaText out(context.arena, env.size() + 1);
  add_entries(out, env);
  return Value::of_text(out.view());
}

// The value of a variable without blanks around; empty if it is not set.
std::string_view env_value(const EvalContext& context, const Thread& thread,
                           std::string_view name) {
  std::string_view found;
  for_each_entry(context.state.env(thread).view(), [&](std::string_view entry) {
    if (entry.size() <= name.size() + 1 || !entry.starts_with(name) || entry[name.size()] != '=') {
      return true;
    }
    found = entry.substr(name.size() + 1);
    return false;
  });
  while (found.starts_with(' ')) found.remove_prefix(1);
  while (found.ends_with(' ')) found.remove_suffix(1);
  return found;
}

template <Getter get>
Value own(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : get(context, *thread);
}

template <Getter get>
Value parents(const EvalContext& context, const FieldUse&) {
  const Thread* parent = parent_process(context);
  return parent == nullptr ? Value::null() : get(context, *parent);
}

// --- ancestors
// -------------------------------------------------------------------------------------

template <Getter get>
Value ancestors_each(const EvalContext& context, const FieldUse& use) {
  const Thread* process = process_of(context);
  if (process == nullptr) return Value::null();
  if (use.has_argument) {
    const Thread* thread = ancestor(context, use.number);
    if (thread == nullptr) return Value::null();
    auto* one = context.arena.array<Value>(1);
    *one = get(context, *thread);
    return Value::of_list({one, 1});
  }
  size_t count = 0;
  for_each_ancestor(context.state, *process, [&](const Thread&) { return ++count > 0; });
  if (count == 0) return Value::null();
  auto* values = context.arena.array<Value>(count);
  size_t at = 0;
  for_each_ancestor(context.state, *process, [&](const Thread& thread) {
    values[at++] = get(context, thread);
    return true;
  });
  return Value::of_list({values, count});
}

template <Getter get>
Value ancestors(const EvalContext& context, const FieldUse& use) {
  if (use.has_argument) {
    const Thread* thread = ancestor(context, use.number);
    return thread == nullptr ? Value::null() : get(context, *thread);
  }
  const Thread* process = process_of(context);
  if (process == nullptr) return Value::null();
  ArenaText out(context.arena);
  bool first = true;
  for_each_ancestor(context.state, *process, [&](const Thread& thread) {
    if (!first) out.add(' ');
    first = false;
    out.add(get(context, thread).as_text());
    return true;
  });
  return Value::of_text(out.view());
}

// --- arguments and environment
// ---------------------------------------------------------------------

Value args(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  if (!use.has_argument) return all_args(context, *thread);
  std::string_view found;
  int64_t left = use.number;
  for_each_entry(thread->args.view(), [&](std::string_view entry) {
    if (left-- > 0) return true;
    found = entry;
    return false;
  });
  return Value::of_text(found);
}

Value arg_count(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  uint64_t count = 0;
  for_each_entry(thread->args.view(), [&](std::string_view) { return ++count > 0; });
  return Value::of_uint(count);
}

Value arg_bytes(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  uint64_t bytes = 0;
  for_each_entry(thread->args.view(), [&](std::string_view entry) {
    bytes += entry.size();
    return true;
  });
  return Value::of_uint(bytes);
}

// number: the ancestor of proc.aenv; -1: the argument is the name of a variable.
constexpr int64_t kByName = -1;

Result<void> bind_env(FieldUse& use) {
  const Result<int64_t> number = argument_number(use);
  use.number = number ? *number : kByName;
  return {};
}

Value env(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  if (!use.has_argument || use.number != kByName) return all_env(context, *thread);
  return Value::of_text(env_value(context, *thread, use.argument));
}

constexpr int kEnvAncestors = 20;

Value ancestor_env(const EvalContext& context, const FieldUse& use) {
  if (!use.has_argument || use.number == 0) {
    const Thread* thread = context.thread();
    return thread == nullptr ? Value::null() : all_env(context, *thread);
  }
  if (use.number != kByName) {
    const Thread* thread = ancestor(context, use.number);
    return thread == nullptr ? Value::null() : all_env(context, *thread);
  }
  const Thread* process = process_of(context);
  if (process == nullptr) return Value::null();
  std::string_view found;
  int left = kEnvAncestors;
  for_each_ancestor(context.state, *process, [&](const Thread& thread) {
    found = env_value(context, thread, use.argument);
    return found.empty() && --left > 0;
  });
  return Value::of_text(found);
}

Value ancestor_env_each(const EvalContext& context, const FieldUse& use) {
  if (!use.has_argument) return ancestors_each<all_env>(context, use);
  const Value value = ancestor_env(context, use);
  if (value.is_null()) return value;
  auto* one = context.arena.array<Value>(1);
  *one = value;
  return Value::of_list({one, 1});
}

Value cwd(const EvalContext& context, const Thread& thread) {
  return held(context, context.state.cwd(thread));
}

// --- ids
// -------------------------------------------------------------------------------------------

// Ids that no kernel gives come from damaged events.
Value id_value(int64_t id) {
  return id < -1 || id > int64_t{UINT32_MAX} ? Value::null() : Value::of_int(id);
}

template <int64_t Thread::*member>
Value own_id(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_int(thread->*member);
}

template <int64_t Thread::*member>
Value virtual_id(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->*member == -1) return Value::null();
  return Value::of_int(thread->*member);
}

Value pid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : id_value(thread->pid);
}

Value tid(const EvalContext& context, const FieldUse&) { return id_value(context.event.tid()); }

Value pid_of(const EvalContext&, const Thread& thread) { return id_value(thread.pid); }

Value ancestor_pid(const EvalContext& context, const FieldUse& use) {
  if (!use.has_argument) return pid(context, use);
  const Thread* thread = ancestor(context, use.number);
  return thread == nullptr ? Value::null() : id_value(thread->pid);
}

Value parent_vpid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  const Thread* parent = thread == nullptr ? nullptr : context.state.parent(*thread);
  return parent == nullptr ? Value::null() : Value::of_int(parent->vpid);
}

Value login_shell(const EvalContext& context, const FieldUse&) {
  const Thread* process = process_of(context);
  if (process == nullptr) return Value::null();
  const Thread* oldest = nullptr;
  if (process->comm.view().ends_with("sh")) oldest = process;
  for_each_ancestor(context.state, *process, [&](const Thread& thread) {
    if (thread.comm.view().ends_with("sh")) oldest = &thread;
    return true;
  });
  return oldest == nullptr ? Value::null() : Value::of_int(oldest->pid);
}

Value tty(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_uint(thread->tty);
}

// --- leaders of sessions and process groups
// --------------------------------------------------------

// The process that leads the session or group whose id is in `member`: by id where ids are the
// host's, else the oldest of the consecutive ancestors with the same id.
template <int64_t Thread::*member>
const Thread* group_leader(const EvalContext& context, const Thread& thread) {
  const int64_t id = thread.*member;
  const bool by_id = member == &Thread::pgid || !in_pid_namespace(thread);
  const Thread* found = by_id ? context.state.find(id) : nullptr;
  const Thread* process = context.state.leader(thread);
  if (found != nullptr || process == nullptr) return found;
  for_each_ancestor(context.state, *process, [&](const Thread& next) {
    if (next.*member != id) return false;
    found = &next;
    return true;
  });
  return found;
}

template <int64_t Thread::*member, Getter get>
Value leader_text(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  const Thread* found = thread->*member == -1 ? nullptr : group_leader<member>(context, *thread);
  return found == nullptr ? Value::of_text("") : get(context, *found);
}

template <int64_t Thread::*member, int64_t Thread::*id>
Value leads(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_bool(thread->*member == thread->*id);
}

// --- executable
// ------------------------------------------------------------------------------------

template <bool Thread::*member>
Value flag(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_bool(thread->*member);
}

template <uint64_t Thread::*member>
Value unless_zero(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->*member == 0) return Value::null();
  const uint64_t value = thread->*member;
  return use.type == Type::Int64 ? Value::of_int(static_cast<int64_t>(value))
                                 : Value::of_uint(value);
}

template <uint64_t Thread::*member>
Value capabilities(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  ArenaText out(context.arena);
  for (unsigned bit = 0; bit < kCapabilityCount; ++bit) {
    if ((thread->*member >> bit & 1) == 0) continue;
    if (!out.empty()) out.add(' ');
    out.add(capability_name(bit));
  }
  return interned(context, out.view());
}

// --- counts and sizes
// ------------------------------------------------------------------------------

uint64_t open_fds(const EvalContext& context) {
  const Thread* process = process_of(context);
  return process == nullptr ? 0 : context.state.fds(*process).size();
}

Value fd_count(const EvalContext& context, const FieldUse&) {
  return context.thread() == nullptr ? Value::null() : Value::of_uint(open_fds(context));
}

int64_t fd_limit_of(const EvalContext& context) {
  const Thread* process = process_of(context);
  return process == nullptr ? 0 : process->fdlimit;
}

Value fd_limit(const EvalContext& context, const FieldUse&) {
  return context.thread() == nullptr ? Value::null() : Value::of_int(fd_limit_of(context));
}

Value fd_usage(const EvalContext& context, const FieldUse&) {
  if (context.thread() == nullptr) return Value::null();
  const int64_t limit = fd_limit_of(context);
  if (limit <= 0) return Value::of_double(0);
  const auto used = static_cast<double>(open_fds(context));
  return Value::of_double(std::min(100.0, used * 100.0 / static_cast<double>(limit)));
}

template <uint32_t Thread::*member>
Value process_kb(const EvalContext& context, const FieldUse&) {
  const Thread* process = process_of(context);
  if (process == nullptr) process = context.thread();  // whose process is not known
  return process == nullptr ? Value::null() : Value::of_uint(process->*member);
}

template <uint32_t Thread::*member, uint64_t unit>
Value thread_memory(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  return Value::of_uint(thread->is_main() ? thread->*member * unit : 0);
}

template <uint64_t Thread::*member>
Value counter(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_uint(thread->*member);
}

Value thread_count(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  return Value::of_uint(thread->group == nullptr ? 0 : thread->group->alive);
}

Value child_count(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  if (thread->group == nullptr) return Value::of_uint(0);
  const Thread* process = context.state.leader(*thread);
  const uint64_t alive = thread->group->alive;
  const bool leads = process != nullptr && !process->is_dead() && alive > 0;
  return Value::of_uint(leads ? alive - 1 : alive);
}

Value is_main(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_bool(thread->is_main());
}

Value name_and_tid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  ArenaText out(context.arena);
  return Value::of_text(out.add(thread->comm.view()).number(thread->tid).view());
}

// --- times
// -----------------------------------------------------------------------------------------

Value since(const EvalContext& context, const Thread& thread) {
  return Value::of_uint(context.event.ts_ns() - thread.clone_ts_ns);
}

const Thread* parent_thread(const EvalContext& context) {
  const Thread* thread = context.thread();
  return thread == nullptr ? nullptr : context.state.parent(*thread);
}

Value duration(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->clone_ts_ns == 0) return Value::null();
  return since(context, *thread);
}

// Rules tuned on the reference know its oddity: of a parent whose start was not seen it compares
// the number of open descriptors.
Value parent_duration(const EvalContext& context, const FieldUse&) {
  const Thread* parent = parent_thread(context);
  if (parent == nullptr) return Value::null();
  return parent->clone_ts_ns == 0 ? Value::of_uint(open_fds(context)) : since(context, *parent);
}

Value start_time(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->clone_ts_ns == 0) return Value::null();
  return Value::of_uint(thread->clone_ts_ns);
}
// Of a parent that was there before, 0 and not null, as the reference has it.
Value parent_start_time(const EvalContext& context, const FieldUse&) {
  const Thread* parent = parent_thread(context);
  return parent == nullptr ? Value::null() : Value::of_uint(parent->clone_ts_ns);
}

// Switches carried their times only in captures of long ago.
Value no_time(const EvalContext&, const FieldUse&) { return Value::of_uint(0); }
Value no_time_of_thread(const EvalContext& context, const FieldUse&) {
  return context.thread() == nullptr ? Value::null() : Value::of_uint(0);
}
bool fold_no_time(uint16_t, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_uint(0));
}

// --- control groups
// --------------------------------------------------------------------------------

Value cgroups(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr || thread->cgroups.empty()) return Value::null();
  ArenaText out(context.arena, thread->cgroups.size() + 1);
  add_entries(out, thread->cgroups.view());
  return interned(context, out.view());
}

Value cgroup(const EvalContext& context, const FieldUse& use) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  Value found;
  for_each_entry(thread->cgroups.view(), [&](std::string_view entry) {
    if (!entry.starts_with(use.argument) || entry.size() <= use.argument.size() ||
        entry[use.argument.size()] != '=') {
      return true;
    }
    found = Value::of_text(entry.substr(use.argument.size() + 1));
    return false;
  });
  return found;
}

Result<void> bind_cgroup(FieldUse& use) {
  const bool name = !use.argument.empty() && std::ranges::all_of(use.argument, [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (name) return {};
  return Error{"thread.cgroup takes the name of a controller, as in thread.cgroup.cpuset"};
}

// --- standard streams
// ------------------------------------------------------------------------------

template <int64_t fd>
Value stream_type(const EvalContext& context, const FieldUse&) {
  const FdInfo* info = find_fd(context, fd);
  return info == nullptr ? Value::null() : Value::of_text(fd_kind_info(info->kind).text);
}

template <int64_t fd>
Value stream_name(const EvalContext& context, const FieldUse&) {
  const FdInfo* info = find_fd(context, fd);
  return info == nullptr ? Value::null() : Value::of_str(info->name);
}

constexpr auto kFields = std::to_array<FieldInfo>({
#include "field/process.def"
});

}  // namespace

std::span<const FieldInfo> process_fields() { return kFields; }

}  // namespace gyr
