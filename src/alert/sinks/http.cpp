// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/http.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "alert/sinks/http_failure.h"
#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kBatchBytes = 1u << 20;

bool is_for_now(long status) { return status == 408 || status == 429 || status >= 500; }

class HttpSink final : public Sink {
 public:
  explicit HttpSink(HttpSinkSettings settings) : settings_(std::move(settings)) {}

  std::string_view name() const override { return "http_output"; }
  Result<void> check() override {
    if (settings_.http.url.empty()) return Error{"http_output.url is empty"};
    if (settings_.batch_alerts > 1 && settings_.batch_form == HttpBatchForm::Array &&
        !settings_.json) {
      return Error{
          "gyr.outputs.http.batch_form is array, which needs json_output: true; text alerts are "
          "batched as lines"};
    }
    auto client = HttpClient::create(settings_.http);
    if (!client) return Error{"http_output: " + client.error().message};
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
            .always = settings_.batch_alerts > 1};
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    std::vector<std::string> headers;
    if (batch.size() == 1 && !batch.front().id.empty()) {
      headers.push_back(fmt::format("Gyr-Alert-Id: {}", batch.front().id));
    }
    const HttpAnswer answer = client_->post(body_of(batch), content_type(), headers, port_->ending);
    if (settings_.echo && !answer.body.empty()) echo(answer.body);
    if (answer.status >= 200 && answer.status < 300) return {};
    return http_failure(name(), settings_.http.url, answer, is_for_now);
  }

 private:
  bool batched() const { return settings_.batch_alerts > 1; }

  std::string content_type() const {
    if (!settings_.json) return "text/plain";
    return batched() && settings_.batch_form == HttpBatchForm::Lines ? "application/x-ndjson"
                                                                     : "application/json";
  }
  std::string body_of(std::span<const Outgoing> batch) const {
    if (!batched()) return std::string(batch.front().line);
    const bool array = settings_.batch_form == HttpBatchForm::Array;
    std::string body = array ? "[" : "";
    for (const Outgoing& alert : batch) {
      if (array && body.size() > 1) body += ',';
      body += alert.line;
      if (!array) body += '\n';
    }
    return array ? body + "]" : body;
  }
  // As the reference does; for diagnosis only.
  static void echo(const std::string& body) {
    const std::string line = one_line(body) + "\n";
    [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, line.data(), line.size());
  }

  HttpSinkSettings settings_;
  SinkPort* port_ = nullptr;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace

std::unique_ptr<Sink> make_http_sink(HttpSinkSettings settings) {
  return std::make_unique<HttpSink>(std::move(settings));
}

}  // namespace gyr
