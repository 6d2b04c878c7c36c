// SPDX-License-Identifier: Apache-2.0
#include "app/sinks.h"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "alert/sinks/file.h"
#include "alert/sinks/http.h"
#include "alert/sinks/kafka.h"
#include "alert/sinks/nats.h"
#include "alert/sinks/otlp.h"
#include "alert/sinks/program.h"
#include "alert/sinks/stdout.h"
#include "alert/sinks/syslog.h"
#include "alert/sinks/unix_socket.h"
#include "app/terminal.h"

namespace gyr::app {
namespace {

constexpr size_t kMegabyte = 1u << 20;
constexpr size_t kKilobyte = 1u << 10;

// How the outputs differ for their lanes.
struct LaneKind {
  LineForm form = LineForm::Configured;
  LineForm form_with_id = LineForm::ConfiguredWithId;
  bool wants_ids = false;
  uint32_t max_timeouts = UINT32_MAX;
};
constexpr LaneKind kLines{};
constexpr LaneKind kJson{.form = LineForm::Json, .form_with_id = LineForm::JsonWithId};
constexpr LaneKind kJsonAndIds{
    .form = LineForm::Json, .form_with_id = LineForm::JsonWithId, .wants_ids = true};
constexpr LaneKind kRecords{
    .form = LineForm::OtlpRecord, .form_with_id = LineForm::OtlpRecord, .wants_ids = true};

LaneSettings lane_settings(const OutputDelivery& delivery, const LaneKind& kind) {
  return {.form = delivery.id_in_json ? kind.form_with_id : kind.form,
          .priority = delivery.priority,
          .wants_ids = kind.wants_ids || delivery.id_in_json,
          .retry = {.max_ms = delivery.retry_max_ms,
                    .give_up_ms = delivery.retry_seconds * uint64_t{1000},
                    .max_timeouts = kind.max_timeouts},
          .queue_bytes = delivery.queue_mb * kMegabyte,
          .spool_folder = delivery.spool,
          .spool_bytes = delivery.spool_mb * kMegabyte};
}

std::vector<std::string> header_lines(const std::map<std::string, std::string>& headers) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : headers) {
    std::string line = name;
    line += ": ";
    line += value;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::unique_ptr<Sink> http_sink(const SinkChoice& choice) {
  const HttpOutputSettings& http = choice.http;
  const HttpDelivery& ours = choice.ours.http;
  return make_http_sink({.http = {.url = http.url,
                                  .user_agent = http.user_agent,
                                  .insecure = http.insecure,
                                  .ca_cert = http.ca_cert,
                                  .ca_bundle = http.ca_bundle,
                                  .ca_path = http.ca_path,
                                  .mtls = http.mtls,
                                  .client_cert = http.client_cert,
                                  .client_key = http.client_key,
                                  .tcp_keep_alive = http.keep_alive,
                                  .compress = http.compress_uploads,
                                  .timeout_ms = ours.timeout_ms,
                                  .headers = header_lines(ours.headers)},
                         .json = choice.json,
                         .echo = http.echo,
                         .batch_alerts = ours.batch_alerts,
                         .batch_wait_ms = ours.batch_wait_ms,
                         .batch_form = choice.ours.http_batch_form == BatchForm::Array
                                           ? HttpBatchForm::Array
                                           : HttpBatchForm::Lines});
}

std::unique_ptr<Sink> otlp_sink(const SinkChoice& choice) {
  const OtlpOutputSettings& otlp = choice.ours.otlp;
  const HttpDelivery& http = choice.ours.otlp_http;
  return make_otlp_sink({.http = {.url = otlp.url,
                                  .user_agent = "gyr/" GYR_VERSION,
                                  .insecure = otlp.insecure,
                                  .ca_cert = otlp.ca_cert,
                                  .mtls = !otlp.client_cert.empty(),
                                  .client_cert = otlp.client_cert,
                                  .client_key = otlp.client_key,
                                  .compress = otlp.compress,
                                  .timeout_ms = http.timeout_ms,
                                  .headers = header_lines(http.headers)},
                         .hostname = choice.hostname,
                         .version = GYR_VERSION,
                         .batch_alerts = http.batch_alerts,
                         .batch_wait_ms = http.batch_wait_ms});
}

Result<std::unique_ptr<Sink>> unix_sink(const UnixOutputSettings& unix_socket) {
  UnixSinkSettings sink{.path = unix_socket.path,
                        .owner = unix_socket.owner,
                        .readers = unix_socket.readers,
                        .reader_bytes = unix_socket.reader_kb * kKilobyte};
  const std::string& mode = unix_socket.mode;
  constexpr int kOctal = 8;
  constexpr mode_t kAll = 0777;
  const auto [stop, error] =
      std::from_chars(mode.data(), mode.data() + mode.size(), sink.mode, kOctal);
  if (error != std::errc() || stop != mode.data() + mode.size() || sink.mode > kAll) {
    return Error{fmt::format(
        "gyr.outputs.unix.mode: '{}' are no permissions in octal, such as \"0660\"", mode)};
  }
  return make_unix_sink(std::move(sink));
}

std::unique_ptr<Sink> nats_sink(const NatsOutputSettings& nats) {
  return make_nats_sink({.url = nats.url,
                         .subject = nats.subject,
                         .credentials = nats.credentials,
                         .ca_cert = nats.ca_cert,
                         .client_cert = nats.client_cert,
                         .client_key = nats.client_key,
                         .timeout_ms = nats.timeout_ms});
}

std::unique_ptr<Sink> kafka_sink(const KafkaOutputSettings& kafka) {
  return make_kafka_sink({.brokers = kafka.brokers,
                          .topic = kafka.topic,
                          .properties = kafka.properties,
                          .timeout_ms = kafka.timeout_ms});
}

std::unique_ptr<Sink> file_sink(const SinkChoice& choice) {
  const FileRotation& rotation = choice.ours.file;
  return make_file_sink({.path = choice.file.filename,
                         .keep_alive = choice.file.keep_alive,
                         .rotate_bytes = rotation.rotate_mb * kMegabyte,
                         .rotate_seconds = rotation.rotate_seconds,
                         .rotate_files = rotation.rotate_files});
}

using UseSink =
    std::function<Result<void>(std::unique_ptr<Sink> sink, const LaneSettings& settings)>;

// Each that is enabled; there must be one.
Result<void> for_each_sink(const SinkChoice& choice, const UseSink& use) {
  const GyrOutputSettings& ours = choice.ours;
  LaneKind http_kind = kLines;
  http_kind.wants_ids = true;
  http_kind.max_timeouts = choice.http.max_consecutive_timeouts;
  struct Row {
    bool enabled;
    const OutputDelivery& delivery;
    LaneKind kind;
    std::function<Result<std::unique_ptr<Sink>>()> make;
  };
  const Row rows[] = {
      {choice.stdout_enabled, ours.to_stdout, kLines, [] { return make_stdout_sink(); }},
      {choice.syslog_enabled, ours.to_syslog, kLines, [] { return make_syslog_sink(); }},
      {choice.file.enabled, ours.to_file, kLines, [&] { return file_sink(choice); }},
      {choice.program.enabled, ours.to_program, kLines,
       [&] {
         return make_program_sink(
             {choice.program.program, choice.program.keep_alive, ours.program_keep_privileges});
       }},
      {choice.http.enabled, ours.to_http, http_kind, [&] { return http_sink(choice); }},
      {ours.unix_socket.enabled, ours.to_unix, kJson, [&] { return unix_sink(ours.unix_socket); }},
      {ours.otlp.enabled, ours.to_otlp, kRecords, [&] { return otlp_sink(choice); }},
      {ours.nats.enabled, ours.to_nats, kJsonAndIds, [&] { return nats_sink(ours.nats); }},
      {ours.kafka.enabled, ours.to_kafka, kJsonAndIds, [&] { return kafka_sink(ours.kafka); }},
  };
  bool any = false;
  for (const Row& row : rows) {
    if (!row.enabled) continue;
    any = true;
    auto sink = row.make();
    if (!sink) return sink.error();
    const LaneSettings lane = lane_settings(row.delivery, row.kind);
    if (Result<void> used = use(*std::move(sink), lane); !used) return used;
  }
  if (any) return {};
  return Error{"no output is enabled; enable one, for example -o stdout_output.enabled=true"};
}

}  // namespace

SinkChoice sink_choice(const Settings& settings) {
  return {.stdout_enabled = settings.stdout_enabled,
          .syslog_enabled = settings.syslog_enabled,
          .file = settings.file_output,
          .program = settings.program_output,
          .http = settings.http_output,
          .ours = settings.gyr.outputs,
          .json = settings.json_output};
}

Result<void> add_sinks(const SinkChoice& choice, Outputs* outputs) {
  return for_each_sink(choice, [&](std::unique_ptr<Sink> sink, const LaneSettings& settings) {
    return outputs->add(std::move(sink), settings);
  });
}

Result<void> check_sinks(const SinkChoice& choice) {
  std::set<std::string> spools;
  return for_each_sink(
      choice, [&](std::unique_ptr<Sink> sink, const LaneSettings& settings) -> Result<void> {
        const std::string& spool = settings.spool_folder;
        if (!spool.empty() && !spools.insert(spool).second) {
          return Error{
              fmt::format("{}: spool {}: another output uses this folder", sink->name(), spool)};
        }
        return Lane::check(*sink, settings);
      });
}

}  // namespace gyr::app
