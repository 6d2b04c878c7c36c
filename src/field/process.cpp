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
  if (found != nullptr) return found;
  const Thread* process = context.state.leader(thread);
  if (process == nullptr) return nullptr;
  found = process;
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
  if (thread->*member == -1) return Value::of_text("");
  const Thread* found = group_leader<member>(context, *thread);
  return found == nullptr ? Value::null() : get(context, *found);
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
  return process == nullptr ? -1 : process->fdlimit;
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

Value since(const EvalContext& context, const Thread* thread) {
  if (thread == nullptr || thread->clone_ts_ns == 0) return Value::null();
  return Value::of_uint(context.event.ts_ns() - thread->clone_ts_ns);
}

const Thread* parent_thread(const EvalContext& context) {
  const Thread* thread = context.thread();
  return thread == nullptr ? nullptr : context.state.parent(*thread);
}

Value duration(const EvalContext& context, const FieldUse&) {
  return since(context, context.thread());
}
Value parent_duration(const EvalContext& context, const FieldUse&) {
  return since(context, parent_thread(context));
}
Value start_time(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_uint(thread->clone_ts_ns);
}
Value parent_start_time(const EvalContext& context, const FieldUse&) {
  const Thread* parent = parent_thread(context);
  return parent == nullptr ? Value::null() : Value::of_uint(parent->clone_ts_ns);
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
    {.name = "proc.exe",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Exe,
     .doc = "First argument of the program, usually its name as the caller wrote it.",
     .extract = own<exe>},
    {.name = "proc.pexe",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Exe,
     .doc = "proc.exe of the parent process.",
     .extract = parents<exe>},
    {.name = "proc.aexe",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .domain = Domain::Exe,
     .doc = "proc.exe of an ancestor: [1] is the parent, without a number any ancestor.",
     .extract = ancestors<exe>,
     .bind = bind_index,
     .quantifier = Quantifier::Any,
     .extract_each = ancestors_each<exe>},
    {.name = "proc.exepath",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::ExePath,
     .doc = "Path of the running program.",
     .extract = own<exepath>},
    {.name = "proc.pexepath",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::ExePath,
     .doc = "Path of the parent's program.",
     .extract = parents<exepath>},
    {.name = "proc.aexepath",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .domain = Domain::ExePath,
     .doc = "Path of the program of an ancestor: [1] is the parent, without a number any ancestor.",
     .extract = ancestors<exepath>,
     .bind = bind_index,
     .quantifier = Quantifier::Any,
     .extract_each = ancestors_each<exepath>},
    {.name = "proc.name",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Comm,
     .doc = "Name of the thread that made the event, at most 15 characters.",
     .extract = own<comm>},
    {.name = "proc.pname",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Comm,
     .doc = "Name of the parent process.",
     .extract = parents<comm>},
    {.name = "proc.aname",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .domain = Domain::Comm,
     .doc =
         "Name of an ancestor: [0] is the process, [1] the parent, without a number any ancestor.",
     .extract = ancestors<comm>,
     .bind = bind_index,
     .quantifier = Quantifier::Any,
     .extract_each = ancestors_each<comm>},
    {.name = "proc.args",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Arguments behind the first, joined by blanks; [0] is the first of them.",
     .extract = args,
     .bind = bind_index},
    {.name = "proc.aargs",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Arguments of an ancestor: [1] is the parent; without a number those of all ancestors.",
     .extract = ancestors<all_args>,
     .bind = bind_index},
    {.name = "proc.cmdline",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::CommandLine,
     .doc = "Name and arguments of the process.",
     .extract = own<command_line>},
    {.name = "proc.pcmdline",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::CommandLine,
     .doc = "Name and arguments of the parent process.",
     .extract = parents<command_line>},
    {.name = "proc.acmdline",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .domain = Domain::CommandLine,
     .doc = "Name and arguments of an ancestor: [1] is the parent, without a number any ancestor.",
     .extract = ancestors<command_line>,
     .bind = bind_index,
     .quantifier = Quantifier::Any,
     .extract_each = ancestors_each<command_line>},
    {.name = "proc.cmdnargs",
     .type = Type::Uint64,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "How many arguments follow the first.",
     .extract = arg_count},
    {.name = "proc.cmdlenargs",
     .type = Type::Uint64,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "Characters of these arguments together.",
     .extract = arg_bytes},
    {.name = "proc.exeline",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "proc.exe and the arguments behind it.",
     .extract = own<exe_line>},
    {.name = "proc.env",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed,
     .dependency = Dependency::Thread,
     .doc = "Environment joined by blanks, or the value of the variable named in the argument.",
     .extract = env,
     .bind = bind_env},
    {.name = "proc.aenv",
     .type = Type::CharBuf,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .doc = "Environment of ancestors: of one by number, or the first value of the variable named.",
     .extract = ancestor_env,
     .bind = bind_env,
     .quantifier = Quantifier::Any,
     .extract_each = ancestor_env_each},
    {.name = "proc.cwd",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Path,
     .doc = "Working directory, with a slash at its end.",
     .extract = own<cwd>},
    {.name = "proc.loginshellid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Process id of the oldest shell among the process and its ancestors.",
     .extract = login_shell},
    {.name = "proc.tty",
     .type = Type::Uint32,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Number of the controlling terminal, 0 if there is none.",
     .extract = tty},
    {.name = "proc.pid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Process id.",
     .extract = pid},
    {.name = "proc.ppid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Process id of the parent.",
     .extract = parents<pid_of>},
    {.name = "proc.apid",
     .type = Type::Int64,
     .format = Format::Id,
     .flags = kArgumentAllowed | kNoTransformer | kNoRightHandSide,
     .dependency = Dependency::Thread,
     .doc = "Process id of an ancestor: [1] is the parent, without a number any ancestor.",
     .extract = ancestor_pid,
     .bind = bind_index,
     .quantifier = Quantifier::Any,
     .extract_each = ancestors_each<pid_of>},
    {.name = "proc.vpid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Process id as the process itself sees it.",
     .extract = virtual_id<&Thread::vpid>},
    {.name = "proc.pvpid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Process id of the parent as the parent itself sees it.",
     .extract = parent_vpid},
    {.name = "proc.sid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Id of the session.",
     .extract = own_id<&Thread::sid>},
    {.name = "proc.sname",
     .type = Type::CharBuf,
     .domain = Domain::Comm,
     .doc = "Name of the process that leads the session.",
     .extract = leader_text<&Thread::sid, comm>},
    {.name = "proc.sid.exe",
     .type = Type::CharBuf,
     .domain = Domain::Exe,
     .doc = "proc.exe of the process that leads the session.",
     .extract = leader_text<&Thread::sid, exe>},
    {.name = "proc.sid.exepath",
     .type = Type::CharBuf,
     .domain = Domain::ExePath,
     .doc = "Path of the program that leads the session.",
     .extract = leader_text<&Thread::sid, exepath>},
    {.name = "proc.vpgid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Id of the process group, as the process itself sees it.",
     .extract = own_id<&Thread::vpgid>},
    {.name = "proc.vpgid.name",
     .type = Type::CharBuf,
     .domain = Domain::Comm,
     .doc = "Name of the process that leads the process group, as the process itself sees it.",
     .extract = leader_text<&Thread::vpgid, comm>},
    {.name = "proc.vpgid.exe",
     .type = Type::CharBuf,
     .domain = Domain::Exe,
     .doc = "proc.exe of the process that leads the process group, as the process itself sees it.",
     .extract = leader_text<&Thread::vpgid, exe>},
    {.name = "proc.vpgid.exepath",
     .type = Type::CharBuf,
     .domain = Domain::ExePath,
     .doc = "Path of the program that leads the process group, as the process itself sees it.",
     .extract = leader_text<&Thread::vpgid, exepath>},
    {.name = "proc.pgid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Id of the process group.",
     .extract = own_id<&Thread::pgid>},
    {.name = "proc.pgid.name",
     .type = Type::CharBuf,
     .domain = Domain::Comm,
     .doc = "Name of the process that leads the process group.",
     .extract = leader_text<&Thread::pgid, comm>},
    {.name = "proc.pgid.exe",
     .type = Type::CharBuf,
     .domain = Domain::Exe,
     .doc = "proc.exe of the process that leads the process group.",
     .extract = leader_text<&Thread::pgid, exe>},
    {.name = "proc.pgid.exepath",
     .type = Type::CharBuf,
     .domain = Domain::ExePath,
     .doc = "Path of the program that leads the process group.",
     .extract = leader_text<&Thread::pgid, exepath>},
    {.name = "proc.duration",
     .type = Type::RelTime,
     .format = Format::Dec,
     .doc = "Nanoseconds since the process was started.",
     .extract = duration},
    {.name = "proc.ppid.duration",
     .type = Type::RelTime,
     .format = Format::Dec,
     .doc = "Nanoseconds since the parent was started.",
     .extract = parent_duration},
    {.name = "proc.pid.ts",
     .type = Type::RelTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "When the process was started, in nanoseconds since the epoch.",
     .extract = start_time},
    {.name = "proc.ppid.ts",
     .type = Type::RelTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "When the parent was started, in nanoseconds since the epoch.",
     .extract = parent_start_time},
    {.name = "proc.is_exe_writable",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the user who runs the program may write its file.",
     .extract = flag<&Thread::exe_writable>},
    {.name = "proc.is_exe_upper_layer",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the program is in the upper layer of an overlay: added or changed in its "
            "container.",
     .extract = flag<&Thread::exe_upper_layer>},
    {.name = "proc.is_exe_lower_layer",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the program is in a lower layer of an overlay: part of the image of its "
            "container.",
     .extract = flag<&Thread::exe_lower_layer>},
    {.name = "proc.is_exe_from_memfd",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the program was run from memory (memfd).",
     .extract = flag<&Thread::exe_from_memfd>},
    {.name = "proc.is_sid_leader",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the process leads its session.",
     .extract = leads<&Thread::sid, &Thread::vpid>},
    {.name = "proc.is_vpgid_leader",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the process leads its process group, by the ids it sees itself.",
     .extract = leads<&Thread::vpgid, &Thread::vpid>},
    {.name = "proc.is_pgid_leader",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True if the process leads its process group.",
     .extract = leads<&Thread::pgid, &Thread::pid>},
    {.name = "proc.exe_ino",
     .type = Type::Int64,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "Inode of the program.",
     .extract = unless_zero<&Thread::exe_ino>},
    {.name = "proc.exe_ino.ctime",
     .type = Type::AbsTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "When the program's inode last changed.",
     .extract = unless_zero<&Thread::exe_ino_ctime_ns>},
    {.name = "proc.exe_ino.mtime",
     .type = Type::AbsTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "When the program's content last changed.",
     .extract = unless_zero<&Thread::exe_ino_mtime_ns>},
    {.name = "proc.exe_ino.ctime_duration_proc_start",
     .type = Type::AbsTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc =
         "Nanoseconds between the last change of the program's inode and the start of the process.",
     .extract = unless_zero<&Thread::ctime_duration_clone_ns>},
    {.name = "proc.exe_ino.ctime_duration_pidns_start",
     .type = Type::AbsTime,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc = "Nanoseconds between the start of the pid namespace and a later change of the "
            "program's inode.",
     .extract = unless_zero<&Thread::ctime_duration_pidns_ns>},
    {.name = "proc.pidns_init_start_ts",
     .type = Type::Uint64,
     .format = Format::Dec,
     .dependency = Dependency::Thread,
     .doc =
         "When the first process of the pid namespace was started, in nanoseconds since the epoch.",
     .extract = unless_zero<&Thread::pidns_init_start_ts_ns>},
    {.name = "thread.cap_permitted",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Capabilities the thread may use, joined by blanks.",
     .extract = capabilities<&Thread::cap_permitted>},
    {.name = "thread.cap_inheritable",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Capabilities the thread passes on, joined by blanks.",
     .extract = capabilities<&Thread::cap_inheritable>},
    {.name = "thread.cap_effective",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Capabilities the thread uses, joined by blanks.",
     .extract = capabilities<&Thread::cap_effective>},
    {.name = "proc.fdopencount",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "How many descriptors the process has open.",
     .extract = fd_count},
    {.name = "proc.fdlimit",
     .type = Type::Int64,
     .format = Format::Dec,
     .doc = "How many descriptors the process may open.",
     .extract = fd_limit},
    {.name = "proc.fdusage",
     .type = Type::Double,
     .doc = "Open descriptors in percent of the limit.",
     .extract = fd_usage},
    {.name = "proc.vmsize",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Virtual memory of the process in KiB.",
     .extract = process_kb<&Thread::vmsize_kb>},
    {.name = "proc.vmrss",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Resident memory of the process in KiB.",
     .extract = process_kb<&Thread::vmrss_kb>},
    {.name = "proc.vmswap",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Swapped memory of the process in KiB.",
     .extract = process_kb<&Thread::vmswap_kb>},
    {.name = "thread.pfmajor",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Page faults of the thread that needed the disk.",
     .extract = counter<&Thread::pfmajor>},
    {.name = "thread.pfminor",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Page faults of the thread that did not.",
     .extract = counter<&Thread::pfminor>},
    {.name = "thread.tid",
     .type = Type::Int64,
     .format = Format::Id,
     .doc = "Thread id.",
     .extract = tid},
    {.name = "thread.ismain",
     .type = Type::Bool,
     .dependency = Dependency::Thread,
     .doc = "True for the main thread of a process.",
     .extract = is_main},
    {.name = "thread.vtid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Thread id as the process itself sees it.",
     .extract = virtual_id<&Thread::vtid>},
    {.name = "thread.nametid",
     .type = Type::CharBuf,
     .flags = kTableOnly,
     .dependency = Dependency::Thread,
     .doc = "Name and thread id.",
     .extract = name_and_tid},
    {.name = "thread.exectime",
     .type = Type::RelTime,
     .format = Format::Dec,
     .flags = kStateful,
     .doc = "For a switch: how long the processor ran the thread.",
     .extract = exec_time,
     .bind = bind_exec_time},
    {.name = "thread.totexectime",
     .type = Type::RelTime,
     .format = Format::Dec,
     .flags = kStateful,
     .doc = "How long the thread ran, summed over the switches seen.",
     .extract = total_exec_time,
     .bind = bind_exec_time},
    {.name = "thread.cgroups",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Control groups of the thread as controller=path, joined by blanks.",
     .extract = cgroups},
    {.name = "thread.cgroup",
     .type = Type::CharBuf,
     .flags = kArgumentRequired,
     .dependency = Dependency::Thread,
     .doc = "Path of the thread in the controller named, as in thread.cgroup.cpuset.",
     .extract = cgroup,
     .bind = bind_cgroup},
    {.name = "proc.nthreads",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Threads of the process that are alive.",
     .extract = thread_count},
    {.name = "proc.nchilds",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Threads of the process that are alive, without the main one.",
     .extract = child_count},
    {.name = "thread.cpu",
     .type = Type::Double,
     .flags = kStateful,
     .doc = "Processor time since the last report, in percent.",
     .extract = cpu_percent<CpuPart::All>,
     .bind = bind_cpu_percent},
    {.name = "thread.cpu.user",
     .type = Type::Double,
     .flags = kStateful,
     .doc = "Processor time in the program since the last report, in percent.",
     .extract = cpu_percent<CpuPart::User>,
     .bind = bind_cpu_percent},
    {.name = "thread.cpu.system",
     .type = Type::Double,
     .flags = kStateful,
     .doc = "Processor time in the kernel since the last report, in percent.",
     .extract = cpu_percent<CpuPart::System>,
     .bind = bind_cpu_percent},
    {.name = "thread.vmsize",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Virtual memory of the process in KiB, for its main thread; 0 for others.",
     .extract = thread_memory<&Thread::vmsize_kb, 1>},
    {.name = "thread.vmrss",
     .type = Type::Uint64,
     .format = Format::Dec,
     .doc = "Resident memory of the process in KiB, for its main thread; 0 for others.",
     .extract = thread_memory<&Thread::vmrss_kb, 1>},
    {.name = "thread.vmsize.b",
     .type = Type::Uint64,
     .format = Format::Dec,
     .flags = kTableOnly,
     .doc = "thread.vmsize in bytes.",
     .extract = thread_memory<&Thread::vmsize_kb, 1024>},
    {.name = "thread.vmrss.b",
     .type = Type::Uint64,
     .format = Format::Dec,
     .flags = kTableOnly,
     .doc = "thread.vmrss in bytes.",
     .extract = thread_memory<&Thread::vmrss_kb, 1024>},
    {.name = "proc.stdin.type",
     .type = Type::CharBuf,
     .doc = "Kind of the descriptor 0.",
     .extract = stream_type<0>},
    {.name = "proc.stdout.type",
     .type = Type::CharBuf,
     .doc = "Kind of the descriptor 1.",
     .extract = stream_type<1>},
    {.name = "proc.stderr.type",
     .type = Type::CharBuf,
     .doc = "Kind of the descriptor 2.",
     .extract = stream_type<2>},
    {.name = "proc.stdin.name",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Name of the descriptor 0.",
     .extract = stream_name<0>},
    {.name = "proc.stdout.name",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Name of the descriptor 1.",
     .extract = stream_name<1>},
    {.name = "proc.stderr.name",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Name of the descriptor 2.",
     .extract = stream_name<2>},
});

}  // namespace

std::span<const FieldInfo> process_fields() { return kFields; }

}  // namespace gyr
