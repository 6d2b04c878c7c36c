// SPDX-License-Identifier: Apache-2.0
#include "config/changes.h"

#include <algorithm>
#include <array>

#include "config/options.h"

namespace gyr::config {
namespace {

// A key and all below it. Whatever the rules are made of, and what follows from them.
constexpr auto kLive = std::to_array<std::string_view>({
    "append_output",
    "gyr.storms",
    "base_syscalls",
    "config_files",
    "gyr.governor",
    "gyr.live.real_paths",
    "gyr.live.compare_arguments",
    "priority",
    "rule_matching",
    "rules",
    "rules_files",
    "static_fields",
    "gyr.rules_on_error",
});

std::string written(const ConfigResult& config, std::string_view path) {
  const Value* value = config.values.find_path(path);
  return value == nullptr ? "" : to_json(*value);
}

std::string shown(const ConfigResult& config, const OptionRow& row) {
  std::string text = row.print(config.settings);
  return text == "[]" || text == "{}" ? written(config, row.path) : text;
}

}  // namespace

bool applies_live(std::string_view path) {
  return std::any_of(kLive.begin(), kLive.end(), [&](std::string_view key) {
    return path == key ||
           (path.starts_with(key) && path.size() > key.size() && path[key.size()] == '.');
  });
}

std::vector<std::string> live_keys() { return {kLive.begin(), kLive.end()}; }

std::vector<Change> changed_keys(const ConfigResult& before, const ConfigResult& after) {
  std::vector<Change> changes;
  for (const OptionRow& row : option_rows()) {
    std::string old = shown(before, row);
    std::string now = shown(after, row);
    if (old != now) changes.push_back({std::string(row.path), std::move(old), std::move(now)});
  }
  return changes;
}

}  // namespace gyr::config
