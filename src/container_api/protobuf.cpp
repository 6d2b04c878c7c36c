// SPDX-License-Identifier: Apache-2.0
#include "container_api/protobuf.h"

namespace gyr {
namespace {

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_varint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

}  // namespace

bool ProtoReader::fail() {
  ok_ = false;
  rest_ = {};
  return false;
}

bool ProtoReader::read_varint(uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return fail();
}

bool ProtoReader::next() {
  if (rest_.empty()) return false;
  uint64_t tag = 0;
  if (!read_varint(&tag)) return false;
  field_ = tag >> 3;
  bytes_ = {};
  number_ = 0;
  size_t size = 0;
  switch (tag & 7) {
    case kVarint:
      return read_varint(&number_);
    case kFixed64:
      size = 8;
      break;
    case kFixed32:
      size = 4;
      break;
    case kBytes: {
      uint64_t length = 0;
      if (!read_varint(&length)) return false;
      if (length > rest_.size()) return fail();
      bytes_ = rest_.substr(0, length);
      size = length;
      break;
    }
    default:
      return fail();
  }
  if (size > rest_.size()) return fail();
  rest_.remove_prefix(size);
  return true;
}

std::string_view proto_bytes(std::string_view message, uint64_t field) {
  std::string_view found;
  for (ProtoReader reader(message); reader.next();) {
    if (reader.field() == field) found = reader.bytes();
  }
  return found;
}

uint64_t proto_number(std::string_view message, uint64_t field) {
  uint64_t found = 0;
  for (ProtoReader reader(message); reader.next();) {
    if (reader.field() == field) found = reader.number();
  }
  return found;
}

std::string proto_field(uint64_t field, std::string_view bytes) {
  std::string out;
  append_varint(field << 3 | kBytes, &out);
  append_varint(bytes.size(), &out);
  return out.append(bytes);
}

}  // namespace gyr
