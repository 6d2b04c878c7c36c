// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/otlp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "alert/otlp_record.h"
#include "alert/sinks/http_failure.h"
#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kBatchBytes = 1u << 20;

bool is_for_now(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

struct Rejected {
  uint64_t records = 0;
  std::string why{};
};

// Of an answer {"partialSuccess": {"rejectedLogRecords": "3", "errorMessage": "…"}}; numbers of 64
// bits may be texts.
Rejected rejected_by(const std::string& body) {
  const nlohmann::json answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("partialSuccess")) return {};
  const nlohmann::json& partial = answer["partialSuccess"];
  if (!partial.is_object() || !partial.contains("rejectedLogRecords")) return {};
  const nlohmann::json& count = partial["rejectedLogRecords"];
  Rejected rejected;
  if (count.is_number_unsigned()) rejected.records = count.get<uint64_t>();
  if (count.is_string()) {
    const auto& text = count.get_ref<const std::string&>();
    rejected.records = std::strtoull(text.c_str(), nullptr, 10);
  }
  if (partial.contains("errorMessage") && partial["errorMessage"].is_string()) {
    rejected.why = partial["errorMessage"].get<std::string>().substr(0, kToldBody);
  }
  return rejected;
}

class OtlpSink final : public Sink {
 public:
  explicit OtlpSink(OtlpSinkSettings settings) : settings_(std::move(settings)) {}

  std::string_view name() const override { return "gyr.outputs.otlp"; }
  Result<void> check() override {
    if (settings_.http.url.empty()) return Error{"gyr.outputs.otlp.url is empty"};
    auto client = HttpClient::create(settings_.http);
    if (!client) return Error{"gyr.outputs.otlp: " + client.error().message};
    client_ = *std::move(client);
    return {};
  }
  Result<void> open(SinkPort& port) override {
    port_ = &port;
    return check();
  }
  std::optional<Allowed> allowed() const override { return allowed_to(settings_.http); }
  BatchLimits limits() const override {
    return {.alerts = settings_.batch_alerts,
            .bytes = kBatchBytes,
            .wait_ms = settings_.batch_wait_ms,
            .always = true};
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    std::string records;
    for (const Outgoing& alert : batch) {
      if (!records.empty()) records += ',';
      records += alert.line;
    }
    const HttpAnswer answer =
        client_->post(otlp_request(settings_.hostname, settings_.version, records),
                      "application/json", {}, port_->ending);
    if (answer.status >= 200 && answer.status < 300) return success(answer, batch.size());
    return http_failure(name(), settings_.http.url, answer, is_for_now);
  }

 private:
  SinkResult success(const HttpAnswer& answer, size_t sent) {
    const Rejected rejected = rejected_by(answer.body);
    SinkResult result;
    result.given_up = std::min<uint64_t>(rejected.records, sent);
    if (result.given_up > 0) {
      port_->count_lost(AlertLoss::Refused, result.given_up);
      port_->logger->error("gyr.outputs.otlp: {} of {} records were rejected: {}", result.given_up,
                           sent, one_line(rejected.why));
    }
    return result;
  }

  OtlpSinkSettings settings_;
  SinkPort* port_ = nullptr;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

std::unique_ptr<Sink> make_otlp_sink(OtlpSinkSettings settings) {
  return std::make_unique<OtlpSink>(std::move(settings));
}

}  // namespace gyr
