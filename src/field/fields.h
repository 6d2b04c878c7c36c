// SPDX-License-Identifier: Apache-2.0
// The registry of fields: families in lookup order. Adding a field is one row in
// field/<family>.cpp.
#pragma once

#include <span>

#include "field/context.h"
#include "value/field_info.h"

namespace gyr {

std::span<const FieldClass> all_fields();

}  // namespace gyr
