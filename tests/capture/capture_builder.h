// SPDX-License-Identifier: Apache-2.0
// Makes captures by hand, block by block, so that tests say in bytes what they mean and do not
// trust the writer they test.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace gyr::test {

// A growing string of little-endian bytes.
class Raw {
 public:
  Raw() = default;
  template <class T>
  requires std::is_arithmetic_v<T> Raw& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Raw& u8(uint64_t value) { return put(static_cast<uint8_t>(value)); }
  Raw& u16(uint64_t value) { return put(static_cast<uint16_t>(value)); }
  Raw& u32(uint64_t value) { return put(static_cast<uint32_t>(value)); }
  Raw& u64(uint64_t value) { return put(value); }
  Raw& i64(int64_t value) { return put(value); }
  Raw& raw(std::string_view text) {
    bytes.append(text);
    return *this;
  }
  Raw& zeros(size_t count) {
    bytes.append(count, '\0');
    return *this;
  }
  // A text behind its 16-bit length.
  Raw& text(std::string_view text) { return u16(text.size()).raw(text); }

  std::string bytes;
};

template <class T>
std::string le(T value) {
  return Raw().put(value).bytes;
}

inline std::string block(uint32_t type, std::string_view body) {
  Raw raw;
  const size_t padding = (4 - body.size() % 4) % 4;
  const size_t length = 8 + body.size() + padding + 4;
  raw.u32(type).u32(length).raw(body).zeros(padding).u32(length);
  return raw.bytes;
}

inline std::string section(uint16_t major = 1, uint16_t minor = 2, std::string_view options = {}) {
  return block(0x0A0D0D0A,
               Raw().u32(0x1A2B3C4D).u16(major).u16(minor).u64(~0ULL).raw(options).bytes);
}

// An entry behind a 32-bit length that counts itself or not.
inline std::string sized(std::string_view entry, bool counts_itself = true) {
  return Raw().u32(entry.size() + (counts_itself ? 4 : 0)).raw(entry).bytes;
}

struct Event {
  uint16_t type = 0;
  std::vector<std::string> params;
  int64_t tid = 100;
  uint64_t ts = 1'000'000'000;
};

inline std::string params_of(const Event& event, size_t width) {
  Raw raw;
  for (const std::string& param : event.params) {
    width == 4 ? raw.u32(param.size()) : raw.u16(param.size());
  }
  for (const std::string& param : event.params) raw.raw(param);
  return raw.bytes;
}

// The record of a current block; lengths of `width` bytes.
inline std::string record(const Event& event, size_t width = 2) {
  const std::string params = params_of(event, width);
  return Raw()
      .u64(event.ts)
      .i64(event.tid)
      .u32(26 + params.size())
      .u16(event.type)
      .u32(event.params.size())
      .raw(params)
      .bytes;
}

// The record of a block of version 1.
inline std::string old_record(const Event& event, uint32_t extra_length = 0) {
  const std::string params = params_of(event, 2);
  return Raw()
      .u64(event.ts)
      .i64(event.tid)
      .u32(22 + params.size() + extra_length)
      .u16(event.type)
      .raw(params)
      .zeros(extra_length)
      .bytes;
}

inline std::string event_block(const Event& event, uint16_t cpu = 0) {
  return block(0x216, Raw().u16(cpu).raw(record(event)).bytes);
}

}  // namespace gyr::test
