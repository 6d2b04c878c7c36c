// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <gtest/gtest.h>

#include "lang/constants.h"
#include "world_fields.h"

namespace gyr::testing_world {

std::vector<TextFault> faults_of(std::string_view text) {
  std::vector<TextFault> faults;
  if (const ExprPtr expr = parse_condition(text, &faults)) {
    check_condition(expr, dialect(), &faults);
  }
  return faults;
}

CheckedPtr checked(std::string_view text) {
  std::vector<TextFault> faults;
  const ExprPtr expr = parse_condition(text, &faults);
  CheckedPtr result = expr ? check_condition(expr, dialect(), &faults) : nullptr;
  for (const TextFault& fault : faults) {
    if (!result) ADD_FAILURE() << text << "\n" << fault.offset << ": " << fault.message;
  }
  return result;
}

bool holds(std::string_view text, const EvalContext& context) {
  const CheckedPtr condition = checked(text);
  if (!condition) return false;
  const bool expected = naive(*condition->root, context);
  Evaluator evaluator(compile(std::span(&condition, 1), dialect()));
  EvalInput input;
  input.context = &context;
  input.event_type = context.type;
  const bool compiled = !evaluator.evaluate(input, MatchMode::All).empty();
  EXPECT_EQ(compiled, expected) << text;
  return expected;
}

IpAddress ip(std::string_view text) { return parse_ip(text).value(); }

}  // namespace gyr::testing_world
