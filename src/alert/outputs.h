// SPDX-License-Identifier: Apache-2.0
// From the engine's thread to the sinks: a lane each (alert/lane.h), so that a slow, blocked or
// dead sink holds up neither detection nor the other sinks. Nothing is lost silently: what a queue,
// a sink or a spool could not take is counted and said.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "alert/format.h"
#include "alert/lane.h"
#include "alert/message.h"
#include "alert/output_counters.h"
#include "alert/sink.h"
#include "base/log.h"
#include "base/result.h"

namespace gyr {

struct OutputSettings {
  AlertFormat format{};
  size_t queue_capacity = 16384;  // alerts per sink; 0 means kMaxQueue
  bool wait_when_full = false;    // replay waits for room, live drops and counts
  bool buffered = false;          // false: each alert goes alone; true: as many as wait
  uint64_t finish_timeout_ms = 2000;
};

class Outputs {
 public:
  static constexpr size_t kMaxQueue = 1u << 20;

  Outputs(OutputSettings settings, Logger logger);
  ~Outputs();  // finish() in a hurry, unless that was called
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  // Opens the sink and starts its thread. An error names the sink.
  Result<void> add(std::unique_ptr<Sink> sink, const LaneSettings& settings = {});
  bool empty() const { return lanes_.empty(); }
  // Most bytes of alerts that may wait in memory, all sinks together.
  uint64_t queue_bytes() const { return queue_bytes_; }

  // Hands the alert to every sink that wants its priority. `give_up` is asked while waiting for
  // room (wait_when_full): once it says true, the alert is dropped and counted. From one thread
  // only.
  void send(const AlertPtr& alert, const std::function<bool()>& give_up);

  // Nobody reads the standard output any more; the program should end. Any thread.
  bool reader_gone() const { return reader_gone_->load(std::memory_order_relaxed); }
  // Sinks open their files anew before the next alert. Any thread.
  void reopen();
  // Delivers what is queued and ends the threads. A sink that fails gets finish_timeout_ms more;
  // once `hurry` is true, which is asked ten times a second, so does one that is slow. What is left
  // then stays in the sink's spool or is counted as lost.
  void finish(const std::function<bool()>& hurry = {});

  // In the order of add(). Any thread, once all sinks are added.
  std::vector<OutputCounters> counters() const;

 private:
  void report_losses() const;

  OutputSettings settings_;
  Logger logger_;
  std::shared_ptr<std::atomic<bool>> reader_gone_;
  std::vector<std::shared_ptr<Lane>> lanes_;
  AlertNumbering numbering_;
  uint64_t queue_bytes_ = 0;
  bool wants_ids_ = false;
  bool finished_ = false;
};

}  // namespace gyr
