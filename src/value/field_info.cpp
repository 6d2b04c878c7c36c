// SPDX-License-Identifier: Apache-2.0
#include "value/field_info.h"

namespace gyr {

FieldMatch find_field(std::span<const FieldClass> classes, std::string_view text) {
  for (const FieldClass& family : classes) {
    FieldMatch best;
    for (const FieldInfo& field : family.fields) {
      const size_t size = field.name.size();
      const bool longer = best.info == nullptr || size > best.info->name.size();
      // Names differ most at their ends; this is asked for every field of every condition.
      if (!longer || size > text.size() || size == 0 || text[size - 1] != field.name.back())
        continue;
      if (text.starts_with(field.name)) best.info = &field;
    }
    if (best.info != nullptr) {
      best.rest = text.substr(best.info->name.size());
      return best;
    }
  }
  return {};
}

}  // namespace gyr
