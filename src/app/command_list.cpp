// SPDX-License-Identifier: Apache-2.0
// gyr list and gyr describe.
#include <fmt/format.h>

#include "app/configured.h"
#include "app/help.h"
#include "app/listings.h"
#include "app/rules_command.h"
#include "app/terminal.h"
#include "base/text.h"
#include "check/report.h"
#include "field/static_fields.h"

namespace gyr::app {
namespace {

int print_rule_names(const Ruleset& ruleset) {
  std::string text;
  for (const Rule& rule : ruleset.rules) text += one_line(rule.name) + '\n';
  return print_result(text);
}

}  // namespace

int run_list(const Invocation& call) {
  Result<Options> options = parse_list_options(call.arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(help_text(*find_command("list")));
  options->as_falco = call.as_falco;
  if (options->list_checks) return print_result(check::codes_text());
  if (const std::optional<int> status = print_plain_listing(*options)) return *status;
  return with_configuration(*options, [&](const ConfigResult& config, const Logger& logger) {
    const FieldSet fields(config.settings.static_fields);
    if (options->list_fields) return print_fields(*options, fields);
    const RulesRequest request{.settings = config.settings, .options = *options, .fields = fields};
    const RulesToUse rules = load_rules_to_use(request, !config.files.empty(), logger);
    return rules.ruleset ? print_rule_names(*rules.ruleset) : print_faults(rules);
  });
}

int run_describe(const Invocation& call) {
  Result<Options> options = parse_describe_options(call.arguments);
  if (!options) return print_error(options.error().message);
  if (options->help) return print_result(help_text(*find_command("describe")));
  options->as_falco = call.as_falco;
  return with_configuration(*options, [&](const ConfigResult& config, const Logger& logger) {
    const FieldSet fields(config.settings.static_fields);
    const RulesRequest request{.settings = config.settings, .options = *options, .fields = fields};
    const RulesToUse rules = load_rules_to_use(request, !config.files.empty(), logger);
    return rules.ruleset ? describe(request, *rules.ruleset) : print_faults(rules);
  });
}

}  // namespace gyr::app
