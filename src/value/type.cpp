// SPDX-License-Identifier: Apache-2.0
#include "value/type.h"

#include <array>

#include "base/check.h"

namespace gyr {
namespace {

constexpr auto kTypes = std::to_array<TypeInfo>({
#define GYR_TYPE(number, name, text, min, max) {text, min, max},
#include "value/types.def"
#undef GYR_TYPE
});

}  // namespace

const TypeInfo& type_info(Type type) {
  const auto index = static_cast<size_t>(type);
  GYR_CHECK(index < kTypes.size());
  return kTypes[index];
}

}  // namespace gyr
