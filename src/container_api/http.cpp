// SPDX-License-Identifier: Apache-2.0
#include "container_api/http.h"

#include <fmt/format.h>

#include <array>

namespace gyr {
namespace {

constexpr size_t kHeadLimit = 64ul * 1024;

ApiAnswer nothing(WhyMissing why) { return {.why = why}; }

}  // namespace

ApiAnswer parse_http_answer(std::string_view bytes) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  const size_t head = bytes.find(kHeadEnd);
  if (!bytes.starts_with(kVersion) || head == std::string_view::npos || head > kHeadLimit) {
    return nothing(WhyMissing::ApiDamaged);
  }
  const std::string_view status = bytes.substr(kVersion.size() + 1, 5);  // " 200 "
  if (status == " 404 ") return nothing(WhyMissing::ApiUnknown);
  if (status != " 200 ") return nothing(WhyMissing::ApiFailed);
  const std::string_view body = bytes.substr(head + kHeadEnd.size());
  if (body.size() > kApiBodyLimit) return nothing(WhyMissing::ApiDamaged);
  return {.body = std::string(body)};
}

ApiAnswer http_get(const ApiPlace& place, std::string_view path) {
  ApiConnection connection(place);
  connection.send(fmt::format("GET {} HTTP/1.0\r\nHost: localhost\r\n\r\n", path));
  std::string bytes;
  std::array<char, 16384> buffer;
  while (const size_t got = connection.receive(buffer)) {
    bytes.append(buffer.data(), got);
    if (bytes.size() > kHeadLimit + kApiBodyLimit) return nothing(WhyMissing::ApiDamaged);
  }
  if (!connection.ok()) return nothing(connection.why());
  return parse_http_answer(bytes);
}

}  // namespace gyr
