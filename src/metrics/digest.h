// SPDX-License-Identifier: Apache-2.0
// SHA-256 of bytes, in hexadecimal.
#pragma once

#include <string>
#include <string_view>

namespace gyr {

std::string sha256(std::string_view bytes);

}  // namespace gyr
