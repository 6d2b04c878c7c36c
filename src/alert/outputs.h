// SPDX-License-Identifier: Apache-2.0
// From the engine's thread to the sinks: one bounded queue and one thread per sink, so that a slow
// or blocked sink holds up neither detection nor the other sinks. Nothing is lost silently: what a
// queue or a sink could not take is counted and said.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "alert/format.h"
#include "alert/output_counters.h"
#include "alert/sink.h"
#include "base/log.h"
#include "base/result.h"

namespace gyr {

struct OutputSettings {
  AlertFormat format{};
  size_t queue_capacity = 16384;  // alerts per sink; 0 means kMaxQueue
  bool wait_when_full = false;    // replay waits for room, live drops and counts
  bool buffered = false;          // false: each alert is flushed; true: when the queue is empty
  uint64_t finish_timeout_ms = 2000;
};

class Outputs {
 public:
  static constexpr size_t kMaxQueue = 1u << 20;

  Outputs(OutputSettings settings, Logger logger);
  ~Outputs();  // finish()
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  // Opens the sink and starts its thread. An error names the sink.
  Result<void> add(std::unique_ptr<Sink> sink);
  bool empty() const { return lanes_.empty(); }

  // Hands the alert to every sink. `give_up` is asked while waiting for room (wait_when_full): once
  // it says true, the alert is dropped and counted. From one thread only.
  void send(const AlertPtr& alert, const std::function<bool()>& give_up);

  // Nobody reads the standard output any more; the program should end. Any thread.
  bool reader_gone() const { return reader_gone_->load(std::memory_order_relaxed); }
  // Sinks open their files anew before the next alert. Any thread.
  void reopen();
  // Delivers what is queued and ends the threads. Once `hurry` is true, which is asked ten times a
  // second, a sink that needs longer than finish_timeout_ms is left behind and what it still had is
  // counted.
  void finish(const std::function<bool()>& hurry = {});

  std::vector<OutputCounters> counters() const;

 private:
  struct Lane;
  static void run(const std::shared_ptr<Lane>& lane);

  OutputSettings settings_;
  Logger logger_;
  std::shared_ptr<std::atomic<bool>> reader_gone_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  bool finished_ = false;
};

}  // namespace gyr
