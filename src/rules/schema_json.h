// SPDX-License-Identifier: Apache-2.0
// The JSON schema (draft-06) of a document of a rules file, made from the table that the reader
// reads by (keys.def). What it refuses is what reports call not valid by schema.
#pragma once

#include <string>

namespace gyr {

std::string rules_schema_json();  // indented, with a newline at its end

}  // namespace gyr
