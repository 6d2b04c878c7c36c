// SPDX-License-Identifier: Apache-2.0
// Rule files as the command line and the configuration name them: files, and folders whose .yaml
// and .yml files are taken in alphabetical order.
#pragma once

#include <string>
#include <vector>

#include "rules/loader.h"

namespace gyr::app {

struct RuleFiles {
  std::vector<RuleSource> sources;
  std::vector<FileReport> unreadable;  // one per path that could not be read
};
RuleFiles read_rule_files(const std::vector<std::string>& paths);

// The default rules, which are part of the program.
RuleSource built_in_rules();

}  // namespace gyr::app
