// SPDX-License-Identifier: Apache-2.0
// Rules as the settings and the command line select them; -V, -L and -l.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/log.h"
#include "config/settings.h"
#include "engine/alert_limiter.h"
#include "field/static_fields.h"
#include "metrics/sample.h"
#include "rules/loader.h"
#include "rules/ruleset.h"

namespace gyr::app {

// What rules are loaded with. The fields must outlive every ruleset.
struct RulesRequest {
  const Settings& settings;
  const Options& options;
  const FieldSet& fields;
};
LoadSettings load_settings(const RulesRequest& request);

struct RulesToUse {
  std::shared_ptr<const Ruleset> ruleset;  // null: `faults` says what is wrong
  std::vector<std::string> faults;
  bool built_in = false;
  std::vector<AlertLimit> limits{};   // of gyr.storms
  std::vector<FileDigest> digests{};  // of the files, while metrics are on
};
struct RuleFiles {
  std::vector<RuleSource> sources;  // at least one
  bool built_in = false;
};
// The files of -r, else those of the configuration, else (without a configuration file) the
// built-in rules. An error when there are none.
Result<RuleFiles> rule_files_to_use(const RulesRequest& request, bool has_config);

// What rule_files_to_use() names, loaded. Warnings go to the log when the user wants to hear more.
RulesToUse load_rules_to_use(const RulesRequest& request, bool has_config, const Logger& logger);
// To standard error. Exit status.
int print_faults(const RulesToUse& rules);

// -V: prints the report. Exit status.
int validate(const RulesRequest& request);
// -L, -l. Exit status.
int describe(const RulesRequest& request, const Ruleset& ruleset);

}  // namespace gyr::app
