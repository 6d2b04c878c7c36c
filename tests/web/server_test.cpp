// SPDX-License-Identifier: Apache-2.0
#include "web/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <vector>

#include "base/sandbox.h"
#include "web/client.h"

namespace gyr {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string unpack(const std::string& bytes) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  EXPECT_EQ(inflateInit2(&stream, kGzip), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

class WebServerTest : public testing::Test {
 protected:
  void start(uint32_t threads = 2) {
    WebPages pages;
    pages.urgent = "/healthz";
    pages.by_path["/healthz"] = [] { return WebReply{.body = "{\"status\": \"ok\"}"}; };
    pages.by_path["/metrics"] = [this] {
      ++made;
      if (gate.valid()) gate.wait();
      return WebReply{.type = "text/plain; version=0.0.4", .body = std::string(100'000, 'm')};
    };
    pages.by_path["/broken"] = []() -> WebReply { throw std::runtime_error("oops"); };
    pages.by_path["/signals"] = [] {
      sigset_t blocked;
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      int count = 0;
      for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM}) {
        count += sigismember(&blocked, each);
      }
      return WebReply{.body = std::to_string(count)};
    };
    pages.by_path["/files"] = [] {
      const bool shadow =
          std::ifstream("/etc/shadow").good() || std::ifstream("/etc/passwd").good();
      const bool own = std::ifstream("/proc/self/status").good();
      return WebReply{.body = std::string(shadow ? "open" : "closed") + (own ? " own" : "")};
    };
    auto started = WebServer::start(
        {.address = "127.0.0.1", .port = 0, .threads = threads, .files = {"/proc"}},
        std::move(pages), null_logger());
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }
  uint16_t port() const { return server->port(); }

  std::atomic<int> made{0};
  std::shared_future<void> gate;
  std::unique_ptr<WebServer> server;
};

TEST_F(WebServerTest, OpensNoFilesButThoseOfItsPages) {
  if (landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  start();
  EXPECT_THAT(ask(port(), "/files"), HasSubstr("\r\n\r\nclosed own"));
  EXPECT_TRUE(std::ifstream("/etc/passwd").good());
}

TEST_F(WebServerTest, ServesItsPages) {
  start();
  EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(ask(port(), "/healthz"), HasSubstr("\r\n\r\n{\"status\": \"ok\"}"));
  for (const char* path : {"/healthz?verbose=1", "/%68ealthz", "http://example.org/healthz?x"}) {
    EXPECT_THAT(ask(port(), path), StartsWith("HTTP/1.1 200 OK\r\n")) << path;
  }
  const std::string metrics = ask(port(), "/metrics");
  EXPECT_THAT(metrics, HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
  EXPECT_THAT(metrics, HasSubstr("\r\n\r\n" + std::string(100'000, 'm')));
}

TEST_F(WebServerTest, HeadHasNoBody) {
  start();
  const std::string head = ask(port(), "/metrics", "HEAD");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(head + std::string(100'000, 'm'), ask(port(), "/metrics"));
}

TEST_F(WebServerTest, NothingElseIsServed) {
  start();
  for (const char* path : {"/", "/metrics/", "/healthz/../etc/passwd", "/../../etc/passwd", "//",
                           "/%2e%2e/etc/passwd", "/healthz%00"}) {
    EXPECT_THAT(ask(port(), path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string said = ask(port(), "/healthz", method);
    EXPECT_THAT(said, StartsWith("HTTP/1.1 405 ")) << method;
    EXPECT_THAT(said, HasSubstr("Allow: GET, HEAD\r\n")) << method;
  }
  const std::string body(5000, 'b');
  EXPECT_THAT(
      Client(port()).say("POST /metrics HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + body).hear(),
      StartsWith("HTTP/1.1 405 "));
  EXPECT_EQ(made, 0);
}

TEST_F(WebServerTest, APageThatFailsIsAnErrorOfItsOwn) {
  start();
  for (int i = 0; i < 5; ++i) {  // more than can be made at a time
    EXPECT_THAT(ask(port(), "/broken"), StartsWith("HTTP/1.1 500 "));
  }
  EXPECT_THAT(ask(port(), "/metrics"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, ThreadsTakeNoSignals) {
  start();
  EXPECT_THAT(ask(port(), "/signals"), HasSubstr("\r\n\r\n7"));
}

TEST_F(WebServerTest, GarbageEndsItsConnectionOnly) {
  start();
  const std::string large = "GET /healthz HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n";
  const std::string endless(1 << 20, 'x');  // a line that does not end
  std::string many = "GET /healthz HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) many += "A: b\r\n";
  const std::string_view bad[] = {"\r\n\r\n",
                                  "GET\r\n\r\n",
                                  "GET /healthz\r\n\r\n",
                                  "GET /healthz HTTP/9.9\r\n\r\n",
                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                  std::string_view("\0\0\0\0\r\n\r\n", 8),
                                  large,
                                  endless,
                                  many};
  for (const std::string_view each : bad) {
    Client client(port());
    client.say(each);
    EXPECT_THAT(client.say("\r\n\r\n").hear(), Not(StartsWith("HTTP/1.1 200")))
        << each.substr(0, 40);
    EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 ")) << each.substr(0, 40);
  }
}

TEST_F(WebServerTest, WhatIsWrongWithARequestIsTold) {
  start();
  const std::string large = "GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n";
  const std::string target = "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n";
  const struct {
    std::string_view said, heard;
  } cases[] = {{"nonsense\r\n", "HTTP/1.1 400 Bad Request\r\n"},
               {std::string_view("GET /healthz\0 HTTP/1.1\r\n", 23), "HTTP/1.1 400 "},
               {large, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
               {target, "HTTP/1.1 414 URI Too Long\r\n"}};
  for (const auto& each : cases) {
    const std::string heard = Client(port()).say(each.said).hear();
    EXPECT_THAT(heard, StartsWith(each.heard)) << each.said.substr(0, 40);
    EXPECT_THAT(heard, HasSubstr("\r\n\r\n{\"error\": \"")) << each.said.substr(0, 40);
  }
}

TEST_F(WebServerTest, ARequestMayComeByteByByte) {
  start();
  Client client(port());
  for (const char each : std::string_view("GET /healthz HTTP/1.1\r\nHost: x\r\n\r")) {
    client.say({&each, 1});
    ASSERT_TRUE(client.is_quiet());
  }
  EXPECT_THAT(client.say("\n").hear(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, OneRequestIsAnsweredAndTheConnectionClosed) {
  start();
  const std::string one = "GET /healthz HTTP/1.1\r\nConnection: keep-alive\r\n\r\n";
  const std::string heard = Client(port()).say(one + one + one).hear();
  EXPECT_THAT(heard, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(heard.find("HTTP/1.1", 1), std::string::npos);
}

// None of them is waited for: the answer comes before the body does.
TEST_F(WebServerTest, BodiesAreNotRead) {
  start();
  for (const char* header : {"Content-Length: 1000000000000", "Transfer-Encoding: chunked",
                             "Expect: 100-continue\r\nContent-Length: 2"}) {
    const std::string head = " /healthz HTTP/1.1\r\n" + std::string(header) + "\r\n\r\n";
    EXPECT_THAT(Client(port()).say("POST" + head).hear(), StartsWith("HTTP/1.1 405 ")) << header;
    EXPECT_THAT(Client(port()).say("GET" + head).hear(), StartsWith("HTTP/1.1 200 ")) << header;
    EXPECT_THAT(Client(port()).say("GET" + head + "5\r\nhello\r\n0\r\n\r\n").hear(),
                StartsWith("HTTP/1.1 200 "))
        << header;
  }
}

TEST_F(WebServerTest, WhoSaysNoMoreIsAnswered) {
  start();
  EXPECT_EQ(Client(port()).fall_silent().hear(), "");
  EXPECT_THAT(Client(port()).say("GET /metrics HTTP/1.1\r\n\r\n").fall_silent().hear(),
              HasSubstr(std::string(100'000, 'm')));
  EXPECT_THAT(Client(port()).say("GET /metrics HTTP/1.1\r\n").fall_silent().hear(),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(WebServerTest, ARequestThatTakesTooLongIsToldSo) {
  start();
  Client silent(port());
  EXPECT_THAT(Client(port()).say("GET /healthz HTTP/1.1\r\n").hear(), StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(silent.hear(), "");
}

TEST_F(WebServerTest, PagesArePackedForWhoTakesThat) {
  start();
  const auto ask_packed = [&](const char* path, const char* method = "GET") {
    return Client(port())
        .say(std::string(method) + " " + path + " HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n")
        .hear();
  };
  const std::string packed = ask_packed("/metrics");
  const size_t body = packed.find("\r\n\r\n") + 4;
  EXPECT_THAT(packed.substr(0, body), HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_THAT(packed.substr(0, body),
              HasSubstr("\r\nContent-Length: " + std::to_string(packed.size() - body) + "\r\n"));
  EXPECT_EQ(unpack(packed.substr(body)), std::string(100'000, 'm'));
  EXPECT_EQ(ask_packed("/metrics", "HEAD"), packed.substr(0, body));
  EXPECT_THAT(ask_packed("/healthz"), HasSubstr("\r\n\r\n{\"status\": \"ok\"}")) << "too small";
}

// Parts of a page, asked for a thousand times by one request, would be a flood.
TEST_F(WebServerTest, RangesAreNotServed) {
  start();
  std::string ranges = "bytes=0-";
  for (int i = 0; i < 1000; ++i) ranges += ",0-";
  const std::string said =
      Client(port()).say("GET /metrics HTTP/1.1\r\nRange: " + ranges + "\r\n\r\n").hear();
  EXPECT_THAT(said, StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(said.size(), 101'000u);
}

// More connections than there can be, each with half a request: a whole one is answered while they
// wait, and the newest of them are still there afterwards.
TEST_F(WebServerTest, SlowClientsDelayNobody) {
  start();
  std::vector<Client> slow;
  for (size_t i = 0; i < WebServer::kConnectionsMax + 10; ++i) {
    slow.emplace_back(port());
    ASSERT_TRUE(slow.back().connected());
    slow.back().say("GET /healthz HTT");
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
  }
  EXPECT_TRUE(slow.back().is_quiet());
  EXPECT_THAT(slow.back().say("P/1.1\r\n\r\n").hear(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(slow.front().hear(), "") << "the oldest was cut off";
}

TEST_F(WebServerTest, HealthDoesNotWaitForOtherPages) {
  std::promise<void> open;
  gate = open.get_future().share();
  start(1);
  std::vector<std::future<std::string>> asked;
  for (int i = 0; i < 4; ++i) {
    asked.push_back(std::async(std::launch::async, [this] { return ask(port(), "/metrics"); }));
  }
  while (made == 0) std::this_thread::yield();
  EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(made, 1) << "one at a time";
  open.set_value();
  for (auto& each : asked) {
    EXPECT_THAT(each.get(),
                testing::AnyOf(StartsWith("HTTP/1.1 200 "), StartsWith("HTTP/1.1 503 ")));
  }
}

TEST_F(WebServerTest, HealthFindsAThreadWhoeverElseHasAsked) {
  std::promise<void> open;
  gate = open.get_future().share();
  start(1);
  std::vector<Client> asked;
  for (size_t i = 0; i < WebServer::kConnectionsMax + 10; ++i) {
    asked.emplace_back(port());
    asked.back().say("GET /metrics HTTP/1.1\r\n\r\n");
  }
  while (made == 0) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) EXPECT_THAT(ask(port(), "/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(made, 1);
  open.set_value();
  EXPECT_THAT(asked.front().hear(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, StopsWithConnectionsOpen) {
  start();
  std::vector<Client> open;
  for (int i = 0; i < 10; ++i) {
    open.emplace_back(port());
    open.back().say("GET /healthz HTTP/1.1\r\n");
  }
  const uint16_t was = port();
  server.reset();
  EXPECT_FALSE(Client(was).connected());
}

TEST_F(WebServerTest, StopsWhilePagesWaitForTheirTurn) {
  std::promise<void> open;
  gate = open.get_future().share();
  start(1);
  std::vector<Client> asked;
  for (int i = 0; i < 5; ++i) {
    asked.emplace_back(port());
    asked.back().say("GET /metrics HTTP/1.1\r\n\r\n");
  }
  while (made == 0) std::this_thread::yield();
  const uint16_t was = port();
  auto stopped = std::async(std::launch::async, [this] { server.reset(); });
  open.set_value();
  stopped.wait();
  EXPECT_FALSE(Client(was).connected());
}

TEST_F(WebServerTest, ServesOverIPv6AndIPv4AtOnce) {
  auto started = WebServer::start({.address = "::", .port = 0}, {}, null_logger());
  if (!started) GTEST_SKIP() << started.error().message;
  EXPECT_THAT(ask((*started)->port(), "/"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(WebServerTest, ManyStartsAndStops) {
  for (int i = 0; i < 50; ++i) {
    start();
    server.reset();
  }
}

TEST_F(WebServerTest, APortInUseIsAnErrorThatNamesIt) {
  start();
  const auto second = WebServer::start({.address = "127.0.0.1", .port = port()}, {}, null_logger());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "webserver: cannot listen at 127.0.0.1:" +
                                        std::to_string(port()) + ": Address already in use");
}

TEST(WebServer, WhatIsWrongIsNamed) {
  const auto nobody = WebServer::start({.address = "192.0.2.1", .port = 1}, {}, null_logger());
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().message, StartsWith("webserver: cannot listen at 192.0.2.1:1: "));
  const auto no_address = WebServer::start({.address = "here"}, {}, null_logger());
  ASSERT_FALSE(no_address);
  EXPECT_EQ(no_address.error().message,
            "webserver: cannot listen at here:8765: that is no IP address");
  const auto no_file = WebServer::start(
      {.address = "127.0.0.1", .port = 0, .certificate = "/nowhere.pem"}, {}, null_logger());
  ASSERT_FALSE(no_file);
  EXPECT_THAT(no_file.error().message,
              StartsWith("webserver.ssl_certificate: cannot read a certificate from /nowhere.pem"));
}

}  // namespace
}  // namespace gyr
