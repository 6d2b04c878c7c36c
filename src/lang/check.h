// SPDX-License-Identifier: Apache-2.0
// Resolving of fields, shared by conditions and output templates.
#pragma once

#include <string>
#include <string_view>

#include "lang/condition.h"
#include "vm/operand.h"

namespace gyr {

// A field as written: "proc.name", "evt.arg.fd", with the text between brackets apart. The error is
// the message; `unknown` tells that no field of that name exists.
struct ResolvedField {
  OperandPtr operand;  // null: see message
  std::string message;
  bool unknown = false;
};
ResolvedField resolve_field(const Dialect& dialect, std::string_view name, bool has_argument,
                            std::string_view argument);

}  // namespace gyr
