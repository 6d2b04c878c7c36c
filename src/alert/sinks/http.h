// SPDX-License-Identifier: Apache-2.0
// Alerts to a URL: one in each request, as receivers of the reference's alerts expect, or many as a
// JSON array or as lines. HTTP 408, 429 and 5xx are failures for now, other codes than 2xx for
// good.
#pragma once

#include <cstdint>
#include <memory>

#include "alert/http_client.h"
#include "alert/sink.h"

namespace gyr {

enum class HttpBatchForm : uint8_t { Array, Lines };

struct HttpSinkSettings {
  HttpSettings http{};
  bool json = false;  // the form of the lines
  bool echo = false;  // answers go to standard output
  size_t batch_alerts = 1;
  uint64_t batch_wait_ms = 0;
  HttpBatchForm batch_form = HttpBatchForm::Array;  // of more than one
};
std::unique_ptr<Sink> make_http_sink(HttpSinkSettings settings);

}  // namespace gyr
