// SPDX-License-Identifier: Apache-2.0
// Capture files (.scap, plain or gzip, of all versions) as sources.
#pragma once

#include <string>

#include "gyr/result.h"
#include "gyr/source.h"

namespace gyr::api {

// The error names the file, the offset and the reason.
Result<Source> open_capture(const std::string& path);

}  // namespace gyr::api
