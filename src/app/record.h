// SPDX-License-Identifier: Apache-2.0
// What is said at the end of a recording.
#pragma once

#include <cstdint>
#include <optional>

#include "base/log.h"
#include "source/recording.h"

namespace gyr::app {

// Completes the file and tells what is in it, `shown` events besides those that only keep the state
// right if the caller knows. Exit status: 1 when events are missing from it.
int finish_recording(Recording& recording, const Logger& logger,
                     std::optional<uint64_t> shown = {});

}  // namespace gyr::app
