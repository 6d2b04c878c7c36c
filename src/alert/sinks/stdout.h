// SPDX-License-Identifier: Apache-2.0
// Alerts, one line each, to standard output.
#pragma once

#include <memory>

#include "alert/sink.h"

namespace gyr {

struct StdoutSinkSettings {
  int fd = 1;  // tests give another one
};
std::unique_ptr<Sink> make_stdout_sink(StdoutSinkSettings settings = {});

}  // namespace gyr
