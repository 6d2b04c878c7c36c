// SPDX-License-Identifier: Apache-2.0
// metrics.output_file: the fields of each snapshot as a line of JSON, appended.
#pragma once

#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

std::unique_ptr<Sink> make_metrics_file_sink(std::string path);

}  // namespace gyr
