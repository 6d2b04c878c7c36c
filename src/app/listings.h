// SPDX-License-Identifier: Apache-2.0
// What the commands that print and end say (texts of fields and events: field/listing.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/options.h"
#include "field/static_fields.h"

namespace gyr::app {

// The release of the reference whose interfaces these are, and the version of its event schema.
inline constexpr std::string_view kFalcoVersion = "0.45.0";
inline constexpr std::string_view kSchemaVersion = "4.5.1";

// Prints what needs no configuration, if that was asked for: ignored events, events, plugins.
std::optional<int> print_plain_listing(const Options& options);
int print_fields(const Options& options, const FieldSet& fields);

std::string version_text();
std::string version_json();

std::string ignored_events_text();

}  // namespace gyr::app
