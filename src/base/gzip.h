// SPDX-License-Identifier: Apache-2.0
// Packs what is sent: bodies of HTTP.
#pragma once

#include <string>
#include <string_view>

namespace gyr {

// As a gzip file. Empty: there is not enough memory.
std::string gzip(std::string_view text);

}  // namespace gyr
