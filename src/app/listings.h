// SPDX-License-Identifier: Apache-2.0
// The commands that print a table and end: --list, --list-events, -i, --version.
#pragma once

#include <string>
#include <string_view>

#include "app/options.h"
#include "base/result.h"

namespace gyr::app {

struct FieldListing {
  std::string source;  // "" = all
  bool names_only = false;
  ListFormat format = ListFormat::Text;
};
// An error when no field belongs to the source.
Result<std::string> list_fields(const FieldListing& listing);

std::string list_events(ListFormat format);
std::string list_ignored_events();

std::string version_text();
std::string version_json();

// The engine whose rule language this is; required_engine_version is compared with it.
inline constexpr std::string_view kEngineVersion = "0.63.0";
// The release of the reference whose interfaces these are, and the version of its event schema.
inline constexpr std::string_view kFalcoVersion = "0.45.0";
inline constexpr std::string_view kSchemaVersion = "4.5.1";

}  // namespace gyr::app
