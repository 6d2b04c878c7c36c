// SPDX-License-Identifier: Apache-2.0
#include "web/answer.h"

#include <fmt/format.h>
#include <http_parser.h>

#include <utility>

#include "base/gzip.h"

namespace gyr {

WebReply refusal(int status, const char* why) {
  return {.status = status, .body = fmt::format("{{\"error\": \"{}\"}}\n", why)};
}

std::string format_answer(const WebRequest& request, WebReply reply) {
  constexpr size_t kWorthPacking = 1024;  // bytes: less fits into one packet anyway
  const bool may_be_packed = reply.body.size() >= kWorthPacking;
  bool packed = false;
  if (may_be_packed && request.takes_gzip) {
    std::string less = gzip(reply.body);
    packed = !less.empty();
    if (packed) reply.body = std::move(less);
  }
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", reply.status,
                                 http_status_str(static_cast<http_status>(reply.status)));
  if (reply.status == HTTP_STATUS_METHOD_NOT_ALLOWED) text += "Allow: GET, HEAD\r\n";
  text += "Connection: close\r\n";
  if (packed) text += "Content-Encoding: gzip\r\n";
  if (may_be_packed) text += "Vary: Accept-Encoding\r\n";
  text +=
      fmt::format("Content-Length: {}\r\nContent-Type: {}\r\n\r\n", reply.body.size(), reply.type);
  if (request.method != "HEAD") text += reply.body;
  return text;
}

}  // namespace gyr
