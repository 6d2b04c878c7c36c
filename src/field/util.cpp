// SPDX-License-Identifier: Apache-2.0
// util.*: fields about the evaluation itself.
#include <array>

#include "field/families.h"
#include "field/values.h"

namespace gyr {
namespace {

struct Counter {
  uint64_t count = 0;
};

Value count(const EvalContext& context, const FieldUse& use) {
  return Value::of_uint(++context.memory.of<Counter>(use).count);
}

constexpr auto kFields = std::to_array<FieldInfo>({
    {.name = "util.cnt",
     .type = Type::Uint64,
     .format = Format::Id,
     .flags = kStateful,
     .doc = "How often this check was asked.",
     .extract = count,
     .bind = bind_memory},
});

}  // namespace

std::span<const FieldInfo> util_fields() { return kFields; }

}  // namespace gyr
