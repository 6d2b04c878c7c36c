// SPDX-License-Identifier: Apache-2.0
// The rows of detection's options. Other commands take some of them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "app/option_table.h"
#include "app/options.h"

namespace gyr::app {

std::span<const Option<Options>> run_options();
// Those with one of the letters, in the order of the table.
std::vector<Option<Options>> run_options_with(std::string_view letters);
// --format of listings.
Result<void> set_list_format(Options& options, std::string_view value);

}  // namespace gyr::app
