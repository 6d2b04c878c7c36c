// SPDX-License-Identifier: Apache-2.0
#include "value/field_info.h"

namespace gyr {

FieldMatch find_field(std::span<const FieldClass> classes, std::string_view text) {
  for (const FieldClass& family : classes) {
    FieldMatch best;
    for (const FieldInfo& field : family.fields) {
      const bool longer = best.info == nullptr || field.name.size() > best.info->name.size();
      if (longer && text.starts_with(field.name)) best.info = &field;
    }
    if (best.info != nullptr) {
      best.rest = text.substr(best.info->name.size());
      return best;
    }
  }
  return {};
}

}  // namespace gyr
