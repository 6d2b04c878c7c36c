// SPDX-License-Identifier: Apache-2.0
#include "engine/syscall_selection.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/syscall_reasons.h"
#include "field/fields.h"
#include "rules/loader.h"

namespace gyr {
namespace {

bool has(const SyscallSet& set, std::string_view name) {
  const std::vector<std::string> names = syscall_names(set);
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Sizes as the reference computes them from the same tables.
TEST(SyscallSelection, SetsHaveTheSizesOfTheReference) {
  EXPECT_EQ(state_syscalls().count(), 70u);
  EXPECT_EQ(ignored_syscalls().count(), 12u);
  EXPECT_EQ(plan_syscalls({}, {.repair = true}).collected.count(), 22u);
}

TEST(SyscallSelection, IgnoredCallsAreCollectedOnlyWhenAskedFor) {
  const SyscallSet rules = syscalls_named("read") | syscalls_named("ptrace");
  const SyscallPlan plan = plan_syscalls(rules, {});
  EXPECT_FALSE(has(plan.collected, "read"));
  EXPECT_TRUE(has(plan.collected, "ptrace"));
  EXPECT_EQ(syscall_names(plan.unheard), std::vector<std::string>{"read"});
  const SyscallPlan all = plan_syscalls(rules, {.all = true});
  EXPECT_TRUE(has(all.collected, "read"));
  EXPECT_TRUE(all.unheard.none());
}

TEST(SyscallSelection, EventAndCallNamesMeanTheSame) {
  EXPECT_EQ(syscalls_named("pread"), syscalls_named("pread64"));
  EXPECT_TRUE(has(syscalls_named("procexit"), "sched_process_exit"));
  EXPECT_TRUE(has(syscalls_named("setuid"), "setuid32"));
  EXPECT_TRUE(syscalls_named("no_such_call").none());
}

TEST(SyscallSelection, CustomSetReplacesTheStateSet) {
  const SyscallPlan plan =
      plan_syscalls(syscalls_named("ptrace"), {.custom = {"openat", "!ptrace", "nonsense"}});
  EXPECT_TRUE(has(plan.collected, "openat"));
  EXPECT_FALSE(has(plan.collected, "ptrace"));
  EXPECT_FALSE(has(plan.collected, "clone"));
  EXPECT_TRUE(has(plan.collected, "sched_process_exit"));
  EXPECT_EQ(plan.unknown_names, std::vector<std::string>{"nonsense"});
  EXPECT_EQ(syscall_names(plan.unheard), std::vector<std::string>{"ptrace"});
}

TEST(SyscallSelection, RepairAddsWhatTheSelectionNeeds) {
  const SyscallPlan network = plan_syscalls(syscalls_named("connect"), {.repair = true});
  EXPECT_TRUE(has(network.collected, "socket"));
  EXPECT_TRUE(has(network.collected, "close"));
  EXPECT_TRUE(has(network.collected, "clone"));
  EXPECT_FALSE(has(network.collected, "openat"));
  const SyscallPlan server = plan_syscalls(syscalls_named("accept"), {.repair = true});
  EXPECT_TRUE(has(server.collected, "bind"));
}

TEST(SyscallSelection, WhatIsTakenOutStaysOutAfterRepair) {
  const SyscallPlan plan =
      plan_syscalls(syscalls_named("connect"), {.custom = {"!socket"}, .repair = true});
  EXPECT_FALSE(has(plan.collected, "socket"));
}

TEST(SyscallSelection, RulesAskByEventTypeAndByName) {
  Ruleset ruleset;
  Rule rule;
  rule.name = "by type";
  rule.needs.types.set(static_cast<size_t>(Ev::PTRACE_X));
  ruleset.rules.push_back(rule);
  rule.name = "by name";
  rule.needs = {};
  rule.needs.names = {"getpid"};
  ruleset.rules.push_back(rule);
  rule.name = "disabled";
  rule.needs.names = {"alarm"};
  rule.enabled = false;
  ruleset.rules.push_back(rule);
  EXPECT_EQ(syscall_names(syscalls_of_rules(ruleset)),
            (std::vector<std::string>{"getpid", "ptrace"}));
}

TEST(SyscallSelection, TracepointsAreCollectedForRulesThatNameThem) {
  EventNeeds any;
  any.all = true;
  any.types.set();
  EXPECT_TRUE(has(syscalls_of_needs(any), "signal_deliver"));
  EXPECT_FALSE(has(syscalls_of_needs(any), "page_fault_user")) << "too many";
  any.all = false;
  any.types.reset(static_cast<size_t>(Ev::OPEN_X));
  EXPECT_FALSE(has(syscalls_of_needs(any), "page_fault_user")) << "any type but one";
  EventNeeds named;
  named.types.set(static_cast<size_t>(Ev::PAGE_FAULT_E));
  named.types.set(static_cast<size_t>(Ev::SIGNALDELIVER_E));
  EXPECT_EQ(syscall_names(syscalls_of_needs(named)),
            (std::vector<std::string>{"page_fault_kernel", "page_fault_user", "signal_deliver"}));
  EXPECT_EQ(syscalls_named("page_fault").count(), 2u);
  EXPECT_FALSE(has(plan_syscalls({}, {.all = true}).collected, "signal_deliver"));
}

constexpr const char* kReaders = R"(
- rule: Removed elsewhere
  desc: d
  condition: evt.type = unlink and not basename(fd.realpath) = x
  output: x
  priority: INFO
- rule: Closed
  desc: d
  condition: evt.type = close
  output: "%toupper(fd.realpath) x"
  priority: INFO
)";

constexpr const char* kRules = R"(
- macro: opens
  condition: evt.type in (open, openat)
- macro: shells
  condition: proc.name in (sh, bash)
- rule: Opened by a shell
  desc: d
  condition: opens and shells
  output: x
  priority: INFO
- rule: Read
  desc: d
  condition: evt.type = read or opens
  output: x
  priority: INFO
)";

class Explained : public testing::Test {
 protected:
  static LoadResult load(const Dialect& dialect) {
    LoadSettings settings;
    settings.dialect = dialect;
    const RuleSource source{"rules.yaml", kRules};
    return load_rules(std::span(&source, 1), settings);
  }

  std::vector<std::string> reasons(std::string_view call, const SyscallRequest& request,
                                   bool* collected) const {
    const SyscallPlan plan = plan_syscalls(syscalls_of_rules(*loaded_.ruleset), request);
    const auto all = explain_syscalls(*loaded_.ruleset, dialect_, plan);
    const auto found = std::ranges::find(all, call, &SyscallReasons::call);
    *collected = found != all.end() && found->collected;
    return found != all.end() ? found->reasons : std::vector<std::string>{};
  }

  const Dialect dialect_{.fields = all_fields(), .event_types = kEventCount};
  const LoadResult loaded_ = load(dialect_);
};

TEST(SyscallSelection, WhoReadsAFieldInConditionOrOutput) {
  const Dialect dialect{.fields = all_fields(), .event_types = kEventCount};
  LoadSettings settings;
  settings.dialect = dialect;
  const RuleSource source{"rules.yaml", kReaders};
  const LoadResult loaded = load_rules(std::span(&source, 1), settings);
  EXPECT_EQ(syscall_names(syscalls_reading(*loaded.ruleset, "fd.realpath")),
            (std::vector<std::string>{"close", "unlink"}));
  EXPECT_TRUE(syscalls_reading(*loaded.ruleset, "fd.name").none());
}

TEST_F(Explained, ByRulesAndTheirMacros) {
  using Texts = std::vector<std::string>;
  bool collected = false;
  EXPECT_EQ(reasons("openat", {}, &collected),
            (Texts{"rule 'Opened by a shell', macro opens", "rule 'Read', macro opens",
                   "the state of processes and descriptors needs it"}));
  EXPECT_TRUE(collected);
  EXPECT_EQ(reasons("read", {}, &collected),
            (Texts{"rule 'Read'",
                   "but it is ignored unless asked for, as there are many: base_syscalls.all=true "
                   "(-A)"}));
  EXPECT_FALSE(collected);
  EXPECT_EQ(reasons("read", {.all = true}, &collected), Texts{"rule 'Read'"});
  EXPECT_TRUE(collected);
}

TEST_F(Explained, BySettings) {
  using Texts = std::vector<std::string>;
  bool collected = false;
  EXPECT_EQ(reasons("kill", {.custom = {"kill", "!openat"}}, &collected),
            Texts{"base_syscalls.custom_set names it"});
  EXPECT_TRUE(collected);
  EXPECT_EQ(reasons("openat", {.custom = {"kill", "!openat"}}, &collected).back(),
            "but base_syscalls.custom_set takes it out");
  EXPECT_FALSE(collected);
  EXPECT_EQ(reasons("close", {.repair = true}, &collected), Texts{"base_syscalls.repair adds it"});
  EXPECT_TRUE(collected);
  EXPECT_EQ(reasons("sched_process_exit", {}, &collected).back(),
            "always: ended processes are forgotten");
}

TEST_F(Explained, StepByStep) {
  const SyscallPlan plan =
      plan_syscalls(syscalls_of_rules(*loaded_.ruleset), {.custom = {"kill", "!openat"}});
  EXPECT_EQ(plan_steps(plan),
            (std::vector<std::string>{
                "(3) system calls in rules: open, openat, read",
                "+(1) system calls of base_syscalls.custom_set: kill",
                "-(1) system calls that are ignored unless base_syscalls.all is true (-A): read",
                "-(1) system calls that base_syscalls.custom_set takes out: openat",
                "(3) system calls selected in total: kill, open, sched_process_exit"}));
}

}  // namespace
}  // namespace gyr
