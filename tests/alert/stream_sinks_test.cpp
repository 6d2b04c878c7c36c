// SPDX-License-Identifier: Apache-2.0
// NATS JetStream with a real server, Kafka with librdkafka's mock cluster: ids, repeats, brokers
// that vanish and come back.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <nats/nats.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <set>

#include "alert/http_peer.h"
#include "alert/sinks/file.h"
#include "alert/sinks/kafka.h"
#include "alert/sinks/nats.h"

namespace gyr {
namespace {

constexpr int kAlerts = 100;

LaneSettings json_lane() {
  return {.form = LineForm::Json, .wants_ids = true, .retry = quick_retry()};
}

struct Pair {
  TempFolder folder;
  Outputs outputs{{.finish_timeout_ms = 500}, null_logger()};

  explicit Pair(std::unique_ptr<Sink> sink) {
    const auto added = outputs.add(std::move(sink), json_lane());
    EXPECT_TRUE(added) << added.error().message;
    EXPECT_TRUE(outputs.add(make_file_sink({.path = folder / "out", .keep_alive = true})));
  }
  OutputCounters stream() const { return outputs.counters().at(0); }
  void send_all(int from = 0, int to = kAlerts) {
    for (int i = from; i < to; ++i) outputs.send(test_alert(i), kNeverGiveUp);
    wait_until([&] { return outputs.counters().at(1).sent >= static_cast<uint64_t>(to); });
  }
};

std::string nats_program() {
  for (const char* path : {"/usr/sbin/nats-server", "/usr/bin/nats-server"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

// A nats-server with JetStream on a port of its own; its store survives stop() and start().
class NatsServer {
 public:
  explicit NatsServer(std::string store) : store_(std::move(store)), port_(HttpPeer::free_port()) {}
  ~NatsServer() { stop(); }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  void start() {
    std::vector<std::string> words = {nats_program(),        "-a",  "127.0.0.1", "-p",
                                      std::to_string(port_), "-js", "-sd",       store_};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    wait_until([&] { return with_stream([](jsCtx*) { return true; }); });
  }
  void stop() {
    if (pid_ <= 0) return;
    kill(std::exchange(pid_, 0), SIGKILL);
    waitpid(-1, nullptr, 0);
  }
  void add_stream(const char* name, const char* subject) const {
    with_stream([&](jsCtx* js) {
      jsStreamConfig config;
      jsStreamConfig_Init(&config);
      config.Name = name;
      config.Subjects = &subject;
      config.SubjectsLen = 1;
      return js_AddStream(nullptr, js, &config, nullptr, nullptr) == NATS_OK;
    });
  }
  // The ids of all messages of the stream, in order.
  std::vector<std::string> ids(const char* stream) const {
    std::vector<std::string> ids;
    with_stream([&](jsCtx* js) {
      for (uint64_t number = 1;; ++number) {
        natsMsg* message = nullptr;
        if (js_GetMsg(&message, js, stream, number, nullptr, nullptr) != NATS_OK) return true;
        const char* id = nullptr;
        natsMsgHeader_Get(message, "Nats-Msg-Id", &id);
        ids.emplace_back(id != nullptr ? id : "");
        natsMsg_Destroy(message);
      }
    });
    return ids;
  }

 private:
  bool with_stream(const std::function<bool(jsCtx*)>& call) const {
    natsConnection* connection = nullptr;
    jsCtx* js = nullptr;
    bool good = natsConnection_ConnectTo(&connection, url().c_str()) == NATS_OK &&
                natsConnection_JetStream(&js, connection, nullptr) == NATS_OK;
    good = good && call(js);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return good;
  }
  std::string store_;
  uint16_t port_;
  pid_t pid_ = 0;
};

std::vector<std::string> ids(int from, int to) {
  std::vector<std::string> all;
  for (int i = from; i < to; ++i) all.push_back(test_id(i));
  return all;
}

TEST(NatsSink, ServerThatIsMissingThenHasNoStreamThenWorksThenVanishes) {
  if (nats_program().empty()) GTEST_SKIP() << "nats-server is not installed";
  TempFolder store;
  NatsServer server(store.path());
  Pair pair(make_nats_sink({.url = server.url(), .subject = "alerts", .timeout_ms = 500}));
  pair.send_all();
  wait_until([&] { return !pair.stream().healthy; });
  server.start();
  EXPECT_EQ(pair.stream().sent, 0u) << "no stream takes the subject yet";
  server.add_stream("ALERTS", "alerts");
  wait_until([&] { return pair.stream().sent == kAlerts; });
  server.stop();
  pair.send_all(kAlerts, 2 * kAlerts);
  wait_until([&] { return !pair.stream().healthy; });
  server.start();
  wait_until([&] { return pair.stream().sent == 2 * kAlerts; });
  pair.outputs.finish();
  EXPECT_EQ(pair.stream().lost_total(), 0u);
  EXPECT_EQ(server.ids("ALERTS"), ids(0, 2 * kAlerts));
  server.stop();
}

TEST(NatsSink, TheStreamDropsRepeats) {
  if (nats_program().empty()) GTEST_SKIP() << "nats-server is not installed";
  TempFolder store;
  NatsServer server(store.path());
  server.start();
  server.add_stream("ALERTS", "alerts");
  for (int run = 0; run < 2; ++run) {
    Pair pair(make_nats_sink({.url = server.url(), .subject = "alerts"}));
    pair.send_all();
    pair.outputs.finish();
    EXPECT_EQ(pair.stream().sent, static_cast<uint64_t>(kAlerts));
  }
  EXPECT_EQ(server.ids("ALERTS"), ids(0, kAlerts));
}

// Whatever listens there, nobody waits for it but this output.
TEST(NatsSink, PeersThatAreNone) {
  const HttpPeer::Script nothing = [](HttpPeer&, int, size_t) {};
  HttpPeer silent(nothing);
  Pair pair(make_nats_sink({.url = "nats://127.0.0.1:" + std::to_string(silent.port()),
                            .subject = "alerts",
                            .timeout_ms = 100}));
  pair.send_all();
  wait_until([&] { return !pair.stream().healthy; });
  pair.outputs.finish(kHurry);
  EXPECT_EQ(pair.stream().lost_for(AlertLoss::Unfinished), static_cast<uint64_t>(kAlerts));
}

TEST(NatsSink, WrongSettingsEndTheStart) {
  struct Row {
    NatsSinkSettings settings;
    const char* told;
  };
  const Row rows[] = {
      {{.url = "nats://x", .subject = ""}, "subject"},
      {{.url = "nats://x", .subject = "a.*"}, "wildcards"},
      {{.url = "nats://x", .subject = "a", .credentials = "/nonexistent/c"}, "/nonexistent/c"},
      {{.url = "nats://x", .subject = "a", .ca_cert = "/nonexistent/ca"}, "ca_cert"},
      {{.url = "nats://x", .subject = "a", .client_cert = "/nonexistent/c"}, "client_cert"},
  };
  for (const Row& row : rows) {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_nats_sink(row.settings));
    ASSERT_FALSE(added) << row.told;
    EXPECT_NE(added.error().message.find(row.told), std::string::npos) << added.error().message;
  }
}

// librdkafka's mock cluster, and a reader of its topic.
class KafkaCluster {
 public:
  KafkaCluster() {
    host_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0);
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    rd_kafka_mock_topic_create(cluster_, "alerts", 1, 1);
  }
  ~KafkaCluster() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }
  KafkaCluster(const KafkaCluster&) = delete;
  KafkaCluster& operator=(const KafkaCluster&) = delete;

  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void set_down(bool down) {
    if (down) {
      rd_kafka_mock_broker_set_down(cluster_, 1);
    } else {
      rd_kafka_mock_broker_set_up(cluster_, 1);
    }
  }
  // Keys of the topic in order, until there are so many different ones.
  std::vector<std::string> keys(size_t different) const {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers().c_str(), nullptr, 0);
    rd_kafka_conf_set(conf, "group.id", "test", nullptr, 0);
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", nullptr, 0);
    rd_kafka_t* reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0);
    rd_kafka_topic_partition_list_t* parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, "alerts", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    std::vector<std::string> keys;
    std::set<std::string> seen;
    while (seen.size() < different) {
      rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, 100);
      if (message == nullptr) continue;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        keys.emplace_back(static_cast<const char*>(message->key), message->key_len);
        seen.insert(keys.back());
      }
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return keys;
  }

 private:
  rd_kafka_t* host_;
  rd_kafka_mock_cluster_t* cluster_;
};

// librdkafka begins its threads with thrd_create(), which ThreadSanitizer does not see: it crashes.
class KafkaSinkTest : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer does not know the threads of librdkafka";
#endif
  }
};

KafkaSinkSettings kafka_to(const std::string& brokers) {
  return {.brokers = brokers,
          .topic = "alerts",
          .properties = {{"reconnect.backoff.max.ms", "50"}, {"reconnect.backoff.ms", "10"}},
          .timeout_ms = 400};
}

TEST_F(KafkaSinkTest, EveryAlertUnderItsIdInOrder) {
  KafkaCluster cluster;
  Pair pair(make_kafka_sink(kafka_to(cluster.brokers())));
  pair.send_all();
  wait_until([&] { return pair.stream().sent == kAlerts; });
  pair.outputs.finish();
  EXPECT_EQ(cluster.keys(kAlerts), ids(0, kAlerts));
}

TEST_F(KafkaSinkTest, BrokerThatVanishesAndComesBackLosesNothing) {
  KafkaCluster cluster;
  cluster.set_down(true);
  Pair pair(make_kafka_sink(kafka_to(cluster.brokers())));
  pair.send_all();
  wait_until([&] { return !pair.stream().healthy; });
  cluster.set_down(false);
  wait_until([&] { return pair.stream().sent == kAlerts; });
  pair.outputs.finish();
  EXPECT_EQ(pair.stream().lost_total(), 0u);
  const std::vector<std::string> keys = cluster.keys(kAlerts);
  EXPECT_EQ(std::set(keys.begin(), keys.end()).size(), static_cast<size_t>(kAlerts));
}

TEST_F(KafkaSinkTest, NobodyThereIsNoErrorAtTheStart) {
  const uint16_t port = HttpPeer::free_port();
  Pair pair(make_kafka_sink(kafka_to("127.0.0.1:" + std::to_string(port))));
  pair.send_all();
  wait_until([&] { return !pair.stream().healthy; });
  pair.outputs.finish(kHurry);
  EXPECT_EQ(pair.stream().lost_for(AlertLoss::Unfinished), static_cast<uint64_t>(kAlerts));
}

TEST_F(KafkaSinkTest, WrongSettingsEndTheStart) {
  struct Row {
    KafkaSinkSettings settings;
    const char* told;
  };
  const Row rows[] = {
      {{}, "brokers is empty"},
      {{.brokers = "x"}, "topic is empty"},
      {{.brokers = "x", .topic = "t", .properties = {{"no.such.key", "1"}}}, "no.such.key"},
      {{.brokers = "x", .topic = "t", .properties = {{"acks", "many"}}}, "acks"},
  };
  for (const Row& row : rows) {
    Outputs outputs({}, null_logger());
    const auto added = outputs.add(make_kafka_sink(row.settings));
    ASSERT_FALSE(added) << row.told;
    EXPECT_NE(added.error().message.find(row.told), std::string::npos) << added.error().message;
  }
}

}  // namespace
}  // namespace gyr
