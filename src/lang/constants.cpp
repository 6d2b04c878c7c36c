// SPDX-License-Identifier: Apache-2.0
#include "lang/constants.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"

namespace gyr {
namespace {

struct Service {
  std::string_view name;
  uint16_t port;
};
constexpr auto kServices = std::to_array<Service>({
#define GYR_SERVICE(name, port) {name, port},
#include "lang/services.def"
#undef GYR_SERVICE
});

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Bits of an unsigned type as the capture stores it.
int width_of(Type type) {
  const uint16_t bytes = type_info(type).size_min;
  return bytes == 0 || bytes > 8 ? 64 : bytes * 8;
}

Result<Constant> number_constant(std::string_view text, Type type, Constant constant) {
  const bool is_unsigned = family_of(type) == Family::Unsigned;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.starts_with('-') || !is_unsigned) {
    if (const auto value = parse_whole<int64_t>(digits)) {
      constant.number = static_cast<uint64_t>(*value);
      const int width = width_of(type);
      if (is_unsigned && width < 64) constant.number &= (uint64_t{1} << width) - 1;
      return constant;
    }
  } else if (const auto value = parse_whole<uint64_t>(digits)) {
    constant.number = *value;
    return constant;
  }
  return Error{fmt::format("'{}' is not a whole decimal number of at most 64 bits", text)};
}

Result<Constant> port_constant(std::string_view text, Constant constant) {
  Result<Constant> number = number_constant(text, Type::Port, constant);
  if (number) return number;
  std::vector<std::string_view> names;
  for (const Service& service : kServices) {
    if (service.name == text) {
      constant.number = service.port;
      return constant;
    }
    names.push_back(service.name);
  }
  const std::string_view best = closest(text, names);
  return Error{fmt::format("'{}' is neither a port number nor the name of a service{}", text,
                           best.empty() ? "" : fmt::format("; did you mean '{}'?", best))};
}

Result<Constant> double_constant(std::string_view text, Constant constant) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto value = parse_whole<double>(digits);
  if (!value) return Error{fmt::format("'{}' is not a number", text)};
  constant.real = *value;
  return constant;
}

Result<Constant> bool_constant(std::string_view text, Constant constant) {
  if (text != "true" && text != "false") {
    return Error{fmt::format("'{}' is not a truth value; write true or false", text)};
  }
  constant.number = text == "true" ? 1 : 0;
  return constant;
}

Result<Constant> net_constant(std::string_view text, Constant constant) {
  const auto net = parse_network(text);
  if (!net) {
    return Error{
        fmt::format("'{}' is not a network; write an address and a prefix length, for "
                    "example 10.0.0.0/8",
                    text)};
  }
  constant.net = *net;
  return constant;
}

Result<Constant> ip_constant(std::string_view text, Constant constant) {
  const auto ip = parse_ip(text);
  if (!ip) return Error{fmt::format("'{}' is not an IP address", text)};
  constant.ip = *ip;
  return constant;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  std::array<char, 64> buffer{};
  if (text.size() >= buffer.size()) return std::nullopt;
  text.copy(buffer.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET, buffer.data(), address.bytes.data()) == 1) return address;
  address.v6 = true;
  if (inet_pton(AF_INET6, buffer.data(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<IpNetwork> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = parse_ip(text.substr(0, slash));
  const auto prefix = parse_whole<uint8_t>(text.substr(slash + 1));
  if (!base || !prefix || *prefix > (base->v6 ? 128 : 32)) return std::nullopt;
  return IpNetwork{*base, *prefix};
}

Result<Constant> convert_constant(std::string_view text, Type type) {
  Constant constant;
  constant.text = std::string(text);
  switch (family_of(type)) {
    case Family::Unsigned:
      return type == Type::Port ? port_constant(text, std::move(constant))
                                : number_constant(text, type, std::move(constant));
    case Family::Signed:
      return number_constant(text, type, std::move(constant));
    case Family::Double:
      return double_constant(text, std::move(constant));
    case Family::Bool:
      return bool_constant(text, std::move(constant));
    case Family::Text:
    case Family::Blob:
      return constant;
    case Family::Ip:
      return ip_constant(text, std::move(constant));
    case Family::Net:
      return net_constant(text, std::move(constant));
    case Family::None:
      return Error{"values of this type cannot be compared"};
  }
  return constant;
}

Result<Constant> convert_hex(std::string_view text) {
  Constant constant;
  if (text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
    return Error{fmt::format("'{}' is not made of hexadecimal digits", text)};
  }
  if (text.size() % 2 != 0) return Error{fmt::format("'{}' has an odd number of digits", text)};
  for (size_t i = 0; i < text.size(); i += 2) {
    uint8_t byte = 0;
    const char* end = text.data() + i + 2;
    std::from_chars(text.data() + i, end, byte, 16);
    constant.text += static_cast<char>(byte);
  }
  return constant;
}

}  // namespace gyr
