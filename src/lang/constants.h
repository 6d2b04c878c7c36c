// SPDX-License-Identifier: Apache-2.0
// Constants of conditions: text → the value a field of some type is compared with.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "vm/atom.h"

namespace gyr {

// For =, <, in and their like. Numbers may lie outside the type's range (they then equal nothing),
// but must fit 64 bits; a negative one for an unsigned type wraps at the type's width (uid -1).
Result<Constant> convert_constant(std::string_view text, Type type);
// Pairs of hexadecimal digits → bytes.
Result<Constant> convert_hex(std::string_view text);

std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<IpNetwork> parse_network(std::string_view text);

}  // namespace gyr
