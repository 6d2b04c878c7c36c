// SPDX-License-Identifier: Apache-2.0
// One value of a field, as extractors give it and operators compare it: a small view, never an
// owner. Text and lists live in the event, in state, or in the arena of the evaluation; so a Value
// is valid until the next event.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/str.h"
#include "value/type.h"

namespace gyr {

// IPv4 or IPv6 address, network byte order. An IPv4 address uses the first four bytes.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // IPv4: the first four; the others may hold anything
  bool v6 = false;
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.v6 == b.v6 && std::memcmp(a.bytes.data(), b.bytes.data(), a.v6 ? 16 : 4) == 0;
  }
};

struct IpNetwork {
  IpAddress base;
  uint8_t prefix = 0;  // bits
  bool contains(const IpAddress& address) const;
};

struct Value {
  enum class Kind : uint8_t { Null, Int, Uint, Double, Bool, Text, Blob, Ip, List };

  struct TextRef {
    const char* data;
    StrRep* rep;  // the interned string this text is the whole of, or null
  };

  Kind kind = Kind::Null;
  bool v6 = false;    // Ip
  uint32_t size = 0;  // Text, Blob: bytes; List: elements
  union {
    int64_t i = 0;
    uint64_t u;
    double d;
    bool b;
    TextRef text;
    std::array<uint8_t, 16> ip;
    const Value* list;
  };

  bool is_null() const { return kind == Kind::Null; }
  static Value null() { return {}; }
  static Value of_int(int64_t v) {
    Value r;
    r.kind = Kind::Int;
    r.i = v;
    return r;
  }
  static Value of_uint(uint64_t v) {
    Value r;
    r.kind = Kind::Uint;
    r.u = v;
    return r;
  }
  static Value of_double(double v) {
    Value r;
    r.kind = Kind::Double;
    r.d = v;
    return r;
  }
  static Value of_bool(bool v) {
    Value r;
    r.kind = Kind::Bool;
    r.u = v;
    return r;
  }
  static Value of_text(std::string_view v) {
    Value r;
    r.kind = Kind::Text;
    r.size = static_cast<uint32_t>(v.size());
    r.text = {v.data(), nullptr};
    return r;
  }
  static Value of_str(const Str& v) {
    Value r;
    r.kind = Kind::Text;
    r.size = static_cast<uint32_t>(v.size());
    r.text = {v.c_str(), v.rep()};
    return r;
  }
  static Value of_bytes(Bytes v) {
    Value r;
    r.kind = Kind::Blob;
    r.size = static_cast<uint32_t>(v.size());
    r.text = {reinterpret_cast<const char*>(v.data()), nullptr};
    return r;
  }
  static Value of_ip(const IpAddress& v) {
    Value r;
    r.kind = Kind::Ip;
    r.v6 = v.v6;
    r.ip = v.bytes;
    return r;
  }
  // The elements must outlive the value (use the arena).
  static Value of_list(std::span<const Value> v) {
    Value r;
    r.kind = Kind::List;
    r.size = static_cast<uint32_t>(v.size());
    r.list = v.data();
    return r;
  }

  std::string_view as_text() const { return {text.data, size}; }  // Text, Blob
  std::span<const Value> as_list() const { return {list, size}; }
  IpAddress as_ip() const { return {ip, v6}; }
};
static_assert(sizeof(Value) == 24);

}  // namespace gyr
