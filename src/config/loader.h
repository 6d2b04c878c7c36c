// SPDX-License-Identifier: Apache-2.0
// Configuration files, their includes and the command line's overrides → Settings.
//
// Order: main file, then config_files in order, then overrides. Each key's value is checked once,
// in the merged result; what is wrong is told with the file, line and column it was written at.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/system.h"
#include "config/settings.h"
#include "config/value.h"

namespace gyr {

using ConfigProblem = config::Problem;

struct ConfigRequest {
  // Empty: the first of /etc/gyr/gyr.yaml and /etc/falco/falco.yaml that exists, else no file.
  std::string path;
  std::vector<std::string> overrides;  // "key=value", in order
  config::Environment environment;     // null: the process environment
};

struct ConfigResult {
  Settings settings;               // complete even after errors; what was wrong has its default
  std::vector<std::string> files;  // that were read, the main file first
  // Of `files`: what a check against the schema says, "ok", "failed (2 faults)", or "none" where
  // there is nothing to check.
  std::vector<std::string> verdicts;
  std::vector<ConfigProblem> problems;
  config::Value values;  // all keys that were set, with their places
  bool ok() const;
  // "file:line:column: path", or the path alone where nobody set it.
  std::string place_of(std::string_view path) const;
};

ConfigResult load_config(const Files& files, const ConfigRequest& request);

}  // namespace gyr
