// SPDX-License-Identifier: Apache-2.0
#include "engine/syscall_selection.h"

#include <gtest/gtest.h>

#include <algorithm>

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

}  // namespace
}  // namespace gyr
