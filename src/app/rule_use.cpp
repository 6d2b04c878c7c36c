// SPDX-License-Identifier: Apache-2.0
#include "app/rule_use.h"

#include "app/configured.h"
#include "engine/syscall_reasons.h"

namespace gyr::app {
namespace {

GovernorSettings governor_settings(const GyrSettings& ours, const SyscallPlan& plan) {
  return {.enabled = ours.governor_enabled,
          .max_cpu_percent = ours.governor_max_cpu_percent,
          .max_ring_fill_percent = ours.governor_max_ring_fill_percent,
          .max_lost_per_second = ours.governor_max_lost_per_second,
          .hold_seconds = ours.governor_hold_seconds,
          .protect = ours.governor_protect,
          .collected = plan.collected};
}

Collection collection_of(const GyrSettings& ours, const Ruleset& ruleset, const SyscallPlan& plan) {
  SyscallSet compared = syscalls_reading(ruleset, "evt.args_changed");
  if (ours.live_compare_arguments) compared.set();
  return {.syscalls = syscall_list(plan.collected),
          .real_paths = ours.live_real_paths || syscalls_reading(ruleset, "fd.realpath").any(),
          .compared = syscall_list(plan.collected & compared)};
}

}  // namespace

SyscallPlan plan_calls(const Settings& settings, const Ruleset& ruleset) {
  return plan_syscalls(syscalls_of_rules(ruleset), syscall_request(settings));
}

void log_plan(const SyscallPlan& plan, const Logger& logger) {
  for (const std::string& step : plan_steps(plan)) logger->debug("{}", step);
  warn_about_selection(plan, logger);
}

RuleUse rule_use(const Settings& settings, const RulesToUse& rules, const SyscallPlan& plan) {
  const GyrSettings& ours = settings.gyr;
  const bool caches = ours.rule_caches;
  return {.match = settings.rule_matching == RuleMatching::All ? MatchMode::All : MatchMode::First,
          .compile = {.string_cache = caches, .thread_cache = caches, .event_cache = caches},
          .governor = governor_settings(ours, plan),
          .limiter = {.limits = rules.limits,
                      .max_per_second = ours.storms_max_per_second,
                      .burst = ours.storms_burst,
                      .protect = ours.storms_protect},
          .collection = collection_of(ours, *rules.ruleset, plan)};
}

}  // namespace gyr::app
