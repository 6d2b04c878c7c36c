// SPDX-License-Identifier: Apache-2.0
// One parsed file → definitions: keys, types, append, override, redefinition. Compiles nothing.
#pragma once

#include "rules/definitions.h"
#include "rules/report_sink.h"
#include "rules/skip.h"

namespace gyr::rules {

// "rule", "macro" …: the key that says what an item is.
bool is_item_type(std::string_view key);

// Reads every item of file number `file` that is not excluded into `collected`; faulty items are
// reported and left out.
void read_items(const SourceFiles& files, uint32_t file, const LoadSettings& settings,
                const Exclusions& excluded, Collected* collected, ReportSink* sink);

}  // namespace gyr::rules
