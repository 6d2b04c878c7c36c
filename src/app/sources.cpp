// SPDX-License-Identifier: Apache-2.0
#include "app/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "field/fields.h"

namespace gyr::app {
namespace {

constexpr std::array<std::string_view, 1> kSources = {"syscall"};

bool is_source(std::string_view name) {
  return std::find(kSources.begin(), kSources.end(), name) != kSources.end();
}

// What the reference loads as a plugin and is part of this program.
struct BuiltIn {
  std::string_view name;
  std::string_view description;
  std::string_view init_config;
};
constexpr BuiltIn kBuiltIn[] = {
    {"container",
     "Fields of the container and pod a process runs in, from what runtimes keep on disk and from "
     "their APIs",
     "A map: engines.ENGINE.enabled (true or false) and engines.ENGINE.sockets (list of paths) for "
     "the engines docker, podman, containerd and cri. Other keys of the reference's plugin are "
     "passed over."},
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

}  // namespace

Error unknown_source(std::string_view name) {
  const std::vector<std::string_view> known(kSources.begin(), kSources.end());
  const std::string_view guess = closest(name, known);
  return {fmt::format("there is no event source '{}'{}; this program has: syscall", one_line(name),
                      guess.empty() ? "" : fmt::format(", did you mean '{}'?", guess))};
}

Result<void> check_sources(const Options& options, bool replay, const Logger& logger) {
  const bool enables = !options.enabled_sources.empty();
  const std::vector<std::string>& named =
      enables ? options.enabled_sources : options.disabled_sources;
  const std::string_view option = enables ? "--enable-source" : "--disable-source";
  for (const std::string& name : named) {
    if (!is_source(name)) return Error{fmt::format("{}: {}", option, unknown_source(name).message)};
  }
  if (named.empty()) return {};
  if (replay) {
    logger->warn("{} has no effect in a replay, which takes what the capture holds", option);
    return {};
  }
  const bool any_left = std::any_of(kSources.begin(), kSources.end(), [&](std::string_view source) {
    return std::find(named.begin(), named.end(), source) == named.end();
  });
  if (!enables && !any_left) {
    return Error{"--disable-source: no source would be left; there is nothing but syscall"};
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
    if (plugin.name != name) continue;
    return about(plugin) +
           fmt::format("\nInit config: {}\nOpen parameters: none\n", plugin.init_config);
  }
  return Error{fmt::format(
      "there is no plugin '{}': this version loads none; built in is: container", one_line(name))};
}

}  // namespace gyr::app
