// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace gyr {

// What a faulty item of a rules file does: stops the load, as in the reference, or is left out with
// what depends on it.
enum class RulesOnError : uint8_t { Stop, Skip };

}  // namespace gyr
