// SPDX-License-Identifier: Apache-2.0
#include "app/listings.h"

#include <fmt/format.h>

#include <set>

#include "alert/format.h"
#include "app/sources.h"
#include "app/terminal.h"
#include "config/sample.h"
#include "config/schema_json.h"
#include "engine/syscall_selection.h"
#include "field/listing.h"
#include "rules/loader.h"
#include "rules/schema_json.h"
#include "schema/schema.h"

namespace gyr::app {
namespace {

// Versions of the interfaces that Gyr serves, as the reference numbers them.
constexpr std::string_view kLibsVersion = "0.26.0";
constexpr std::string_view kPluginApiVersion = "3.12.0";
constexpr std::string_view kDriverApiVersion = "10.1.0";

// The minor number alone, as older tools compare it.
std::string_view engine_minor() {
  const size_t first = kEngineVersion.find('.');
  return kEngineVersion.substr(first + 1, kEngineVersion.rfind('.') - first - 1);
}

ListFormat list_format(const Options& options) {
  return options.format.value_or(options.markdown ? ListFormat::Markdown : ListFormat::Text);
}

}  // namespace

std::optional<int> print_plain_listing(const Options& options) {
  if (options.config_schema) return print_result(config::config_schema_json());
  if (options.rule_schema) return print_result(rules_schema_json());
  if (options.config_sample) return print_result(config::sample_yaml());
  if (options.list_ignored) return print_result(ignored_events_text());
  if (options.list_events) return print_result(list_events(list_format(options)));
  if (options.list_plugins) return print_result(plugins_text());
  if (options.plugin_info) {
    const Result<std::string> text = plugin_text(*options.plugin_info);
    return text ? print_result(*text) : print_error(text.error().message);
  }
  return std::nullopt;
}

// With the constants of the configuration.
int print_fields(const Options& options, const FieldSet& fields) {
  if (!options.list_source.empty() && !is_event_source(options.list_source)) {
    return print_error(unknown_source(options.list_source).message);
  }
  return print_result(
      list_fields(fields.classes(), list_format(options), options.names_only, options.list_source));
}

std::string version_text() {
  return fmt::format(
      "Gyr version:    {}\nFalco version:  {}\nLibs version:   {}\n"
      "Plugin API:     {}\nEngine:         {}\nDriver:\n  API version:    {}\n"
      "  Schema version: {}\n  Default driver: {}\n",
      GYR_VERSION, kFalcoVersion, kLibsVersion, kPluginApiVersion, kEngineVersion,
      kDriverApiVersion, kSchemaVersion, GYR_VERSION);
}

std::string version_json() {
  return fmt::format(
      "{{\"default_driver_version\":{},\"driver_api_version\":{},\"driver_schema_version\":{},"
      "\"engine_version\":{},\"engine_version_semver\":{},\"falco_version\":{},\"gyr_version\":{},"
      "\"libs_version\":{},\"plugin_api_version\":{},\"plugin_versions\":{{}}}}\n",
      json_string(GYR_VERSION), json_string(kDriverApiVersion), json_string(kSchemaVersion),
      json_string(engine_minor()), json_string(kEngineVersion), json_string(kFalcoVersion),
      json_string(GYR_VERSION), json_string(kLibsVersion), json_string(kPluginApiVersion));
}

std::string ignored_events_text() {
  std::set<std::string_view> names;
  const SyscallSet ignored = ignored_syscalls();
  for (const ScInfo& call : all_syscalls()) {
    if (ignored.test(static_cast<size_t>(call.sc))) names.insert(event_info(call.event).name);
  }
  std::string text = "Ignored syscall(s):\n";
  for (const std::string_view name : names) text += fmt::format("- {}\n", name);
  return text + "\nbase_syscalls.all collects them as well.\n";
}

}  // namespace gyr::app
