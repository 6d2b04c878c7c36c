// SPDX-License-Identifier: Apache-2.0
// Recordings as the program makes them: what may be overwritten, what is said at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "source/recording.h"

namespace gyr::app {

// Gzip when the name ends in ".gz". `from`: the capture file that the events come from, which is
// refused as the target. `source` must outlive the recording.
Result<std::unique_ptr<Recording>> start_recording(Source& source, const std::string& path,
                                                   const std::optional<std::string>& from,
                                                   const Logger& logger);
// Completes the file and tells what is in it, `shown` events besides those that only keep the state
// right if the caller knows. Exit status: 1 when events are missing from it.
int finish_recording(Recording& recording, const std::string& path, const Logger& logger,
                     std::optional<uint64_t> shown = {});

}  // namespace gyr::app
