// SPDX-License-Identifier: Apache-2.0
// Alerts to a subject of NATS JetStream, as JSON, each with its id as Nats-Msg-Id, so that the
// stream drops repeats within its window. Sent means that the stream has acknowledged it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct NatsSinkSettings {
  std::string url{};  // servers, separated by commas
  std::string subject{};
  std::string credentials{};  // files, or empty
  std::string ca_cert{};
  std::string client_cert{};
  std::string client_key{};
  uint64_t timeout_ms = 5000;  // for connecting, and for the acknowledgements of a batch
};
std::unique_ptr<Sink> make_nats_sink(NatsSinkSettings settings);

}  // namespace gyr
