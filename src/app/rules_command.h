// SPDX-License-Identifier: Apache-2.0
// Rules as the settings and the command line select them; -V, -L and -l.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/log.h"
#include "config/settings.h"
#include "rules/loader.h"
#include "rules/ruleset.h"

namespace gyr::app {

LoadSettings load_settings(const Settings& settings, const Options& options);

struct RulesToUse {
  std::shared_ptr<const Ruleset> ruleset;  // null: said on stderr what is wrong
  bool built_in = false;
};
// The files of -r, else those of the configuration, else (without a configuration file) the
// built-in rules. Warnings go to the log when `options.verbose`.
RulesToUse load_rules_to_use(const Settings& settings, const Options& options, bool has_config,
                             const Logger& logger);

// -V: prints the report. Exit status.
int validate(const Settings& settings, const Options& options);
// -L, -l. Exit status.
int describe(const Settings& settings, const Options& options, const Ruleset& ruleset);

}  // namespace gyr::app
