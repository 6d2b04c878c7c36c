// SPDX-License-Identifier: Apache-2.0
// What is said at the end of a recording and of captures on alert.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/log.h"
#include "source/alert_capture.h"
#include "source/recording.h"

namespace gyr::app {

// Completes the file and tells what is in it, `shown` events besides those that only keep the state
// right if the caller knows. Exit status: 1 when events are missing from it.
int finish_recording(Recording& recording, const Logger& logger,
                     std::optional<uint64_t> shown = {});

// Tells what was captured. Exit status: 1 when events are missing.
int report_captures(const AlertCapture& capture, const std::string& prefix, const Logger& logger);

}  // namespace gyr::app
