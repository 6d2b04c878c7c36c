// SPDX-License-Identifier: Apache-2.0
// Buffers and addresses of render.h.
#include <netdb.h>

#include <algorithm>
#include <array>

#include "field/render.h"
#include "field/values.h"

namespace gyr {
namespace {

constexpr uint8_t kUnix = 1;
constexpr uint8_t kInet = 2;
constexpr uint8_t kInet6 = 10;

bool printable(uint8_t byte) { return byte >= 0x20 && byte < 0x7f; }

std::string_view dots(Arena& arena, Bytes bytes, bool keep_lines) {
  char* text = arena.array<char>(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool keep = printable(bytes[i]) || (keep_lines && bytes[i] == '\n');
    text[i] = keep ? static_cast<char>(bytes[i]) : '.';
  }
  return {text, bytes.size()};
}

std::string_view base64(Arena& arena, Bytes bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  ArenaText out(arena, (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? bytes[i + j] : uint32_t{0});
    }
    for (size_t j = 0; j < 4; ++j) {
      out.add(j <= count ? kDigits[group >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out.view();
}

// Sixteen bytes a line in pairs, with their offset; with `text` the printable characters behind.
std::string_view hex_dump(Arena& arena, Bytes bytes, bool text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  ArenaText out(arena, bytes.size() * 4 + 32);
  for (size_t line = 0; line < bytes.size(); line += 16) {
    out.add("\n\t0x");
    for (int shift = 12; shift >= 0; shift -= 4) out.add(kHex[line >> shift & 15]);
    out.add(':');
    const Bytes row = bytes.subspan(line, std::min<size_t>(16, bytes.size() - line));
    for (size_t i = 0; i < 16; ++i) {
      if (i >= row.size() && !text) break;
      if (i % 2 == 0) out.add(' ');
      if (i < row.size()) {
        out.add(kHex[row[i] >> 4]).add(kHex[row[i] & 15]);
      } else {
        out.add("  ");
      }
    }
    if (text) out.add("  ").add(dots(arena, row, false));
  }
  return out.add('\n').view();
}

void add_end(ArenaText& out, const EvalContext& context, Bytes address, uint16_t port) {
  IpAddress ip;
  ip.v6 = address.size() == 16;
  std::memcpy(ip.bytes.data(), address.data(), address.size());
  out.add(ip_text(ip)).add(':');
  add_port(out, context, port, L4::Unknown);
}

// An IPv4 address in IPv6 form, or no address: both are shown as IPv4 when both ends are like that.
bool is_v4_in_v6(Bytes address) {
  const auto zero = [&](size_t from, size_t to) {
    return std::all_of(address.begin() + static_cast<std::ptrdiff_t>(from),
                       address.begin() + static_cast<std::ptrdiff_t>(to),
                       [](uint8_t byte) { return byte == 0; });
  };
  if (address.size() != 16 || !zero(0, 10)) return false;
  return (address[10] == 0xff && address[11] == 0xff) || zero(10, 16);
}

std::string_view without_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

std::string_view render_buffer(Arena& arena, Bytes bytes, BufferFormat format) {
  if (bytes.empty()) return "NULL";
  switch (format) {
    case BufferFormat::Printable:
      return dots(arena, bytes, false);
    case BufferFormat::Ascii:
      return dots(arena, bytes, true);
    case BufferFormat::Hex:
      return hex_dump(arena, bytes, false);
    case BufferFormat::HexAscii:
      return hex_dump(arena, bytes, true);
    case BufferFormat::Base64:
      return base64(arena, bytes);
  }
  return {};
}

void add_port(ArenaText& out, const EvalContext& context, uint16_t port, L4 l4) {
  if (context.settings.resolve_ports && port != 0) {
    const auto network = static_cast<uint16_t>(port << 8 | port >> 8);
    servent entry{};
    servent* found = nullptr;
    std::array<char, 1024> buffer{};
    getservbyport_r(network, l4 == L4::Udp ? "udp" : "tcp", &entry, buffer.data(), buffer.size(),
                    &found);
    if (found != nullptr) {
      out.add(found->s_name);
      return;
    }
  }
  out.number(port);
}

std::string_view render_sockaddr(const EvalContext& context, Bytes bytes) {
  if (bytes.empty()) return "<NA>";
  ByteReader reader(bytes);
  const auto family = reader.read<uint8_t>();
  if (family == kUnix) return without_nul(as_text(bytes.subspan(1)));
  ArenaText out(context.arena);
  if (family == kInet || family == kInet6) {
    const Bytes address = reader.take(family == kInet ? 4 : 16);
    const auto port = reader.read<uint16_t>();
    if (reader.ok()) add_end(out, context, address, port);
    return out.view();
  }
  return out.add("family ").number(unsigned{family}).view();
}

std::string_view render_tuple(const EvalContext& context, Bytes bytes) {
  if (bytes.empty()) return "NULL";
  ByteReader reader(bytes);
  const auto family = reader.read<uint8_t>();
  ArenaText out(context.arena);
  if (family == kUnix) {
    const auto source = reader.read<uint64_t>();
    const auto destination = reader.read<uint64_t>();
    if (!reader.ok()) return {};
    out.number(source, 16).add("->").number(destination, 16).add(' ');
    return out.add(without_nul(as_text(bytes.subspan(reader.offset())))).view();
  }
  if (family != kInet && family != kInet6) {
    return out.add("family ").number(unsigned{family}).view();
  }
  const size_t size = family == kInet ? 4 : 16;
  Bytes source = reader.take(size);
  const auto source_port = reader.read<uint16_t>();
  Bytes destination = reader.take(size);
  const auto destination_port = reader.read<uint16_t>();
  if (!reader.ok()) return {};
  if (is_v4_in_v6(source) && is_v4_in_v6(destination)) {
    source = source.last(4);
    destination = destination.last(4);
  }
  add_end(out, context, source, source_port);
  out.add("->");
  add_end(out, context, destination, destination_port);
  return out.view();
}

}  // namespace gyr
