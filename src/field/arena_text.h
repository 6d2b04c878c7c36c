// SPDX-License-Identifier: Apache-2.0
// Text built piece by piece in the arena of an evaluation. The result lives until the arena is
// reset.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/arena.h"

namespace gyr {

class ArenaText {
 public:
  explicit ArenaText(Arena& arena, size_t expected = 56) : arena_(arena), capacity_(expected) {
    text_ = static_cast<char*>(arena_.allocate(capacity_));
  }

  ArenaText& add(std::string_view text) {
    if (text.size() > capacity_ - size_) grow(text.size());
    if (!text.empty()) std::memcpy(text_ + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  ArenaText& add(char c) { return add(std::string_view(&c, 1)); }
  template <std::integral T>
  ArenaText& number(T value, int base = 10) {
    char digits[72];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, base);
    return add({digits, static_cast<size_t>(end.ptr - digits)});
  }
  // At least `width` digits, zeros in front.
  ArenaText& padded(uint64_t value, size_t width) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    const auto length = static_cast<size_t>(end.ptr - digits);
    for (size_t i = length; i < width; ++i) add('0');
    return add({digits, length});
  }
  ArenaText& upper_hex(uint64_t value) {
    const size_t start = size_;
    number(value, 16);
    for (size_t i = start; i < size_; ++i) {
      if (text_[i] >= 'a') text_[i] = static_cast<char>(text_[i] - ('a' - 'A'));
    }
    return *this;
  }

  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {text_, size_}; }

 private:
  void grow(size_t more) {
    capacity_ = 2 * capacity_ + more;
    auto* larger = static_cast<char*>(arena_.allocate(capacity_));
    if (size_ > 0) std::memcpy(larger, text_, size_);
    text_ = larger;
  }
  Arena& arena_;
  char* text_ = nullptr;
  size_t size_ = 0;
  size_t capacity_;
};

}  // namespace gyr
