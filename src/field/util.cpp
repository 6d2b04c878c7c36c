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

Result<void> bind_count(FieldUse& use) {
  use.data = std::make_shared<Counter>();
  return {};
}

Value count(const EvalContext&, const FieldUse& use) {
  auto* counter = static_cast<Counter*>(use.data.get());
  return counter == nullptr ? Value::null() : Value::of_uint(++counter->count);
}

constexpr auto kFields = std::to_array<FieldInfo>({
    {.name = "util.cnt",
     .type = Type::Uint64,
     .format = Format::Id,
     .flags = kStateful,
     .doc = "How often this check was asked.",
     .extract = count,
     .bind = bind_count},
});

}  // namespace

std::span<const FieldInfo> util_fields() { return kFields; }

}  // namespace gyr
