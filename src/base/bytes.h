// SPDX-License-Identifier: Apache-2.0
// Unaligned little-endian loads, and a cursor over bytes from outside. Everything on disk and in
// the kernel's records is little-endian and packed; the supported machines are little-endian too.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace gyr {

static_assert(std::endian::native == std::endian::little);

using Bytes = std::span<const uint8_t>;

template <class T>
requires std::is_trivially_copyable_v<T>
inline T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Reads forward through bytes that may be too short. The first read that does not fit sets the
// failed state; it and every later read give zero or empty. Check ok() once at the end.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  requires std::is_trivially_copyable_v<T> T read() {
    const Bytes part = take(sizeof(T));
    return part.size() == sizeof(T) ? load<T>(part.data()) : T{};
  }
  // The next `size` bytes, valid as long as the bytes given to the constructor.
  Bytes take(size_t size) {
    if (size > remaining()) {
      failed_ = true;
      return {};
    }
    const Bytes part = bytes_.subspan(at_, size);
    at_ += size;
    return part;
  }
  void skip(size_t size) { take(size); }
  size_t offset() const { return at_; }
  size_t remaining() const { return failed_ ? 0 : bytes_.size() - at_; }
  bool ok() const { return !failed_; }

 private:
  Bytes bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace gyr
