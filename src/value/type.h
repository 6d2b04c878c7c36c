// SPDX-License-Identifier: Apache-2.0
// Types of event parameters and fields, and how their numbers are printed.
#pragma once

#include <cstdint>
#include <string_view>

namespace gyr {

enum class Type : uint8_t {
#define GYR_TYPE(number, name, text, min, max) name = number,
#include "value/types.def"
#undef GYR_TYPE
};

struct TypeInfo {
  std::string_view name;  // as listings show it, e.g. "CHARBUF"
  uint16_t size_min;      // bytes of one encoded parameter; 0, 0 if never encoded
  uint16_t size_max;
};
const TypeInfo& type_info(Type type);

enum class Format : uint8_t { Na, Dec, Hex, PaddedDec, Id, Dir, Oct };

constexpr bool is_string(Type type) {
  return type == Type::CharBuf || type == Type::FsPath || type == Type::FsRelPath;
}

// How values of a type are compared.
enum class Family : uint8_t { Unsigned, Signed, Double, Bool, Text, Blob, Ip, Net, None };
Family family_of(Type type);

}  // namespace gyr
