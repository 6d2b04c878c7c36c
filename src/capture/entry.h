// SPDX-License-Identifier: Apache-2.0
// Reading and writing one entry of a capture's lists: fixed numbers and texts with a 16-bit length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace gyr::capture {

// Like ByteReader; remembers the first fault as a reason for the user.
class EntryReader {
 public:
  explicit EntryReader(Bytes bytes) : in_(bytes) {}

  template <class T>
  T read() {
    return in_.read<T>();
  }
  template <class T>
  T read_if_there(T fallback) {
    return in_.remaining() >= sizeof(T) ? in_.read<T>() : fallback;
  }
  Bytes take(size_t size) { return in_.take(size); }
  // A text of at most `limit` bytes; `what` names it in the error.
  std::string text(size_t limit, std::string_view what);
  // The same for entries that each end in NUL; adds a final NUL that the file lacks.
  std::string list(size_t limit, std::string_view what);

  void fail(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
  }
  bool ok() const { return reason_.empty() && in_.ok(); }
  std::string reason() const { return reason_.empty() ? "it is cut off" : reason_; }
  size_t remaining() const { return in_.remaining(); }
  size_t offset() const { return in_.offset(); }

 private:
  ByteReader in_;
  std::string reason_;
};

// Appends to a growing buffer.
class EntryWriter {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(T value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
  }
  void put_bytes(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // A text with its 16-bit length. What is over `limit` is cut and counted.
  void text(std::string_view text, size_t limit);
  void zeros(size_t count) { bytes_.resize(bytes_.size() + count); }
  // Overwrites 4 bytes written before.
  void patch(size_t at, uint32_t value) { std::memcpy(bytes_.data() + at, &value, sizeof value); }

  void clear() { bytes_.clear(); }
  size_t size() const { return bytes_.size(); }
  Bytes bytes() const { return bytes_; }
  uint64_t texts_cut() const { return texts_cut_; }
  void set_texts_cut(uint64_t count) { texts_cut_ = count; }  // for what is made twice

 private:
  std::vector<uint8_t> bytes_;
  uint64_t texts_cut_ = 0;
};

}  // namespace gyr::capture
