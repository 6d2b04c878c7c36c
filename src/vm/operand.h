// SPDX-License-Identifier: Apache-2.0
// What stands left and right of an operator: a field, a constant, or a function of such.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "value/field_info.h"
#include "vm/operator.h"

namespace gyr {

struct Operand;
using OperandPtr = std::shared_ptr<const Operand>;

// Immutable once made (make_*). Nesting is bounded by whoever parses (lang: kMaxDepth).
struct Operand {
  enum class Kind : uint8_t { Field, Text, List, Call };
  Kind kind = Kind::Text;
  Type type = Type::CharBuf;
  bool is_list = false;
  FieldUse field;    // Field
  std::string text;  // Text: the constant
  Function function{};
  std::vector<OperandPtr> arguments;  // List, Call
  std::string option;                 // GetOpt: the option asked for
  Dependency dependency = Dependency::Constant;
  bool stateful = false;  // reading it changes what the next read gives (kStateful)
  std::string key;        // equal operands have equal keys
};

OperandPtr make_field(FieldUse use);
OperandPtr make_text(std::string text);
OperandPtr make_list(std::vector<OperandPtr> items);
OperandPtr make_call(Function function, std::vector<OperandPtr> arguments, std::string option);

// The value for one event; produced text lives in the arena. Null when the field, or an argument of
// the function, has no value, or the function is not defined for it (text that is not base64).
Value evaluate(const Operand& operand, const EvalContext& context, Arena& arena);

// For those who hold values already (tests, output). Null arguments give null.
Value apply(Function function, std::span<const Value> arguments, std::string_view option,
            Arena& arena);

}  // namespace gyr
