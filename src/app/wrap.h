// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gyr::app {

// Words in lines of at most 96 columns, each line behind the first indented to `column`, where the
// first is supposed to begin.
std::string wrapped(std::string_view words, size_t column);

}  // namespace gyr::app
