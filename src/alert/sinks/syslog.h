// SPDX-License-Identifier: Apache-2.0
// Alerts to syslog, each with the severity of its priority.
#pragma once

#include <memory>

#include "alert/sink.h"

namespace gyr {

std::unique_ptr<Sink> make_syslog_sink();

}  // namespace gyr
