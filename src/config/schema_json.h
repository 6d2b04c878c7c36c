// SPDX-License-Identifier: Apache-2.0
// The JSON schema (draft-06) of a configuration file, made from the tables that the loader reads by
// (options.def, objects.def, removed.def).
//
// It refuses what the loader calls unknown, of a wrong type or out of bounds. Every scalar may also
// be text with a variable, "${NAME}", of which nothing is known before it is expanded.
#pragma once

#include <string>

namespace gyr::config {

std::string config_schema_json();  // indented, with a newline at its end

}  // namespace gyr::config
