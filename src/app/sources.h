// SPDX-License-Identifier: Apache-2.0
// --enable-source and --disable-source, and what this version has of sources and plugins.
#pragma once

#include <string>
#include <string_view>

#include "app/options.h"
#include "base/log.h"
#include "base/result.h"

namespace gyr::app {

// Parted by blanks, as completion takes them: where events can come from, and the plugins of the
// reference that are part of this program.
inline constexpr std::string_view kEventSources = "syscall";
inline constexpr std::string_view kBuiltInPlugins = "container";
bool is_event_source(std::string_view name);

// Refuses a source that does not exist, and to take events of none. In a replay, which takes what
// the capture holds, their lack of effect is logged.
Result<void> check_sources(const Options& options, bool replay, const Logger& logger);
// The one that is named does not exist.
Error unknown_source(std::string_view name);

// --list-plugins.
std::string plugins_text();
// --plugin-info: by the plugin's name, or by the path of its library as the reference has it.
Result<std::string> plugin_text(std::string_view name);

}  // namespace gyr::app
