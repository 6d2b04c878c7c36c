// SPDX-License-Identifier: Apache-2.0
// Any text as a condition, and as an output template: it is refused with a fault that lies inside
// the text, or it is compiled, and then the program and the naive walk agree for each type of
// event. The first byte picks caches and the values of the event. Seeds: tests/lang/faults.txt and
// the conditions in rules/.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../tests/lang/world_fields.h"
#include "base/check.h"
#include "lang/output.h"

namespace {

using namespace gyr;

EvalContext context_for(uint8_t choice, uint16_t type, StrPool& pool) {
  EvalContext c;
  c.pool = &pool;
  c.type = type;
  c.interned = (choice & 1) != 0;
  if (c.type < testing_world::kTypeNames.size()) c.type_name = testing_world::kTypeNames[c.type];
  if ((choice & 2) != 0) c.path = "/etc/shadow";
  if ((choice & 4) != 0) c.name = "bash";
  if ((choice & 8) != 0)
    c.note =
        "a\xff"
        "b";
  c.parent = "sh";
  c.exe = "tar -x";
  c.bytes = "GET /";
  c.number = choice % 5;
  c.uid = 0;
  c.large = UINT64_MAX;
  c.flag = true;
  c.ancestors = {"sh", "init"};
  c.ports = {80, 443};
  c.kinds = {{"file", "pipe"}};
  return c;
}

void check_faults(const std::vector<TextFault>& faults, std::string_view text) {
  for (const TextFault& fault : faults) {
    GYR_CHECK(fault.offset <= text.size());
    GYR_CHECK(!fault.message.empty());
  }
}

void run(const CheckedPtr& condition, uint8_t choice) {
  const CompileSettings settings{(choice & 16) != 0, (choice & 32) != 0, (choice & 64) != 0,
                                 (choice & 128) != 0};
  Evaluator evaluator(compile(std::span(&condition, 1), testing_world::dialect(), settings));
  // A condition that counts has counted already: it cannot be asked again.
  const std::function<bool(const Tree&)> counts = [&](const Tree& tree) {
    return (tree.atom && tree.atom->stateful()) ||
           std::any_of(tree.children.begin(), tree.children.end(),
                       [&](const TreePtr& child) { return counts(*child); });
  };
  const bool is_comparable = !counts(*condition->root);
  StrPool pool;
  for (uint16_t type = 0; type < kWorldTypes; ++type) {
    const EvalContext context = context_for(choice, type, pool);
    EvalInput input;
    input.context = &context;
    input.event_type = type;
    const bool matched = !evaluator.evaluate(input, MatchMode::All).empty();
    if (is_comparable) GYR_CHECK(matched == testing_world::naive(*condition->root, context));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  std::vector<TextFault> faults;
  const ExprPtr expr = parse_condition(text, &faults);
  GYR_CHECK(expr != nullptr || !faults.empty());
  check_faults(faults, text);
  if (expr) {
    macros_used(*expr);
    mentions(*expr);
    const CheckedPtr condition = check_condition(expr, testing_world::dialect(), &faults);
    GYR_CHECK(condition != nullptr || !faults.empty());
    check_faults(faults, text);
    if (condition) {
      event_needs(*condition, testing_world::dialect());
      run(condition, data[0]);
    }
  }
  faults.clear();
  const auto output = OutputTemplate::parse(text, testing_world::dialect(), &faults);
  GYR_CHECK(output != nullptr || !faults.empty());
  check_faults(faults, text);
  StrPool pool;
  if (output) output->render(context_for(data[0], data[0] % kWorldTypes, pool));
  return 0;
}
