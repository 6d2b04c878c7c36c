// SPDX-License-Identifier: Apache-2.0
// Alerts to a topic of Kafka, as JSON; the key of each is its id, which is also its header
// gyr-alert-id. Sent means that all replicas in sync have it (acks=all, unless `properties` say
// otherwise).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct KafkaSinkSettings {
  std::string brokers{};
  std::string topic{};
  std::map<std::string, std::string> properties{};  // of librdkafka
  uint64_t timeout_ms = 10'000;                     // for the acknowledgements of a batch
};
std::unique_ptr<Sink> make_kafka_sink(KafkaSinkSettings settings);

}  // namespace gyr
