// SPDX-License-Identifier: Apache-2.0
#include "web/request.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gyr {
namespace {

using State = RequestReader::State;
using std::string_literals::operator""s;

constexpr size_t kBytesMax = 2000;

// What became of the bytes, in a line: "GET /path", with " gzip" when that is taken; "more"; or the
// status of the refusal.
std::string read(std::string_view bytes, size_t piece) {
  RequestReader reader(kBytesMax);
  State state = State::More;
  while (!bytes.empty() && state == State::More) {
    state = reader.take(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (state == State::More) return "more";
  if (state == State::Wrong) return std::to_string(reader.status());
  const WebRequest& request = reader.request();
  return request.method + " " + request.path + (request.takes_gzip ? " gzip" : "");
}

struct Case {
  std::string bytes;
  std::string result;
};

void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, each.bytes.size() + 1}) {
      EXPECT_EQ(read(each.bytes, piece), each.result)
          << each.bytes.substr(0, 60) << "\nin pieces of " << piece;
    }
  }
}

std::string get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\n" + headers + "\r\n";
}

TEST(WebRequest, TargetsOfEachForm) {
  check({
      {get("/healthz"), "GET /healthz"},
      {get("/healthz?x=1&y=%20"), "GET /healthz"},
      {get("/healthz#part"), "GET /healthz"},
      {get("/%68ealthz"), "GET /healthz"},
      {get("/a%20b%C3%bc%3f"), "GET /a b\xc3\xbc?"},
      {get("/healthz%00"), "GET /healthz\0"s},
      {get("/a%zz%4"), "GET /a%zz%4"},
      {get("/a%"), "GET /a%"},
      {get("/a%2"), "GET /a%2"},
      {get("//healthz"), "GET //healthz"},
      {get("/../etc"), "GET /../etc"},
      {get("*"), "GET *"},
      {get("http://example.org:8765/healthz?x"), "GET /healthz"},
      {get("http://[::1]:8765/healthz"), "GET /healthz"},
      {get("http://example.org"), "GET "},
      {"CONNECT example.org:80 HTTP/1.1\r\n\r\n", "CONNECT "},
      {"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS *"},
      {"HEAD /a HTTP/1.0\r\n\r\n", "HEAD /a"},
      {"PROPFIND /a HTTP/1.1\r\n\r\n", "PROPFIND /a"},
      {get("/" + std::string(1900, 'a')), "GET /" + std::string(1900, 'a')},
  });
}

TEST(WebRequest, WhatFollowsTheHeadIsNotRead) {
  check({
      {"POST /a HTTP/1.1\r\nContent-Length: 1000000000000000\r\n\r\nabc", "POST /a"},
      {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "POST /a"},
      {get("/a", "Expect: 100-continue\r\nContent-Length: 5\r\n"), "GET /a"},
      {get("/a", "Connection: Upgrade\r\nUpgrade: websocket\r\n") + "\x81\x05hello", "GET /a"},
      {get("/a") + get("/b"), "GET /a"},
      {get("/a") + std::string(5000, '\0'), "GET /a"},
  });
}

TEST(WebRequest, WhatIsNoRequestIsRefused) {
  check({
      {"GET /a\r\n\r\n", "400"},
      {"GET /a\r\n\r\n" + get("/b"), "400"},  // HTTP/0.9, and what the parser would go on with
      {"GET /a HTTP/2.0\r\n\r\n" + get("/b"), "400"},
      {"GET\r\n\r\n", "400"},
      {"GET /a HTTP/9.9\r\n\r\n", "400"},
      {"GET /a HTTP/2.0\r\n\r\n", "400"},
      {"GET /a HTTP/1.2\r\n\r\n", "400"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
      {"BREW /a HTTP/1.1\r\n\r\n", "400"},
      {"get /a HTTP/1.1\r\n\r\n", "400"},
      {"\x16\x03\x01\x02\x00\x01"s, "400"},
      {"\0\0\0\0\r\n\r\n"s, "400"},
      {get("healthz"), "400"},
      {get("/a b"), "400"},
      {get("/a\0"s), "400"},
      {get("/a\xff"), "400"},
      {get("/a\tb"), "400"},
      {get("http:///healthz"), "400"},
      {get("http://x:99999/healthz"), "400"},
      {get("/a", "no colon\r\n"), "400"},
      {get("/a", "nocolon\r\n"), "400"},
      {get("/a", "A : b\r\n"), "400"},
      {get("/a", " A: b\r\n"), "400"},
      {get("/a", "A: b\0c\r\n"s), "400"},
      {get("/a", "A\0B: c\r\n"s), "400"},
      {get("/a", "A: b\rc\r\n"), "400"},
      {get("/a", "Content-Length: x\r\n"), "400"},
      {get("/a", "Content-Length: 18446744073709551616\r\n"), "400"},
      {get("/a", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400"},
      {get("/a", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "400"},
  });
}

TEST(WebRequest, WhatIsTooLargeIsRefusedAndTheRestNotRead) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "A: b\r\n";
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "\r\n";
  check({
      {get("/" + std::string(kBytesMax, 'a')), "414"},
      {get("/", "A: " + std::string(kBytesMax, 'a') + "\r\n"), "431"},
      {get("/", std::string(kBytesMax, 'a') + ": b\r\n"), "431"},
      {get("/", many), "431"},
      {lines, "400"},
      {std::string(kBytesMax, 'x'), "400"},
  });
}

TEST(WebRequest, HeadsThatAreNotThereYet) {
  check({{"G", "more"},
         {"GET /a HTTP/1.1\r\n", "more"},
         {"GET /a HTTP/1.1\r\nA: b\r\n", "more"},
         {"GET /a HTTP/1.1\r\nA: b\r\n\r", "more"},
         {"\r\n\r\n", "more"}});
  RequestReader reader(kBytesMax);
  EXPECT_EQ(reader.take(""), State::More);
  EXPECT_FALSE(reader.begun());
  EXPECT_EQ(reader.take("G"), State::More);
  EXPECT_TRUE(reader.begun());
}

TEST(WebRequest, OtherEndsOfLinesAndFoldedHeadersAreRead) {
  check({{"\r\n\r\nGET /a HTTP/1.1\r\n\r\n", "GET /a"},
         {"GET /a HTTP/1.1\nA: b\n\n", "GET /a"},
         {"GET /a HTTP/1.1\r\nA: b\r\n c\r\nD:\r\n\r\n", "GET /a"}});
}

TEST(WebRequest, WhoTakesGzip) {
  check({
      {get("/a", "Accept-Encoding: gzip\r\n"), "GET /a gzip"},
      {get("/a", "accept-encoding:GZIP\r\n"), "GET /a gzip"},
      {get("/a", "Accept-Encoding: br;q=1.0, gzip;q=0.8, *;q=0.1\r\n"), "GET /a gzip"},
      {get("/a", "Accept-Encoding: br\r\nB: c\r\nAccept-Encoding: gzip\r\n"), "GET /a gzip"},
      {get("/a", "Accept-Encoding:\r\nAccept-Encoding: gzip\r\n"), "GET /a gzip"},
      {get("/a", "Accept-Encoding: gzip;q=0\r\n"), "GET /a"},
      {get("/a", "Accept-Encoding: gzip ; Q = 0.000, br\r\n"), "GET /a"},
      {get("/a", "Accept-Encoding: br, xgzip, gzip2\r\n"), "GET /a"},
      {get("/a", "Accept-Encoding: ,,;, ;q=\r\n"), "GET /a"},
      {get("/a", "X-Accept-Encoding: gzip\r\nEncoding: gzip\r\n"), "GET /a"},
  });
}

TEST(WebRequest, ARefusalStays) {
  RequestReader reader(kBytesMax);
  EXPECT_EQ(reader.take("nonsense\r\n"), State::Wrong);
  EXPECT_EQ(reader.take(get("/a")), State::Wrong);
  EXPECT_EQ(reader.status(), 400);
  EXPECT_STREQ(reader.why(), "that is no HTTP request");
}

}  // namespace
}  // namespace gyr
