// SPDX-License-Identifier: Apache-2.0
// --support: what somebody who helps needs to know, as one JSON object (falco-interface 1.4).
#pragma once

#include <string>
#include <string_view>

#include "app/rules_command.h"
#include "config/loader.h"

namespace gyr::app {

// Exit status. Rules that do not load are an error.
int print_support(const ConfigResult& config, const Options& options, const RulesRequest& request);

// What stands in a configuration file or command line without its secrets: passwords of URLs, what
// follows "Bearer", values of keys and variables that are named like a password or token. What is
// masked reads <masked>; too much may be.
std::string without_secrets(std::string_view text);
// The same of YAML, where such a value may have many lines.
std::string yaml_without_secrets(const std::string& text);

}  // namespace gyr::app
