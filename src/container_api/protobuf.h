// SPDX-License-Identifier: Apache-2.0
// As much of the wire format of protobuf as the few fields that are read need: numbers and bytes of
// known fields, the rest passed over. Views of the message that is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gyr {

// Field after field; a message that is broken ends at the fault, and ok() is false.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : rest_(message) {}
  bool next();
  bool ok() const { return ok_; }
  uint64_t field() const { return field_; }
  std::string_view bytes() const { return bytes_; }  // "" of a number
  uint64_t number() const { return number_; }        // 0 of bytes

 private:
  bool read_varint(uint64_t* value);
  bool fail();

  std::string_view rest_;
  bool ok_ = true;
  uint64_t field_ = 0;
  std::string_view bytes_;
  uint64_t number_ = 0;
};

// The last field of that number, as the format has it; empty when there is none.
std::string_view proto_bytes(std::string_view message, uint64_t field);
uint64_t proto_number(std::string_view message, uint64_t field);
// A field that holds bytes.
std::string proto_field(uint64_t field, std::string_view bytes);

}  // namespace gyr
