// SPDX-License-Identifier: Apache-2.0
// gyr syscalls: which system calls detection would collect with these rules and settings, and why.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "app/app.h"
#include "app/configured.h"
#include "app/help.h"
#include "app/rule_use.h"
#include "app/rules_command.h"
#include "app/terminal.h"
#include "base/text.h"
#include "engine/syscall_reasons.h"

namespace gyr::app {
namespace {

std::string explanation(const SyscallReasons& call) {
  std::string text = fmt::format("{}: {}\n", call.call, call.collected ? "collected" : "left out");
  for (const std::string& reason : call.reasons) text += fmt::format("  {}\n", reason);
  return text;
}

Error unknown_call(const std::string& name) {
  std::vector<std::string_view> names;
  for (const ScInfo& call : all_syscalls()) names.push_back(call.name);
  const std::string_view guess = closest(name, names);
  return Error{fmt::format("there is no system call '{}'{}", name,
                           guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess))};
}

// The explanations of the calls that are named, or of all; the error names one that does not exist.
Result<std::string> explanations(const std::vector<SyscallReasons>& all,
                                 const std::vector<std::string>& names) {
  std::string text;
  if (names.empty()) {
    for (const SyscallReasons& call : all) text += explanation(call);
    return text;
  }
  for (const std::string& name : names) {
    const SyscallSet meant = syscalls_named(name);
    if (meant.none()) return unknown_call(name);
    for (const std::string& call : syscall_names(meant)) {
      const auto found = std::ranges::find(all, call, &SyscallReasons::call);
      text += found != all.end() ? explanation(*found)
                                 : fmt::format("{}: left out\n  nothing asks for it\n", call);
    }
  }
  return text;
}

int show(const Options& options, const ConfigResult& config, const Logger& logger) {
  const FieldSet fields(config.settings.static_fields);
  const RulesRequest request{.settings = config.settings, .options = options, .fields = fields};
  const RulesToUse rules = load_rules_to_use(request, !config.files.empty(), logger);
  if (!rules.ruleset) return print_faults(rules);
  const SyscallPlan plan = plan_calls(config.settings, *rules.ruleset);
  warn_about_selection(plan, logger);
  if (!options.explain && options.words.empty()) {
    std::string text;
    for (const std::string& name : syscall_names(plan.collected)) text += name + '\n';
    return print_result(text);
  }
  const Result<std::string> text = explanations(
      explain_syscalls(*rules.ruleset, load_settings(request).dialect, plan), options.words);
  if (!text) return print_error(text.error().message);
  const bool blind = config.settings.gyr.attach_mode == AttachMode::PerSyscall;
  return print_result(*text + (blind
                                   ? "gyr.attach_mode is per_syscall: of the collected calls those "
                                     "of 32-bit programs are not seen\n"
                                   : ""));
}

}  // namespace

int run_syscalls(const Invocation& call) {
  Result<Options> options = parse_syscalls_options(call.arguments);
  if (!options) return print_error(options.error().message);
  options->as_falco = call.as_falco;
  if (options->help) return print_result(help_text(*find_command("syscalls")));
  return with_configuration(*options, [&](const ConfigResult& config, const Logger& logger) {
    return show(*options, config, logger);
  });
}

}  // namespace gyr::app
