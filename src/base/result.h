// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or the reason why the world refused it. Names follow std::expected (C++23),
// which the supported compilers lack. Wrong user text is not an Error: see lang/diagnostic.h.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace gyr {

// What failed, as a sentence for the user that names the object (file, syscall …) and what to do.
struct [[nodiscard]] Error {
  std::string message;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & {
    GYR_CHECK(has_value());
    return std::get<0>(state_);
  }
  const T& value() const& {
    GYR_CHECK(has_value());
    return std::get<0>(state_);
  }
  T&& value() && {
    GYR_CHECK(has_value());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    GYR_CHECK(!has_value());
    return std::get<1>(state_);
  }
  T value_or(T fallback) const { return has_value() ? std::get<0>(state_) : std::move(fallback); }

 private:
  std::variant<T, Error> state_;
};

// Success without a value.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    GYR_CHECK(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace gyr
