// SPDX-License-Identifier: Apache-2.0
// Syntax tree of a condition, as the parser makes it. Offsets count from the start of the text that
// was parsed; below a macro node they refer to the macro's own text.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/condition.h"
#include "vm/operator.h"

namespace gyr {

struct Place {
  size_t offset = 0;
  size_t size = 1;
};

// A value, field or function call as written.
struct Term {
  enum class Kind : uint8_t { Field, Text, List, Call, Name };
  Kind kind = Kind::Text;
  Place place;
  std::string text;  // Field: its name with a dotted argument; Text: the constant; Call: function
  bool quoted = false;  // Text
  bool has_argument = false;
  std::string argument;     // Field: between the brackets; Call: getopt's option
  std::vector<Term> items;  // List, Call
};

struct Check {
  Term left;
  Operator op{};
  Modifier modifier = Modifier::None;
  Place operator_place;
  std::string operator_text;    // as written: "==" stays
  bool right_is_value = false;  // val(field) or a call
  Term right;                   // Field, Call, Text or List; unused for exists
};

struct Expr {
  enum class Kind : uint8_t { And, Or, Not, Macro, Check };
  Kind kind = Kind::Check;
  Place place;
  std::string macro;              // Macro: its name
  std::vector<ExprPtr> children;  // Macro: none, or after expansion its condition
  std::shared_ptr<const Check> check;
  uint32_t depth = 1;  // longest way down
  uint64_t nodes = 1;  // counted as if nothing were shared, saturating
};

// Sets depth and nodes from the children.
void measure(Expr& expr);

inline constexpr uint64_t kMaxNodes = 1'000'000;  // of one expanded condition

}  // namespace gyr
