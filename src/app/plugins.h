// SPDX-License-Identifier: Apache-2.0
// What the configuration says about plugins: which would be loaded, and the one whose fields are
// built in.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "config/loader.h"
#include "container_api/settings.h"

namespace gyr::app {

// Each name in load_plugins needs its entry in plugins.
Result<void> check_load_plugins(const ConfigResult& config);
// About plugins that would be loaded and are not.
void warn_of_plugins(const ConfigResult& config, const Logger& logger);
// Of the reference's container plugin, whose fields are built in. Warns of keys without effect.
Result<ContainerApiSettings> container_settings(const ConfigResult& config, const Logger& logger);

}  // namespace gyr::app
