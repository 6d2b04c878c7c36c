// SPDX-License-Identifier: Apache-2.0
// One parsed file → definitions: keys, types, append, override, redefinition. Compiles nothing.
#pragma once

#include "rules/definitions.h"
#include "rules/report_sink.h"

namespace gyr::rules {

// Reads every item of file number `file` into `collected`; faulty items are reported and left out.
void read_items(const SourceFiles& files, uint32_t file, const LoadSettings& settings,
                Collected* collected, ReportSink* sink);

}  // namespace gyr::rules
