// SPDX-License-Identifier: Apache-2.0
// Filters and formats of the command line. Errors show the text with the fault underlined.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "engine/event_filter.h"
#include "lang/output.h"

namespace gyr::app {

// Null for an empty text, which every event fits.
Result<std::unique_ptr<EventFilter>> compile_filter(std::string_view text);
Result<std::shared_ptr<const OutputTemplate>> parse_format(std::string_view text);

}  // namespace gyr::app
