// SPDX-License-Identifier: Apache-2.0
#include "engine/syscall_selection.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>

namespace gyr {
namespace {

size_t index(const ScInfo& call) { return static_cast<size_t>(call.sc); }
size_t index(Sc sc) { return static_cast<size_t>(sc); }

// Whether anything delivers it: rows without a number on this machine stay out of no set, because a
// rule may name them; the probe passes over what the kernel lacks.
bool is_real(const ScInfo& call) { return call.sc != Sc::UNKNOWN; }

// The two events of one call differ in the lowest bit.
bool any_event_has(const ScInfo& call, uint16_t flags) {
  const auto number = static_cast<uint16_t>(call.event);
  const auto enter = static_cast<Ev>(number & ~1u);
  const auto exit = static_cast<Ev>(number | 1u);
  return event_info(enter).has(flags) || event_info(exit).has(flags);
}

bool has_own_event(const ScInfo& call) {
  return call.event != Ev::GENERIC_X && call.event != Ev::GENERIC_E;
}

bool is_input_output(const ScInfo& call) {
  const Category category = event_info(call.event).category;
  return has_own_event(call) && (category == Category::IoRead || category == Category::IoWrite);
}

SyscallSet of_names(std::initializer_list<std::string_view> names) {
  SyscallSet set;
  for (const std::string_view name : names) set |= syscalls_named(name);
  return set;
}

// Too many for whoever would take any event: only a condition that restricts the type asks for
// them.
bool is_page_fault(const ScInfo& call) { return call.event == Ev::PAGE_FAULT_E; }
bool takes_any(const EventNeeds& needs) {
  return needs.all || needs.types.test(static_cast<size_t>(Ev::GENERIC_X));
}

SyscallSet network_syscalls() {
  return of_names({"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
                   "getsockopt", "listen", "setsockopt", "shutdown", "socket"});
}

SyscallSet file_syscalls() {
  SyscallSet set;
  for (const ScInfo& call : all_syscalls()) {
    const Category category = event_info(call.event).category;
    const bool uses_files = category == Category::File || category == Category::IoRead ||
                            category == Category::IoWrite || category == Category::IoOther;
    if (is_real(call) && has_own_event(call) && uses_files) set.set(index(call));
  }
  return set;
}

// The least with which a selection of calls gives sound values: who runs, and what descriptors are.
SyscallSet repaired(const SyscallSet& input) {
  SyscallSet set = input;
  set |= of_names({"clone",     "clone3",
                   "fork",      "vfork",
                   "execve",    "execveat",
                   "capset",    "chdir",
                   "chroot",    "fchdir",
                   "prctl",     "setgid",
                   "setgid32",  "setpgid",
                   "setresgid", "setresgid32",
                   "setresuid", "setresuid32",
                   "setsid",    "setuid",
                   "setuid32",  "sched_process_exit"});
  if ((input & network_syscalls()).any()) set |= of_names({"socket", "getsockopt", "close"});
  if ((input & of_names({"accept", "accept4", "listen"})).any()) set |= of_names({"bind"});
  if ((input & file_syscalls()).any()) set |= of_names({"close"});
  return set;
}

}  // namespace

SyscallSet syscalls_named(std::string_view name) {
  SyscallSet set;
  for (const ScInfo& call : all_syscalls()) {
    if (!is_real(call)) continue;
    if (call.name == name || (has_own_event(call) && event_info(call.event).name == name)) {
      set.set(index(call));
    }
  }
  return set;
}

SyscallSet state_syscalls() {
  SyscallSet set;
  for (const ScInfo& call : all_syscalls()) {
    const bool changes_state = has_own_event(call) && any_event_has(call, EF_MODIFIES_STATE);
    if (is_real(call) && (changes_state || (call.flags & SC_NEVER_DROP) != 0)) {
      set.set(index(call));
    }
  }
  return set;
}

SyscallSet ignored_syscalls() {
  SyscallSet set;
  for (const ScInfo& call : all_syscalls()) {
    if (is_real(call) && is_input_output(call)) set.set(index(call));
  }
  return set & ~state_syscalls();
}

SyscallSet syscalls_of_needs(const EventNeeds& needs) {
  SyscallSet set;
  for (const ScInfo& call : all_syscalls()) {
    const auto type = static_cast<size_t>(call.event);
    const bool own = has_own_event(call) && needs.types.test(type);
    if (!is_real(call) || (is_page_fault(call) && takes_any(needs))) continue;
    if (own || needs.all) set.set(index(call));
  }
  for (const std::string& name : needs.names) set |= syscalls_named(name);
  return set;
}

SyscallSet syscalls_of_rules(const Ruleset& ruleset) {
  SyscallSet set;
  for (const Rule& rule : ruleset.rules) {
    if (rule.active() && rule.source == "syscall") set |= syscalls_of_needs(rule.needs);
  }
  return set;
}

namespace {

bool template_reads(const OutputTemplate* output, std::string_view field) {
  if (output == nullptr) return false;
  const auto fields = output->fields();
  return std::any_of(fields.begin(), fields.end(),
                     [&](const OutputField& each) { return each.use->info->name == field; });
}

bool rule_reads(const Rule& rule, std::string_view field) {
  return reads_field(*rule.condition, field) || template_reads(rule.output.get(), field) ||
         std::any_of(
             rule.extra_fields.begin(), rule.extra_fields.end(),
             [&](const ExtraField& extra) { return template_reads(extra.value.get(), field); });
}

}  // namespace

SyscallSet syscalls_reading(const Ruleset& ruleset, std::string_view field) {
  SyscallSet set;
  for (const Rule& rule : ruleset.rules) {
    if (!rule.active() || rule.source != "syscall" || !rule_reads(rule, field)) continue;
    set |= syscalls_of_needs(rule.needs);
  }
  return set;
}

SyscallPlan plan_syscalls(const SyscallSet& rules, const SyscallRequest& request) {
  SyscallPlan plan;
  SyscallSet wanted;
  SyscallSet unwanted;
  for (const std::string& entry : request.custom) {
    const bool negative = !entry.empty() && entry.front() == '!';
    const std::string_view name = std::string_view(entry).substr(negative ? 1 : 0);
    const SyscallSet named = syscalls_named(name);
    if (named.none()) plan.unknown_names.emplace_back(name);
    (negative ? unwanted : wanted) |= named;
  }
  plan.rules = rules;
  plan.base_is_custom = wanted.any();
  if (plan.base_is_custom) {
    plan.base = wanted;
  } else if (!request.repair) {
    plan.base = state_syscalls();
  }
  plan.collected = rules | plan.base;
  if (!request.all) plan.ignored = plan.collected & ignored_syscalls();
  plan.collected &= ~plan.ignored;
  if (request.repair) {
    const SyscallSet before = plan.collected;
    plan.collected = repaired(before);
    plan.repaired = plan.collected & ~before;
  }
  // What the user takes out stays out, whatever repair would add.
  plan.removed = plan.collected & unwanted;
  plan.collected &= ~unwanted;
  plan.collected.set(index(Sc::SCHED_PROCESS_EXIT));
  plan.unheard = rules & ~plan.collected;
  return plan;
}

std::vector<Sc> syscall_list(const SyscallSet& set) {
  std::vector<Sc> list;
  for (const ScInfo& call : all_syscalls()) {
    if (set.test(index(call))) list.push_back(call.sc);
  }
  return list;
}

std::vector<std::string> syscall_names(const SyscallSet& set) {
  std::set<std::string> names;
  for (const ScInfo& call : all_syscalls()) {
    if (set.test(index(call))) names.emplace(call.name);
  }
  return {names.begin(), names.end()};
}

}  // namespace gyr
