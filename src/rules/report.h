// SPDX-License-Identifier: Apache-2.0
// Load results for people and programs: the text and the JSON of `-V` (falco-interface 3.9), with
// positions that count from 1.
#pragma once

#include <span>
#include <string>

#include "rules/loader.h"

namespace gyr {

// The locations, the underlined line, code and message of one diagnostic; ends with a newline.
std::string diagnostic_text(const Diagnostic& diagnostic);

struct ReportSettings {
  bool warnings = true;  // also of files without errors
};
// "<file>: Ok", "<file>: Ok, with warnings" or "<file>: Invalid" and the diagnostics of every file.
std::string report_text(std::span<const FileReport> files, const ReportSettings& settings = {});
// "2 errors: [LOAD_ERR_VALIDATE (…), …]" for logs; empty when there are no diagnostics.
std::string report_summary(const FileReport& file);
// As yaml::schema_verdict; "none" where the file could not be read.
std::string schema_verdict(const FileReport& file);
// One line: {"falco_load_results":[…]}.
std::string report_json(std::span<const FileReport> files);

}  // namespace gyr
