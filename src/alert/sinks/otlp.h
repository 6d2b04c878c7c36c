// SPDX-License-Identifier: Apache-2.0
// Alerts as OpenTelemetry logs: OTLP over HTTP in JSON. As its specification says, 429, 502, 503
// and 504 are failures for now, other codes than 200 for good, and records that a partial success
// rejects are not sent again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alert/http_client.h"
#include "alert/sink.h"

namespace gyr {

struct OtlpSinkSettings {
  HttpSettings http{};
  std::string hostname{};  // of the resource
  std::string version{};   // of this program
  size_t batch_alerts = 64;
  uint64_t batch_wait_ms = 0;
};
// Its lines are log records (LineForm::OtlpRecord).
std::unique_ptr<Sink> make_otlp_sink(OtlpSinkSettings settings);

}  // namespace gyr
