// SPDX-License-Identifier: Apache-2.0
// What follows from settings and rules for the engine: how rules are evaluated, what the governor
// keeps and which calls are collected.
#pragma once

#include "app/rules_command.h"
#include "base/log.h"
#include "config/settings.h"
#include "engine/prepared_rules.h"
#include "engine/syscall_selection.h"
#include "rules/ruleset.h"

namespace gyr::app {

SyscallPlan plan_calls(const Settings& settings, const Ruleset& ruleset);
// Logs how the plan came about, and what it cannot do.
void log_plan(const SyscallPlan& plan, const Logger& logger);

RuleUse rule_use(const Settings& settings, const RulesToUse& rules, const SyscallPlan& plan);

}  // namespace gyr::app
