// SPDX-License-Identifier: Apache-2.0
// Capture files (.scap, plain or gzip, of all versions) as sources.
#pragma once

#include <functional>
#include <string>

#include "gyr/result.h"
#include "gyr/source.h"

namespace gyr::api {

// The error names the file, the offset and the reason. While a pipe has nothing to read, `give_up`
// is asked ten times a second; true ends the capture there. Without it the pipe is waited for.
Result<Source> open_capture(const std::string& path, std::function<bool()> give_up = {});

}  // namespace gyr::api
