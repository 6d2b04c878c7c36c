// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/kafka.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/shared_library.h"
#include "base/system.h"

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr int kPollMs = 100;
constexpr int kPurgeMs = 1000;

#define GYR_KAFKA_FUNCTIONS(F)   \
  F(rd_kafka_conf_new)           \
  F(rd_kafka_conf_set)           \
  F(rd_kafka_conf_destroy)       \
  F(rd_kafka_conf_set_opaque)    \
  F(rd_kafka_conf_set_dr_msg_cb) \
  F(rd_kafka_conf_set_log_cb)    \
  F(rd_kafka_conf_set_error_cb)  \
  F(rd_kafka_new)                \
  F(rd_kafka_produceva)          \
  F(rd_kafka_error_code)         \
  F(rd_kafka_error_destroy)      \
  F(rd_kafka_poll)               \
  F(rd_kafka_flush)              \
  F(rd_kafka_purge)              \
  F(rd_kafka_err2str)            \
  F(rd_kafka_destroy_flags)

struct Kafka {
#define GYR_MEMBER(name) decltype(&::name) name = nullptr;
  GYR_KAFKA_FUNCTIONS(GYR_MEMBER)
#undef GYR_MEMBER

  static Result<Kafka> load() {
    auto library = SharedLibrary::open("librdkafka.so.1", "librdkafka1");
    if (!library) return library.error();
    Kafka kafka;
#define GYR_FIND(name) library->find(#name, &kafka.name);
    GYR_KAFKA_FUNCTIONS(GYR_FIND)
#undef GYR_FIND
    if (Result<void> all = library->complete(); !all) return all.error();
    return kafka;
  }
};

class KafkaSink final : public Sink {
 public:
  explicit KafkaSink(KafkaSinkSettings settings) : settings_(std::move(settings)) {}
  ~KafkaSink() override { stop(); }

  std::string_view name() const override { return "gyr.outputs.kafka"; }
  BatchLimits limits() const override { return {.always = true}; }
  Result<void> check() override;
  Result<void> open(SinkPort& port) override;
  SinkResult send(std::span<const Outgoing> batch) override;
  void close() override { stop(); }
  // The library's threads can do what the one that starts them can.
  void reopen() override {
    stop();
    reopened_ = start();
  }
  bool starts_threads() const override { return true; }
  std::optional<Allowed> allowed() const override;

 private:
  // What became of one alert of the batch that is being sent.
  struct Slot {
    bool reported = false;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  };

  static void on_report(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    auto* slot = static_cast<Slot*>(message->_private);
    slot->reported = true;
    slot->error = message->err;
  }
  // The library would print to standard error.
  static void on_log(const rd_kafka_t*, int, const char*, const char*) {}
  static void on_error(rd_kafka_t*, int, const char* reason, void* opaque) {
    static_cast<KafkaSink*>(opaque)->last_error_ = reason;
  }

  Result<void> load();
  Result<void> check_files() const;
  Result<void> start();
  Result<void> configure(rd_kafka_conf_t* conf) const;
  rd_kafka_resp_err_t produce(const Outgoing& alert, Slot* slot) const;
  void wait_reports(const std::vector<Slot>& slots, size_t count) const;
  void stop() {
    if (producer_ == nullptr) return;
    kafka_.rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    kafka_.rd_kafka_flush(producer_, kPurgeMs);
    kafka_.rd_kafka_destroy_flags(producer_, 0);
    producer_ = nullptr;
  }

  KafkaSinkSettings settings_;
  SinkPort* port_ = nullptr;
  Kafka kafka_;
  rd_kafka_t* producer_ = nullptr;
  Result<void> reopened_;
  std::string last_error_;  // told while polling, by this thread
};

Result<void> KafkaSink::configure(rd_kafka_conf_t* conf) const {
  std::map<std::string, std::string> all = {
      {"bootstrap.servers", settings_.brokers},
      {"client.id", "gyr"},
      {"acks", "all"},
      {"message.timeout.ms", std::to_string(settings_.timeout_ms)},
  };
  for (const auto& [key, value] : settings_.properties) all[key] = value;
  for (const auto& [key, value] : all) {
    std::array<char, 512> why{};
    if (kafka_.rd_kafka_conf_set(conf, key.c_str(), value.c_str(), why.data(), why.size()) !=
        RD_KAFKA_CONF_OK) {
      return Error{fmt::format("gyr.outputs.kafka.properties: {}: {}", key, why.data())};
    }
  }
  return {};
}

Result<void> KafkaSink::load() {
  const bool mocked = settings_.properties.contains("test.mock.num.brokers");
  if (settings_.brokers.empty() && !mocked) return Error{"gyr.outputs.kafka.brokers is empty"};
  if (settings_.topic.empty()) return Error{"gyr.outputs.kafka.topic is empty"};
  auto kafka = Kafka::load();
  if (!kafka) return Error{"gyr.outputs.kafka: " + kafka.error().message};
  kafka_ = *kafka;
  return {};
}

// A producer connects to its brokers as soon as it is made, and only then reads its files.
Result<void> KafkaSink::check() {
  if (Result<void> loaded = load(); !loaded) return loaded;
  rd_kafka_conf_t* conf = kafka_.rd_kafka_conf_new();
  const Result<void> configured = configure(conf);
  kafka_.rd_kafka_conf_destroy(conf);
  return configured ? check_files() : configured;
}

Result<void> KafkaSink::check_files() const {
  for (const auto& [key, value] : settings_.properties) {
    if (!key.starts_with("ssl.") || !key.ends_with(".location") || !value.starts_with('/'))
      continue;
    if (may_use(value, R_OK)) continue;
    return Error{fmt::format("gyr.outputs.kafka.properties: {}: cannot read {}: {}", key, value,
                             std::strerror(errno))};
  }
  return {};
}

Result<void> KafkaSink::open(SinkPort& port) {
  port_ = &port;
  if (Result<void> loaded = load(); !loaded) return loaded;
  return start();
}

// Properties whose values are paths name files of TLS, tickets and the like.
std::optional<Allowed> KafkaSink::allowed() const {
  std::vector<std::string> own;
  for (const auto& [key, value] : settings_.properties) {
    if (value.starts_with('/')) own.push_back(value);
  }
  Allowed allowed{.capabilities = needed_to_read(own), .read = network_files()};
  allowed.read.insert(allowed.read.end(), own.begin(), own.end());
  return allowed;
}

Result<void> KafkaSink::start() {
  rd_kafka_conf_t* conf = kafka_.rd_kafka_conf_new();
  if (Result<void> configured = configure(conf); !configured) {
    kafka_.rd_kafka_conf_destroy(conf);
    return configured;
  }
  kafka_.rd_kafka_conf_set_opaque(conf, this);
  kafka_.rd_kafka_conf_set_dr_msg_cb(conf, &KafkaSink::on_report);
  kafka_.rd_kafka_conf_set_log_cb(conf, &KafkaSink::on_log);
  kafka_.rd_kafka_conf_set_error_cb(conf, &KafkaSink::on_error);
  std::array<char, 512> why{};
  producer_ = kafka_.rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
  if (producer_ != nullptr) return {};
  kafka_.rd_kafka_conf_destroy(conf);
  return Error{fmt::format("gyr.outputs.kafka: {}", why.data())};
}

rd_kafka_resp_err_t KafkaSink::produce(const Outgoing& alert, Slot* slot) const {
  std::array<rd_kafka_vu_t, 6> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = settings_.topic.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[1].u.i = RD_KAFKA_MSG_F_COPY;
  parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[2].u.mem.ptr = const_cast<char*>(alert.line.data());
  parts[2].u.mem.size = alert.line.size();
  parts[3].vtype = RD_KAFKA_VTYPE_KEY;
  parts[3].u.mem.ptr = const_cast<char*>(alert.id.data());
  parts[3].u.mem.size = alert.id.size();
  parts[4].vtype = RD_KAFKA_VTYPE_HEADER;
  parts[4].u.header.name = "gyr-alert-id";
  parts[4].u.header.val = alert.id.data();
  parts[4].u.header.size = static_cast<ssize_t>(alert.id.size());
  parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  parts[5].u.ptr = slot;
  rd_kafka_error_t* error = kafka_.rd_kafka_produceva(producer_, parts.data(), parts.size());
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const rd_kafka_resp_err_t code = kafka_.rd_kafka_error_code(error);
  kafka_.rd_kafka_error_destroy(error);
  return code;
}

// Until everything is reported: delivered, failed, or taken back when the time is over.
void KafkaSink::wait_reports(const std::vector<Slot>& slots, size_t count) const {
  const auto all = [&] {
    return std::all_of(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(count),
                       [](const Slot& slot) { return slot.reported; });
  };
  const uint64_t end = clock_ns(CLOCK_MONOTONIC) + settings_.timeout_ms * kMillisecond;
  while (!all()) {
    kafka_.rd_kafka_poll(producer_, kPollMs);
    if (port_->ending || clock_ns(CLOCK_MONOTONIC) >= end) break;
  }
  if (all()) return;
  kafka_.rd_kafka_purge(producer_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  // Their reports name slots of this batch: none may come later.
  while (!all()) kafka_.rd_kafka_poll(producer_, kPollMs);
}

SinkResult KafkaSink::send(std::span<const Outgoing> batch) {
  if (producer_ == nullptr) reopened_ = start();
  if (producer_ == nullptr) return sink_failure(reopened_.error().message);
  std::vector<Slot> slots(batch.size());
  last_error_.clear();
  size_t produced = 0;
  rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (; produced < batch.size(); ++produced) {
    refused = produce(batch[produced], &slots[produced]);
    if (refused != RD_KAFKA_RESP_ERR_NO_ERROR) break;
  }
  wait_reports(slots, produced);
  size_t delivered = 0;
  while (delivered < produced && slots[delivered].error == RD_KAFKA_RESP_ERR_NO_ERROR) ++delivered;
  if (delivered == batch.size()) return {};
  const rd_kafka_resp_err_t error = delivered < produced ? slots[delivered].error : refused;
  SinkResult result = sink_failure(
      fmt::format("gyr.outputs.kafka: {}: {}{}{}", settings_.brokers,
                  kafka_.rd_kafka_err2str(error), last_error_.empty() ? "" : ", ", last_error_),
      delivered);
  if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_INVALID_RECORD) {
    result.status = SinkStatus::Refused;
  }
  result.timed_out =
      error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  return result;
}

}  // namespace

std::unique_ptr<Sink> make_kafka_sink(KafkaSinkSettings settings) {
  return std::make_unique<KafkaSink>(std::move(settings));
}

}  // namespace gyr
