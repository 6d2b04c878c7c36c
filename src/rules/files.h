// SPDX-License-Identifier: Apache-2.0
// Rule files as users name them: files, and folders whose .yaml and .yml files are taken in
// alphabetical order.
#pragma once

#include <string>
#include <vector>

#include "rules/loader.h"

namespace gyr {

constexpr size_t kMaxFilesInFolder = 10000;  // of a folder of rules; more are an error

// What cannot be read becomes a source with a read_error, which load_rules() reports.
std::vector<RuleSource> read_rule_files(const std::vector<std::string>& paths);

}  // namespace gyr
