// SPDX-License-Identifier: Apache-2.0
#include "app/plugins.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace gyr::app {

Result<void> check_load_plugins(const ConfigResult& config) {
  std::vector<std::string_view> listed;
  for (const PluginSettings& plugin : config.settings.plugins) listed.push_back(plugin.name);
  const auto& names = config.settings.load_plugins;
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(listed.begin(), listed.end(), names[i]) != listed.end()) continue;
    const config::Value* list = config.values.find("load_plugins");
    const bool has_item = list != nullptr && i < list->items.size();
    const std::string place = has_item ? config::Problem{.error = true,
                                                         .origin = list->items[i].origin,
                                                         .message = "load_plugins"}
                                             .text()
                                       : config.place_of("load_plugins");
    const std::string_view guess = closest(names[i], listed);
    return Error{fmt::format(
        "{}: there is no entry '{}' in plugins{}", place, one_line(names[i]),
        guess.empty() ? std::string() : fmt::format("; did you mean '{}'?", one_line(guess)))};
  }
  return {};
}

// Rules and detection of system calls work without plugins, so a missing one is no error; but its
// events are missing, which must be seen.
void warn_of_plugins(const ConfigResult& config, const Logger& logger) {
  const Settings& settings = config.settings;
  std::vector<std::string> wanted = settings.load_plugins;
  const config::Value* names = config.values.find("load_plugins");
  const bool chosen = names != nullptr && !names->is_null();
  if (!chosen) {
    for (const PluginSettings& plugin : settings.plugins) wanted.push_back(plugin.name);
  }
  for (const std::string& name : wanted) {
    if (name == "container" || name == "json") continue;  // their fields are built in
    logger->warn(
        "{}: the plugin '{}' is not loaded: this version loads no plugins; events of its source do "
        "not arrive, and rules for them are skipped",
        config.place_of(chosen ? "load_plugins" : "plugins"), one_line(name));
  }
}

Result<ContainerApiSettings> container_settings(const ConfigResult& config, const Logger& logger) {
  for (const PluginSettings& plugin : config.settings.plugins) {
    if (plugin.name != "container") continue;
    auto settings = parse_container_api_settings(plugin.init_config);
    if (!settings) {
      return Error{fmt::format("{}: init_config of the plugin 'container': {}",
                               config.place_of("plugins"), settings.error().message)};
    }
    for (const std::string& note : settings->without_effect) {
      logger->warn("{}: the plugin 'container': no effect has {}", config.place_of("plugins"),
                   note);
    }
    return settings;
  }
  return ContainerApiSettings{};
}

}  // namespace gyr::app
