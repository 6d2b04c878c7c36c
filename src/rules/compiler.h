// SPDX-License-Identifier: Apache-2.0
// Definitions → Ruleset: lists substituted, macros expanded, conditions checked, outputs parsed.
#pragma once

#include <memory>

#include "rules/definitions.h"
#include "rules/report_sink.h"

namespace gyr::rules {

// Faults go to `sink`; the ruleset lacks what was faulty or is skipped on purpose.
std::shared_ptr<Ruleset> compile_rules(const SourceFiles& files, const Collected& collected,
                                       const LoadSettings& settings, ReportSink* sink);

}  // namespace gyr::rules
