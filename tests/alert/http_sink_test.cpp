// SPDX-License-Identifier: Apache-2.0
// http_output against real peers that misbehave: each alert ends as sent or lost, repeats have the
// same id, and another output gets everything meanwhile.
#include <gtest/gtest.h>
#include <zlib.h>

#include "alert/http_peer.h"
#include "alert/sinks/file.h"
#include "alert/sinks/http.h"
#include "alert/sinks/otlp.h"
#include "nlohmann/json.hpp"

namespace gyr {
namespace {

constexpr int kAlerts = 200;

struct Case {
  HttpSinkSettings sink{};
  LaneSettings lane{};
};
Case http_to(const std::string& url) {
  Case chosen;
  chosen.sink.http = {.url = url, .timeout_ms = 150};
  chosen.sink.json = true;
  chosen.lane = {.wants_ids = true, .retry = quick_retry()};
  return chosen;
}

// http_output and, beside it, a file.
struct Pair {
  TempFolder folder;
  Outputs outputs{{.format = {.json = true}, .finish_timeout_ms = 300}, null_logger()};

  explicit Pair(const Case& chosen) {
    const auto added = outputs.add(make_http_sink(chosen.sink), chosen.lane);
    EXPECT_TRUE(added) << added.error().message;
    EXPECT_TRUE(outputs.add(make_file_sink({.path = folder / "out", .keep_alive = true})));
  }
  OutputCounters http() const { return outputs.counters().at(0); }
  // All of them reach the file while the peer is as it is; nothing waits for http_output.
  void send_all(int from = 0, int to = kAlerts) {
    for (int i = from; i < to; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    wait_until([&] { return outputs.counters().at(1).sent >= static_cast<uint64_t>(to); });
    EXPECT_EQ(lines_of(folder / "out"), static_cast<size_t>(to));
  }
  void expect_all_accounted(uint64_t alerts) const {
    const OutputCounters c = http();
    EXPECT_EQ(c.sent + c.lost_total() + c.queued + c.in_spool, alerts);
  }
};

std::vector<std::string> ids_of(const std::vector<HttpRequest>& requests) {
  std::vector<std::string> ids;
  for (const HttpRequest& request : requests) ids.push_back(request.header("Gyr-Alert-Id"));
  return ids;
}

TEST(HttpSink, OneAlertARequestAsReceiversExpect) {
  HttpPeer peer([](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "200 OK"); });
  Case chosen = http_to(peer.url());
  chosen.sink.http.user_agent = "falcosecurity/falco";
  chosen.sink.http.headers = {"Authorization: Bearer x"};
  Pair pair(chosen);
  pair.send_all();
  pair.outputs.finish();
  EXPECT_EQ(pair.http().sent, static_cast<uint64_t>(kAlerts));
  const auto requests = peer.requests();
  ASSERT_EQ(requests.size(), static_cast<size_t>(kAlerts));
  const HttpRequest& first = requests[0];
  EXPECT_TRUE(first.head.starts_with("POST /alerts HTTP/1.1\r\n")) << first.head;
  EXPECT_EQ(first.header("Content-Type"), "application/json");
  EXPECT_EQ(first.header("User-Agent"), "falcosecurity/falco");
  EXPECT_EQ(first.header("Authorization"), "Bearer x");
  EXPECT_EQ(first.header("Expect"), "");
  EXPECT_EQ(first.header("Gyr-Alert-Id"), test_id(0));
  EXPECT_EQ(first.body, format_alert(*test_alert(0), {.json = true}));
}

TEST(HttpSink, PeersThatMisbehaveForAWhile) {
  struct Row {
    const char* what;
    HttpPeer::Script bad;
  };
  const Row rows[] = {
      {"500", [](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "500 Oops"); }},
      {"503 with a date",
       [](HttpPeer&, int fd, size_t) {
         HttpPeer::answer(fd, "503 No", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n");
       }},
      {"429 with Retry-After",
       [](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "429 Slow", "Retry-After: 1\r\n"); }},
      {"408", [](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "408 Late"); }},
      {"garbage",
       [](HttpPeer&, int fd, size_t) {
         HttpPeer::say(fd, "\x01\x02 what is this \xff\r\n\r\n");
         shutdown(fd, SHUT_RDWR);
       }},
      {"closes without a word", [](HttpPeer&, int fd, size_t) { shutdown(fd, SHUT_RDWR); }},
      {"closes in the middle of its answer",
       [](HttpPeer&, int fd, size_t) {
         HttpPeer::say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
         shutdown(fd, SHUT_RDWR);
       }},
      {"says nothing",
       [](HttpPeer& peer, int fd, size_t) {
         char byte = 0;  // until the client gives up
         while (!peer.stopped() && recv(fd, &byte, 1, 0) < 0) {
         }
         shutdown(fd, SHUT_RDWR);
       }},
      {"trickles",
       [](HttpPeer& peer, int fd, size_t) {
         HttpPeer::say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
         char byte = 0;
         while (!peer.stopped() && recv(fd, &byte, 1, 0) < 0) HttpPeer::say(fd, ".");
         shutdown(fd, SHUT_RDWR);
       }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::atomic<bool> good{false};
    HttpPeer peer([&](HttpPeer& self, int fd, size_t number) {
      if (good) return HttpPeer::answer(fd, "200 OK");
      row.bad(self, fd, number);
    });
    Pair pair(http_to(peer.url()));
    pair.send_all();
    wait_until([&] { return peer.count() >= 2 && !pair.http().healthy; });
    EXPECT_EQ(pair.http().sent, 0u);
    EXPECT_EQ(pair.http().lost_total(), 0u);
    good = true;
    wait_until([&] { return pair.http().sent == kAlerts; });
    pair.outputs.finish();
    const OutputCounters counters = pair.http();
    EXPECT_TRUE(counters.healthy);
    EXPECT_GE(counters.retried, 1u);
    EXPECT_EQ(counters.lost_total(), 0u);
    EXPECT_GT(counters.last_success_ns, 0u);
    const auto ids = ids_of(peer.requests());
    EXPECT_EQ(ids[0], test_id(0));
    EXPECT_EQ(ids[1], ids[0]) << "the second attempt has the same id";
    EXPECT_EQ(ids.back(), test_id(kAlerts - 1));
  }
}

TEST(HttpSink, AnAnswerThatNeverEndsIsNotReadToItsEnd) {
  HttpPeer peer([](HttpPeer&, int fd, size_t) {
    HttpPeer::answer(fd, "200 OK", "", std::string(4u << 20, 'x'));
  });
  Pair pair(http_to(peer.url()));
  pair.send_all(0, 3);
  pair.outputs.finish();
  EXPECT_EQ(pair.http().sent, 3u);
}

TEST(HttpSink, RefusedForGood) {
  for (const char* status : {"400 Bad", "301 Moved", "404 Gone", "413 Large"}) {
    SCOPED_TRACE(status);
    HttpPeer peer([&](HttpPeer&, int fd, size_t number) {
      HttpPeer::answer(fd, number == 1 ? status : "200 OK");
    });
    Pair pair(http_to(peer.url()));
    pair.send_all(0, 10);
    pair.outputs.finish();
    EXPECT_EQ(pair.http().sent, 9u);
    EXPECT_EQ(pair.http().lost_for(AlertLoss::Refused), 1u);
    EXPECT_EQ(peer.count(), 10u) << "it is not asked again";
  }
}

TEST(HttpSink, NobodyListensThenSomebodyDoesThenVanishesAndComesBack) {
  const uint16_t port = HttpPeer::free_port();
  const auto fine = [](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "200 OK"); };
  Pair pair(http_to("http://127.0.0.1:" + std::to_string(port) + "/"));
  pair.send_all(0, 50);
  wait_until([&] { return !pair.http().healthy; });
  {
    HttpPeer peer(fine, port);
    wait_until([&] { return pair.http().sent == 50; });
  }
  pair.send_all(50, 100);
  wait_until([&] { return !pair.http().healthy; });
  HttpPeer peer(fine, port);
  wait_until([&] { return pair.http().sent == 100; });
  EXPECT_EQ(pair.http().lost_total(), 0u);
}

TEST(HttpSink, WhatIsLeftAtTheEndIsCounted) {
  Pair pair(http_to("http://127.0.0.1:" + std::to_string(HttpPeer::free_port()) + "/"));
  pair.send_all();
  pair.outputs.finish(kHurry);
  EXPECT_EQ(pair.http().lost_for(AlertLoss::Unfinished), static_cast<uint64_t>(kAlerts));
}

TEST(HttpSink, SilentPeerCostsOneAlertForEachRowOfTimeouts) {
  std::atomic<bool> good{false};
  HttpPeer peer([&](HttpPeer& self, int fd, size_t) {
    char byte = 0;
    while (!good && !self.stopped() && recv(fd, &byte, 1, 0) < 0) {
    }
    if (good) HttpPeer::answer(fd, "200 OK");
    if (!good) shutdown(fd, SHUT_RDWR);
  });
  Case chosen = http_to(peer.url());
  chosen.sink.http.timeout_ms = 40;
  chosen.lane.retry.max_timeouts = 2;
  Pair pair(chosen);
  pair.send_all(0, 5);
  wait_until([&] { return pair.http().lost_for(AlertLoss::Expired) >= 1; });
  const auto ids = ids_of(peer.requests());
  ASSERT_GE(ids.size(), 3u);
  EXPECT_EQ(ids[2], test_id(0)) << "three attempts";
  good = true;
  wait_until([&] { return pair.http().queued == 0; });
  pair.expect_all_accounted(5);
}

TEST(HttpSink, WithoutRetryAFailureLosesTheAlert) {
  Case chosen = http_to("http://127.0.0.1:" + std::to_string(HttpPeer::free_port()) + "/");
  chosen.lane.retry.give_up_ms = 0;
  Pair pair(chosen);
  pair.send_all(0, 20);
  wait_until([&] { return pair.http().lost_for(AlertLoss::Expired) == 20; });
}

TEST(HttpSink, FullQueueDropsAndCounts) {
  Case chosen = http_to("http://127.0.0.1:" + std::to_string(HttpPeer::free_port()) + "/");
  chosen.lane.queue_bytes = 16 * 1024;
  Pair pair(chosen);
  pair.send_all();
  EXPECT_GT(pair.http().lost_for(AlertLoss::QueueFull), 0u);
  EXPECT_LE(pair.http().queued_bytes, 16u * 1024);
  pair.expect_all_accounted(kAlerts);
}

TEST(HttpSink, LessSeriousAlertsStayAway) {
  HttpPeer peer([](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "200 OK"); });
  Case chosen = http_to(peer.url());
  chosen.lane.priority = Priority::Error;
  Pair pair(chosen);
  pair.outputs.send(test_alert(1, Priority::Warning), kNeverGiveUp);
  pair.outputs.send(test_alert(2, Priority::Error), kNeverGiveUp);
  pair.outputs.send(test_alert(3, Priority::Critical), kNeverGiveUp);
  pair.outputs.finish();
  EXPECT_EQ(peer.count(), 2u);
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string text(1u << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int status = inflate(&stream, Z_FINISH);
  text.resize(status == Z_STREAM_END ? stream.total_out : 0);
  inflateEnd(&stream);
  return text;
}

TEST(HttpSink, Gzip) {
  HttpPeer peer([](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "200 OK"); });
  Case chosen = http_to(peer.url());
  chosen.sink.http.compress = true;
  Pair pair(chosen);
  pair.send_all(0, 1);
  pair.outputs.finish();
  ASSERT_EQ(peer.count(), 1u);
  EXPECT_EQ(peer.requests()[0].header("Content-Encoding"), "gzip");
  EXPECT_EQ(gunzip(peer.requests()[0].body), format_alert(*test_alert(0), {.json = true}));
}

TEST(HttpSink, Batches) {
  for (const HttpBatchForm form : {HttpBatchForm::Array, HttpBatchForm::Lines}) {
    std::atomic<bool> good{false};
    // One alert among them is poison: the others must get through.
    HttpPeer peer([&](HttpPeer& self, int fd, size_t number) {
      if (!good) return HttpPeer::answer(fd, "503 Wait");
      const bool poison = self.requests()[number].body.find("number 7\"") != std::string::npos;
      HttpPeer::answer(fd, poison ? "400 Bad" : "200 OK");
    });
    Case chosen = http_to(peer.url());
    chosen.sink.batch_alerts = 50;
    chosen.sink.batch_form = form;
    chosen.lane.form = LineForm::ConfiguredWithId;
    Pair pair(chosen);
    pair.send_all();
    good = true;
    pair.outputs.finish();
    EXPECT_EQ(pair.http().sent, static_cast<uint64_t>(kAlerts - 1));
    EXPECT_EQ(pair.http().lost_for(AlertLoss::Refused), 1u);
    const HttpRequest last = peer.requests().back();
    if (form == HttpBatchForm::Array) {
      EXPECT_EQ(last.header("Content-Type"), "application/json");
      const auto array = nlohmann::json::parse(last.body);
      EXPECT_EQ(array.back()["gyr_id"], test_id(kAlerts - 1));
      EXPECT_GT(array.size(), 1u);
    } else {
      EXPECT_EQ(last.header("Content-Type"), "application/x-ndjson");
      EXPECT_TRUE(last.body.ends_with("}\n"));
    }
  }
}

TEST(HttpSink, WrongSettingsEndTheStart) {
  struct Row {
    HttpSinkSettings settings;
    const char* told;
  };
  const Row rows[] = {
      {{}, "http_output.url is empty"},
      {{.http = {.url = "ftp://x/"}}, "no URL that alerts can be sent to"},
      {{.http = {.url = "::::"}}, "no URL"},
      {{.http = {.url = "https://x/", .ca_cert = "/nonexistent/ca.pem"}}, "/nonexistent/ca.pem"},
      {{.http = {.url = "https://x/", .mtls = true, .client_cert = "/nonexistent/c.crt"}},
       "/nonexistent/c.crt"},
      {{.http = {.url = "https://x/"}, .json = false, .batch_alerts = 2}, "json_output"},
  };
  for (const Row& row : rows) {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_http_sink(row.settings));
    ASSERT_FALSE(added) << row.told;
    EXPECT_NE(added.error().message.find(row.told), std::string::npos) << added.error().message;
  }
}

LaneSettings otlp_lane() {
  return {.form = LineForm::OtlpRecord, .wants_ids = true, .retry = quick_retry()};
}

TEST(OtlpSink, RequestIsAsTheSpecificationSays) {
  HttpPeer peer([](HttpPeer&, int fd, size_t) { HttpPeer::answer(fd, "200 OK", "", "{}"); });
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(
      outputs.add(make_otlp_sink({.http = {.url = peer.url()}, .hostname = "box", .version = "9"}),
                  otlp_lane()));
  outputs.send(test_alert(5, Priority::Alert), kNeverGiveUp);
  outputs.finish();
  ASSERT_EQ(peer.count(), 1u);
  EXPECT_EQ(peer.requests()[0].header("Content-Type"), "application/json");
  const auto body = nlohmann::json::parse(peer.requests()[0].body);
  const auto& logs = body["resourceLogs"][0];
  EXPECT_EQ(logs["resource"]["attributes"].dump(),
            R"([{"key":"service.name","value":{"stringValue":"gyr"}},)"
            R"({"key":"host.name","value":{"stringValue":"box"}}])");
  EXPECT_EQ(logs["scopeLogs"][0]["scope"].dump(), R"({"name":"gyr","version":"9"})");
  const auto& record = logs["scopeLogs"][0]["logRecords"][0];
  EXPECT_EQ(record["timeUnixNano"], "1700000000000000005");
  EXPECT_EQ(record["severityNumber"], 19);
  EXPECT_EQ(record["severityText"], "Alert");
  EXPECT_EQ(record["body"]["stringValue"], "number 5");
  EXPECT_EQ(record["attributes"].back().dump(), R"({"key":"number","value":{"intValue":"5"}})");
  EXPECT_NE(record["attributes"].dump().find("log.record.uid"), std::string::npos);
}

TEST(OtlpSink, RejectedRecordsAndFinalCodesAreLost) {
  HttpPeer peer([](HttpPeer&, int fd, size_t number) {
    if (number == 0) return HttpPeer::answer(fd, "503 Wait");
    if (number == 1) {
      return HttpPeer::answer(
          fd, "200 OK", "",
          R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}})");
    }
    HttpPeer::answer(fd, number == 2 ? "500 Broken" : "200 OK");
  });
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(
      outputs.add(make_otlp_sink({.http = {.url = peer.url()}, .batch_alerts = 1}), otlp_lane()));
  for (int i = 0; i < 3; ++i) outputs.send(test_alert(i), kNeverGiveUp);
  outputs.finish();
  const OutputCounters counters = outputs.counters().at(0);
  EXPECT_EQ(counters.sent, 1u);
  EXPECT_EQ(counters.retried, 1u);
  EXPECT_EQ(counters.lost_for(AlertLoss::Refused), 2u) << "500 is final by the OTLP specification";
}

}  // namespace
}  // namespace gyr
