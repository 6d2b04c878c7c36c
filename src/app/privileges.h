// SPDX-License-Identifier: Apache-2.0
// What live detection and recording keep of the privileges that they were started with:
// docs/privileges.md has the table, and why each is needed for life.
#pragma once

#include <string>
#include <vector>

#include "base/capabilities.h"
#include "base/log.h"

namespace gyr::app {

// Of the calling thread: to read files that belong to others.
Capabilities capabilities_to_read_files();

// Once everything is open and before the first event: the calling thread gives up what it does not
// need for life, and so do threads that it makes later. What it needs and was not given, and what
// that costs, goes to the log. `written`: what files will be made as later (a path, or the
// beginning of paths); where that needs CAP_DAC_OVERRIDE, it stays. The process leaves no core dump
// and cannot be traced but with CAP_SYS_PTRACE from then on.
void give_up_privileges(const std::vector<std::string>& written, const Logger& logger);

}  // namespace gyr::app
