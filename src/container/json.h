// SPDX-License-Identifier: Apache-2.0
// JSON from strangers: bounded in depth, and a value of the wrong type is as good as none. Internal
// to container/ and container_api/; nothing that the library throws leaves them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "container/metadata.h"

namespace gyr {

using Json = nlohmann::json;

// Empty when it is no JSON or nested deeper than 64 levels.
std::optional<Json> parse_json(std::string_view text);

// The member; a null value when `object` is none or has no such member.
const Json& member(const Json& object, std::string_view key);
std::string text_of(const Json& object, std::string_view key);
std::optional<bool> bool_of(const Json& object, std::string_view key);
std::optional<int64_t> integer_of(const Json& object, std::string_view key);
// The members of an object that are texts.
ContainerLabels labels_of(const Json& object);
// Compact, broken UTF-8 repaired.
std::string to_text(const Json& value);

}  // namespace gyr
