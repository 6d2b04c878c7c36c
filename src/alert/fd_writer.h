// SPDX-License-Identifier: Apache-2.0
// Text to a file descriptor through a bounded buffer, for what prints much: listings, events.
#pragma once

#include <cstdint>
#include <string>

namespace gyr {

enum class WriteEnd : uint8_t { Ok, Failed, Closed };  // Closed: nobody reads it any more

class FdWriter {
 public:
  // The descriptor is borrowed.
  void use(int fd) { fd_ = fd; }
  // For those who build their lines in place.
  std::string& buffer() { return buffer_; }
  bool full() const { return buffer_.size() >= kLimit; }
  // Writes everything; after a failure the buffer is dropped.
  WriteEnd flush(std::string* reason);

 private:
  static constexpr size_t kLimit = 65536;
  std::string buffer_;
  int fd_ = -1;
};

}  // namespace gyr
