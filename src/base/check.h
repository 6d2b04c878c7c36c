// SPDX-License-Identifier: Apache-2.0
// GYR_CHECK: a broken assumption of our own stops the program with file, line and expression. Bytes
// and text from outside must never reach one.
#pragma once

namespace gyr {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace gyr

#define GYR_CHECK(expression)                         \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::gyr::check_failed(#expression, __FILE__, __LINE__))
