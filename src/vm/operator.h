// SPDX-License-Identifier: Apache-2.0
// Operators, their modifiers and the functions ("transformers") of the condition language, as
// numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace gyr {

enum class Operator : uint8_t {
#define GYR_OPERATOR(name, text, kind) name,
#include "vm/operators.def"
#undef GYR_OPERATOR
};

enum class OperatorClass : uint8_t { Unary, Order, Text, List };

// How many constants of a list must satisfy the operator.
enum class Modifier : uint8_t { None, OneOf, AnyOf, AllOf };

enum class Function : uint8_t { ToUpper, ToLower, Base64, Basename, Len, Join, Concat, GetOpt };

std::string_view text_of(Operator op);
OperatorClass class_of(Operator op);
std::string_view text_of(Modifier modifier);  // "" for None
std::string_view text_of(Function function);

}  // namespace gyr
