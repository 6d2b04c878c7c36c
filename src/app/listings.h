// SPDX-License-Identifier: Apache-2.0
// What the commands that print and end say: -i and --version (fields and events: field/listing.h).
#pragma once

#include <string>
#include <string_view>

namespace gyr::app {

// The release of the reference whose interfaces these are, and the version of its event schema.
inline constexpr std::string_view kFalcoVersion = "0.45.0";
inline constexpr std::string_view kSchemaVersion = "4.5.1";

std::string version_text();
std::string version_json();

std::string ignored_events_text();

}  // namespace gyr::app
