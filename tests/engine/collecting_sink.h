// SPDX-License-Identifier: Apache-2.0
// A sink that keeps what it gets, for tests.
#pragma once

#include <memory>
#include <mutex>
#include <string>
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
  Result<void> open() override { return {}; }
  SinkStatus write(const Alert& alert, std::string_view) override {
    const std::lock_guard lock(seen_->mutex);
    seen_->alerts.push_back(alert);
    return SinkStatus::Ok;
  }
  SinkStatus flush() override { return SinkStatus::Ok; }
  const std::string& reason() const override { return reason_; }

 private:
  std::shared_ptr<Seen> seen_;
  std::string reason_;
};

}  // namespace gyr
