// SPDX-License-Identifier: Apache-2.0
// A configuration file with every key at its default, each explained: made from options.def.
#pragma once

#include <string>

namespace gyr::config {

// YAML. To load it is the same as to load nothing.
std::string sample_yaml();

}  // namespace gyr::config
