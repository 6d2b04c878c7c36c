// SPDX-License-Identifier: Apache-2.0
// What this host allows live capture to do. Really loads and attaches the probe, and lets it go
// again; reads what explains a refusal. Changes nothing.
#pragma once

#include <string>
#include <vector>

#include "source/live.h"
#include "source/live_checks.h"

namespace gyr {

// In the order they are to be told. `settings`: as detection would start; its calls are chosen
// here.
std::vector<LiveCheck> examine_host(LiveSettings settings);

}  // namespace gyr
