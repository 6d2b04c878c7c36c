// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "lang/output.h"
#include "vm/atom.h"

namespace gyr {
namespace {

std::string render_unsigned(uint64_t number, Format format) {
  switch (format) {
    case Format::Hex:
      return fmt::format("{:X}", number);
    case Format::Oct:
      return fmt::format("{:o}", number);
    case Format::PaddedDec:
      return fmt::format("{:09}", number);
    case Format::Na:
    case Format::Dec:
    case Format::Id:
    case Format::Dir:
      break;
  }
  return fmt::format("{}", number);
}

std::string render_ip(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::string render_list(std::span<const Value> values, Type type, Format format) {
  std::string out = "(";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    out += render_value(values[i], type, format);
  }
  return out + ')';
}

}  // namespace

std::string render_value(const Value& value, Type type, Format format) {
  switch (value.kind) {
    case Value::Kind::Null:
      return "<NA>";
    case Value::Kind::Int:
      if (value.i >= 0 || format == Format::Hex || format == Format::Oct) {
        return render_unsigned(value.u, format);
      }
      return fmt::format("{}", value.i);
    case Value::Kind::Uint:
      return render_unsigned(value.u, format);
    case Value::Kind::Double:
      return fmt::format("{:.1f}", value.d);
    case Value::Kind::Bool:
      return value.b ? "true" : "false";
    case Value::Kind::Text:
    case Value::Kind::Blob:
      return std::string(value.as_text());
    case Value::Kind::Ip:
      return render_ip(value.as_ip());
    case Value::Kind::List:
      return render_list(value.as_list(), type, format);
  }
  return {};
}

}  // namespace gyr
