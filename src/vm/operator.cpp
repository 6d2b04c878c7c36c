// SPDX-License-Identifier: Apache-2.0
#include "vm/operator.h"

#include <array>

namespace gyr {
namespace {

struct Row {
  std::string_view text;
  OperatorClass kind;
};
constexpr auto kOperators = std::to_array<Row>({
#define GYR_OPERATOR(name, text, kind) {text, OperatorClass::kind},
#include "vm/operators.def"
#undef GYR_OPERATOR
});
constexpr std::array<std::string_view, 4> kModifiers = {"", "oneof", "anyof", "allof"};
constexpr std::array<std::string_view, 8> kFunctions = {"toupper", "tolower", "b64",    "basename",
                                                        "len",     "join",    "concat", "getopt"};

}  // namespace

std::string_view text_of(Operator op) { return kOperators[static_cast<size_t>(op)].text; }
OperatorClass class_of(Operator op) { return kOperators[static_cast<size_t>(op)].kind; }
std::string_view text_of(Modifier modifier) { return kModifiers[static_cast<size_t>(modifier)]; }
std::string_view text_of(Function function) { return kFunctions[static_cast<size_t>(function)]; }

}  // namespace gyr
