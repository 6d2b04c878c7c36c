// SPDX-License-Identifier: Apache-2.0
// Findings for people (compilers' form), programs (JSON) and code review (SARIF 2.1.0).
#pragma once

#include <span>
#include <string>

#include "check/finding.h"

namespace gyr::check {

// "file:line:column: warning: message [CODE]", the line with the place underlined, and what to do.
std::string findings_text(std::span<const Finding> findings);
// {"findings":[{code,severity,message,help,item,file,line,column,…}],"errors":N,"warnings":N}
std::string findings_json(std::span<const Finding> findings);
// One run with all rules that were broken; columns count characters.
std::string findings_sarif(std::span<const Finding> findings, std::string_view version);
// Every code and what it means, as text.
std::string codes_text();
// The same as a table of docs/check.md.
std::string codes_table();

}  // namespace gyr::check
