// SPDX-License-Identifier: Apache-2.0
// A sink that keeps what it gets, for tests.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "alert/sink.h"

namespace gyr {

class CollectingSink final : public Sink {
 public:
  struct Seen {
    std::mutex mutex;
    std::vector<Alert> alerts;
  };
  explicit CollectingSink(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  std::string_view name() const override { return "collecting"; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing> batch) override {
    const std::lock_guard lock(seen_->mutex);
    for (const Outgoing& each : batch) seen_->alerts.push_back(*each.alert);
    return {};
  }

 private:
  std::shared_ptr<Seen> seen_;
};

}  // namespace gyr
