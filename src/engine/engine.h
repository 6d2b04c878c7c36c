// SPDX-License-Identifier: Apache-2.0
// Detection: source → state → rules → alerts, on the calling thread. Everything it needs is given
// to it, so several engines can live in one process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alert/outputs.h"
#include "alert/statistics.h"
#include "base/log.h"
#include "base/system.h"
#include "engine/alert_builder.h"
#include "engine/event_stream.h"
#include "lang/compile.h"
#include "rules/ruleset.h"
#include "vm/program.h"

namespace gyr {

struct EngineSetup {
  StreamSettings stream;
  AlertSettings alert;
  MatchMode match = MatchMode::First;
  CompileSettings compile{};
  uint64_t duration_ns = 0;  // of wall-clock time, 0: no limit
};

enum class RunEnd : uint8_t {
  Finished,    // the source has no more events
  Stopped,     // asked to
  TimedOut,    // duration_ns is over
  ReaderGone,  // nobody reads the alerts on standard output any more
  Failed,      // Engine::error()
};

class Engine {
 public:
  // All references must outlive the engine.
  struct World {
    Source& source;
    Outputs& outputs;
    const Clock& clock;
    Logger logger;
  };
  Engine(EngineSetup settings, std::shared_ptr<const Ruleset> ruleset, World world);

  // Takes the snapshot. Once, before run().
  Result<void> open() { return stream_.open(); }
  // Until the source ends or `stop` is set (a signal handler may), checked at every event.
  RunEnd run(const std::atomic<bool>& stop);
  const Error& error() const { return stream_.error(); }

  const AlertStatistics& statistics() const { return statistics_; }
  // Of the rules that are tested, with their names.
  struct RuleCount {
    std::string name;
    RuleCounters counters;
  };
  std::vector<RuleCount> rule_counts() const;
  size_t rule_count() const { return active_.size(); }
  uint64_t events() const { return stream_.number(); }
  const State& state() const { return stream_.state(); }
  // What the state's tables had no room for, as a sentence; empty if nothing.
  std::string state_losses() const;

 private:
  void detect(const std::atomic<bool>& stop);
  std::optional<RunEnd> check();
  void report_losses();

  EngineSetup settings_;
  std::shared_ptr<const Ruleset> ruleset_;
  World world_;
  EventStream stream_;
  std::vector<const Rule*> active_;  // by number in the program
  Evaluator evaluator_;
  AlertStatistics statistics_;
  uint64_t started_ns_ = 0;
  uint64_t reported_losses_ = 0;
  uint64_t reported_state_losses_ = 0;
  uint64_t reported_at_ns_ = 0;
};

}  // namespace gyr
