// SPDX-License-Identifier: Apache-2.0
// Event types whose name is part of each event: the call of a generic event, the name of an
// asynchronous one, the plugin's. The table's name stands for all of them.
#pragma once

#include "schema/schema.h"

namespace gyr {

inline bool is_dynamic_type(Ev type) {
  return type == Ev::GENERIC_E || type == Ev::GENERIC_X || type == Ev::ASYNCEVENT_E ||
         type == Ev::PLUGINEVENT_E;
}

}  // namespace gyr
