// SPDX-License-Identifier: Apache-2.0
#include "engine/syscall_reasons.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/add_once.h"
#include "base/text.h"
#include "rules/describe.h"

namespace gyr {
namespace {

struct RuleWish {
  const Rule* rule;
  SyscallSet calls;
  std::vector<std::pair<std::string, SyscallSet>> macros;  // that restrict the type of event
};

// What the macro's checks of the event's type name; nothing when it does not restrict the type.
SyscallSet calls_of(const Macro& macro, const Dialect& dialect) {
  const EventNeeds needs = macro_needs(macro, dialect);
  return needs.all ? SyscallSet() : syscalls_of_needs(needs);
}

std::vector<RuleWish> wishes_of(const Ruleset& ruleset, const Dialect& dialect) {
  std::map<std::string, SyscallSet, std::less<>> macros;
  for (const Macro& macro : ruleset.macros) macros[macro.name] = calls_of(macro, dialect);
  std::vector<RuleWish> wishes;
  for (const Rule& rule : ruleset.rules) {
    if (!rule.active() || rule.source != "syscall") continue;
    RuleWish wish{.rule = &rule, .calls = syscalls_of_needs(rule.needs), .macros = {}};
    for (const MacroUse& use : macros_used(*rule.expr)) {
      const SyscallSet& calls = macros[use.name];
      if (calls.any()) add_once(&wish.macros, {use.name, calls});
    }
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

std::string rule_reason(const RuleWish& wish, size_t call) {
  if (wish.rule->needs.all) {
    return fmt::format("rule '{}', which restricts no type of event", one_line(wish.rule->name));
  }
  std::vector<std::string> macros;
  for (const auto& [name, calls] : wish.macros) {
    if (calls.test(call)) macros.push_back(name);
  }
  return fmt::format("rule '{}'{}{}", one_line(wish.rule->name),
                     macros.empty()       ? ""
                     : macros.size() == 1 ? ", macro "
                                          : ", macros ",
                     join(macros, ", "));
}

std::vector<std::string> reasons_of(const SyscallPlan& plan, const std::vector<RuleWish>& wishes,
                                    size_t call) {
  std::vector<std::string> reasons;
  for (const RuleWish& wish : wishes) {
    if (wish.calls.test(call)) reasons.push_back(rule_reason(wish, call));
  }
  if (plan.base.test(call)) {
    reasons.emplace_back(plan.base_is_custom ? "base_syscalls.custom_set names it"
                                             : "the state of processes and descriptors needs it");
  }
  if (plan.repaired.test(call)) reasons.emplace_back("base_syscalls.repair adds it");
  if (call == static_cast<size_t>(Sc::SCHED_PROCESS_EXIT)) {
    reasons.emplace_back("always: ended processes are forgotten");
  }
  if (plan.ignored.test(call)) {
    reasons.emplace_back(
        "but it is ignored unless asked for, as there are many: base_syscalls.all=true (-A)");
  }
  if (plan.removed.test(call)) reasons.emplace_back("but base_syscalls.custom_set takes it out");
  return reasons;
}

std::string step(std::string_view sign, const SyscallSet& set, std::string_view what) {
  const std::vector<std::string> names = syscall_names(set);
  return fmt::format("{}({}) system calls {}: {}", sign, names.size(), what, join(names, ", "));
}

}  // namespace

std::vector<SyscallReasons> explain_syscalls(const Ruleset& ruleset, const Dialect& dialect,
                                             const SyscallPlan& plan) {
  const std::vector<RuleWish> wishes = wishes_of(ruleset, dialect);
  const SyscallSet shown = plan.collected | plan.rules | plan.base | plan.removed;
  std::map<std::string, SyscallReasons, std::less<>> by_name;
  for (const ScInfo& info : all_syscalls()) {
    const auto call = static_cast<size_t>(info.sc);
    if (!shown.test(call)) continue;
    SyscallReasons& entry = by_name[std::string(info.name)];
    entry.call = info.name;
    entry.collected = entry.collected || plan.collected.test(call);
    for (std::string& reason : reasons_of(plan, wishes, call)) {
      add_once(&entry.reasons, std::move(reason));
    }
  }
  std::vector<SyscallReasons> all;
  all.reserve(by_name.size());
  for (auto& [name, entry] : by_name) all.push_back(std::move(entry));
  return all;
}

std::vector<std::string> plan_steps(const SyscallPlan& plan) {
  std::vector<std::string> steps = {step("", plan.rules, "in rules")};
  const auto add = [&](std::string_view sign, const SyscallSet& set, std::string_view what) {
    if (set.any()) steps.push_back(step(sign, set, what));
  };
  add("+", plan.base, plan.base_is_custom ? "of base_syscalls.custom_set" : "that the state needs");
  add("-", plan.ignored, "that are ignored unless base_syscalls.all is true (-A)");
  add("+", plan.repaired, "of base_syscalls.repair");
  add("-", plan.removed, "that base_syscalls.custom_set takes out");
  steps.push_back(step("", plan.collected, "selected in total"));
  return steps;
}

}  // namespace gyr
