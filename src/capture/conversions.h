// SPDX-License-Identifier: Apache-2.0
// schema/conversions.def as tables: which rule makes an event with a number of parameters newer.
#pragma once

#include <cstdint>
#include <span>

#include "schema/schema.h"

namespace gyr {

// Named as in the rows.
enum class Action : uint8_t { pass, store, store_and_pass, add_params, change_type };
enum class FillSource : uint8_t { from_old, from_enter, default_value, empty, container_json };

// Where one parameter of the new event comes from.
struct Fill {
  FillSource source;
  uint8_t param;        // of the old or the enter event
  FillSource fallback;  // default_value or empty: when no enter event is remembered
};

struct Conversion {
  Ev from;
  uint8_t count;  // parameters of the old event
  Action action;
  Ev to;
  uint16_t first_fill;
  uint16_t fill_count;
  std::span<const Fill> fills() const;
};

// Null when there is no rule for an event with so many parameters.
const Conversion* find_conversion(Ev type, uint32_t count);

}  // namespace gyr
