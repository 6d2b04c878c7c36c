// SPDX-License-Identifier: Apache-2.0
// The bytes of a capture, seen through a small window that slides forward. Plain files are read
// straight into the window; gzip (several members too) is recognised and inflated into it.
// Works on whatever read(2) works on, pipes included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gyr {

// Asked ten times a second while a pipe has nothing to read; true: do not wait any longer.
using GiveUp = std::function<bool()>;

}  // namespace gyr

namespace gyr::capture {

class Input {
 public:
  // Bytes that may be read (not used) behind available(), so that checks can load whole words.
  static constexpr size_t kSlack = 128;

  // Of a pipe without `give_up` more is waited for until its writer ends.
  static Result<Input> open(const std::string& path, GiveUp give_up = {});
  // `bytes` must outlive the input.
  static Input over(Bytes bytes);
  Input(Input&&) noexcept;
  Input& operator=(Input&&) noexcept;
  ~Input();

  // The window may be written to: what was read is read once.
  uint8_t* at() const { return at_; }
  size_t available() const { return static_cast<size_t>(end_ - at_); }
  void advance(size_t size) { at_ += size; }  // size <= available()
  // Back to where at() was, since when no other function that moves the window was called.
  void rewind(const uint8_t* to) { at_ -= at_ - to; }
  // Makes at least `size` bytes available, false when the capture does not have them (then all it
  // has are available). Moves the window: earlier pointers into it become invalid.
  bool ensure(size_t size) { return available() >= size || fill(size); }
  bool skip(uint64_t size);
  // Whether everything was read, without a fault.
  bool at_end() { return !ensure(1) && fault().empty(); }

  // Of at(), in the uncompressed stream.
  uint64_t offset() const { return offset_of(at_); }
  uint64_t offset_of(const uint8_t* at) const {
    return base_ + static_cast<uint64_t>(at - buffer_.get());
  }
  bool compressed() const;
  // Why the bytes ended before the end of the file; empty when they did not.
  const std::string& fault() const;
  // Whether they ended because GiveUp said so.
  bool given_up() const;

 private:
  class Origin;
  explicit Input(std::unique_ptr<Origin> origin);
  bool fill(size_t size);
  void resize_window(size_t capacity, size_t kept);

  std::unique_ptr<Origin> origin_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t capacity_ = 0;
  uint64_t base_ = 0;  // stream offset of the buffer's first byte
  uint8_t* at_ = nullptr;
  uint8_t* end_ = nullptr;
};

}  // namespace gyr::capture
