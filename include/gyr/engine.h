// SPDX-License-Identifier: Apache-2.0
// Detection: a source, rules and sinks put together. Engines share nothing but rules, so several
// can run in one process, each on a thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gyr/result.h"
#include "gyr/rules.h"
#include "gyr/sink.h"
#include "gyr/source.h"

namespace gyr::api {

struct EngineSettings {
  bool all_matches = false;   // else only the first rule that matches an event gives an alert
  bool json = false;          // the form of a sink's lines
  bool iso_8601 = false;      // times with date and offset
  std::string hostname{};     // in JSON lines
  size_t queue_capacity = 0;  // alerts that may wait for a sink, 0: 1,048,576
};

enum class RunEnd : uint8_t { Finished, Stopped };

// Of one sink, in the order of add().
struct SinkCounters {
  std::string sink;
  uint64_t delivered = 0;
  uint64_t lost = 0;  // refused by the sink, or no room for them when the run was stopped
};

class Engine {
 public:
  // Tests the rules for system calls; it shares them with `rules`, which need not live on.
  Engine(Source source, const Rules& rules, const EngineSettings& settings = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  // Before run(). Without a sink alerts are only counted.
  Result<void> add(std::unique_ptr<Sink> sink);
  // Once, on the calling thread. Until the source ends or `stop` is set, by any thread or signal
  // handler. When it returns, write() was called for every alert that was not counted as lost, and
  // is not called again. The error says where the source is damaged; the events before it count.
  Result<RunEnd> run(const std::atomic<bool>& stop);
  Result<RunEnd> run();

  uint64_t events() const;  // read so far
  std::vector<SinkCounters> counters() const;
  // Alerts by severity and rule, as gyr prints them at its end.
  std::string statistics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gyr::api
