// SPDX-License-Identifier: Apache-2.0
#include "app/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "config/options.h"
#include "field/fields.h"

namespace gyr::app {
namespace {

// What the reference loads as a plugin and is part of this program.
struct BuiltIn {
  std::string_view name;
  std::string_view description;
  std::string_view init_config;  // the object whose keys its init_config may have
};
constexpr BuiltIn kBuiltIn[] = {
    {kBuiltInPlugins,
     "Fields of the container and pod a process runs in, from what runtimes keep on disk and from "
     "their APIs",
     "container_init"},
};

size_t field_count(std::string_view plugin) {
  size_t count = 0;
  for (const FieldClass& fields : all_fields()) {
    if (fields.name == plugin) count += fields.fields.size();
  }
  return count;
}

std::string about(const BuiltIn& plugin) {
  return fmt::format(
      "Name: {}\nDescription: {}\nVersion: {}, built in\nCapabilities:\n"
      "  - Field Extraction ({} fields: gyr list fields)\n",
      plugin.name, plugin.description, GYR_VERSION, field_count(plugin.name));
}

// A line for each key that holds a value: "  engines.docker.enabled: true or false: …".
void add_keys(std::string_view object, const std::string& path, std::string* text) {
  for (const config::ObjectKey& key : config::object_keys(object)) {
    const std::string name =
        path.empty() ? std::string(key.key) : fmt::format("{}.{}", path, key.key);
    if (key.kind == config::ValueKind::Object) {
      add_keys(key.detail, name, text);
    } else {
      *text += fmt::format("  {} ({}): {}\n", name, config::kind_text(key.kind, key.detail, {}),
                           key.doc);
    }
  }
}

// "container", "libcontainer.so", "/usr/share/falco/plugins/libcontainer.so".
bool is_meant(const BuiltIn& plugin, std::string_view name) {
  if (name == plugin.name) return true;
  return name.substr(name.rfind('/') + 1) == fmt::format("lib{}.so", plugin.name);
}

}  // namespace

bool is_event_source(std::string_view name) {
  const std::vector<std::string_view> sources = split(kEventSources, ' ');
  return std::find(sources.begin(), sources.end(), name) != sources.end();
}

Error unknown_source(std::string_view name) {
  const std::string_view guess = closest(name, split(kEventSources, ' '));
  return {fmt::format("there is no event source '{}'{}; this program has: {}", one_line(name),
                      guess.empty() ? "" : fmt::format(", did you mean '{}'?", guess),
                      kEventSources)};
}

Result<void> check_sources(const Options& options, bool replay, const Logger& logger) {
  const bool enables = !options.enabled_sources.empty();
  const std::vector<std::string>& named =
      enables ? options.enabled_sources : options.disabled_sources;
  const std::string_view option = enables ? "--enable-source" : "--disable-source";
  for (const std::string& name : named) {
    if (!is_event_source(name))
      return Error{fmt::format("{}: {}", option, unknown_source(name).message)};
  }
  if (named.empty()) return {};
  if (replay) {
    logger->warn("{} has no effect in a replay, which takes what the capture holds", option);
    return {};
  }
  const auto sources = split(kEventSources, ' ');
  const bool any_left = std::any_of(sources.begin(), sources.end(), [&](std::string_view source) {
    return std::find(named.begin(), named.end(), source) == named.end();
  });
  if (!enables && !any_left) {
    return Error{fmt::format("--disable-source: no source would be left; there is nothing but {}",
                             kEventSources)};
  }
  return {};
}

std::string plugins_text() {
  std::string text =
      "0 Plugins Loaded: this version loads none. Built in, and loaded by no setting:\n";
  for (const BuiltIn& plugin : kBuiltIn) text += "\n" + about(plugin);
  return text +
         "\nRules that require the plugins 'json' or 'k8saudit' load, but rules for their sources "
         "are skipped:\ntheir events cannot be read yet.\n";
}

Result<std::string> plugin_text(std::string_view name) {
  for (const BuiltIn& plugin : kBuiltIn) {
    if (!is_meant(plugin, name)) continue;
    std::string keys;
    add_keys(plugin.init_config, "", &keys);
    return about(plugin) +
           fmt::format("\nInit config: a map, or its JSON text\n{}Open parameters: none\n", keys);
  }
  return Error{fmt::format("there is no plugin '{}': this version loads none; built in is: {}",
                           one_line(name), kBuiltInPlugins)};
}

}  // namespace gyr::app
