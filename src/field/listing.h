// SPDX-License-Identifier: Apache-2.0
// Listings of fields and of events for people (text, markdown) and programs (JSON): --list and
// --list-events. Everything in them comes from the rows.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "value/field_info.h"

namespace gyr {

enum class ListFormat : uint8_t { Text, Markdown, Json };

// The classes that are not hidden. `source`: only those of this event source and of every source;
// "" = all. `names_only`: no deprecated and no table-only fields.
std::string list_fields(std::span<const FieldClass> classes, ListFormat format, bool names_only,
                        std::string_view source);

// Every event with its parameters and their flags, by where it comes from.
std::string list_events(ListFormat format);

// "required", "optional" or "" as the listings call it.
std::string_view argument_need(const FieldInfo& field);

}  // namespace gyr
