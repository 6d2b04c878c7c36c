// SPDX-License-Identifier: Apache-2.0
// Detection: source → state → rules → alerts, on the calling thread. Everything it needs is given
// to it, so several engines can live in one process.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "alert/outputs.h"
#include "alert/statistics.h"
#include "base/log.h"
#include "base/system.h"
#include "engine/alert_builder.h"
#include "engine/drop_monitor.h"
#include "engine/event_stream.h"
#include "engine/governor.h"
#include "engine/prepared_rules.h"
#include "engine/silence.h"
#include "source/alert_capture.h"
#include "vm/program.h"

namespace gyr {

// Which alerts begin a capture, and how long it goes on; a rule may have a time of its own.
struct CaptureChoice {
  bool all_rules = false;  // else those that say `capture: true`
  uint64_t duration_ms = 5000;
  uint64_t max_file_mb = 0;  // as configured, for the message that a file has reached it
};

struct EngineSetup {
  StreamSettings stream;
  AlertSettings alert;
  DropSettings drops{};
  uint64_t silent_rounds = 0;  // of a live source, before that is told (Silence)
  // Called between two events: at least every kEventsBetweenChecks and when the source has none.
  std::function<void()> between_events{};
  uint64_t duration_ns = 0;  // of wall-clock time, 0: no limit
  CaptureChoice capture{};
  // Live only: why a container's fields have no values, "" when all have. Then an alert that lacks
  // some is explained in the debug log.
  std::function<std::string(std::string_view container_id)> why_missing{};
};

enum class RunEnd : uint8_t {
  Finished,     // the source has no more events
  Stopped,      // asked to
  TimedOut,     // duration_ns is over
  ReaderGone,   // nobody reads the alerts on standard output any more
  TooManyLost,  // events, and syscall_event_drops says to end then
  Failed,       // Engine::error()
};

class Engine {
 public:
  // All references must outlive the engine.
  struct World {
    Source& source;
    Outputs& outputs;
    const Clock& clock;
    Logger logger;
    AlertCapture* capture = nullptr;  // then it is the source, or what the source reads from
  };
  Engine(EngineSetup settings, std::shared_ptr<const PreparedRules> rules, World world);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  static constexpr uint32_t kEventsBetweenChecks = 4096;

  // Takes the snapshot. Once, before run().
  Result<void> open() { return stream_.open(); }
  // Until the source ends or `stop` is set (a signal handler may), checked at every event.
  RunEnd run(const std::atomic<bool>& stop);
  const Error& error() const { return stream_.error(); }

  // From any thread, while it runs: the rules take the place of the current ones between two
  // events, within some 100 ms. State, source and outputs stay, and what is collected follows. What
  // fields remember about earlier events (evt.deltatime …) begins anew. Of several offers that
  // nobody saw yet the last one counts.
  void offer(std::shared_ptr<const PreparedRules> rules);
  // From any thread: tells in an alert that a reload has failed and the old rules stay.
  void report_failed_reload(std::string why);

  const AlertStatistics& statistics() const { return statistics_; }
  // Of the rules that are tested, with their names; of a rule that was there under the same name
  // before a reload, from then on.
  struct RuleCount {
    const Rule& rule;
    RuleCounters counters;
  };
  std::vector<RuleCount> rule_counts() const;
  // Alerts that were left out as gyr.storms asks for, told in summaries.
  struct Suppressed {
    uint64_t repeated = 0, above_limit = 0;
  };
  const std::map<std::string, Suppressed>& suppressed() const { return suppressed_; }
  const std::optional<Governor>& governor() const { return governor_; }
  const DropMonitor& drops() const { return drops_; }
  // Hands a message of ours to the outputs: on the engine's thread, between two events.
  void send_internal(std::shared_ptr<Alert> alert);
  size_t rule_count() const { return rules_->active.size(); }
  uint64_t events() const { return stream_.number(); }
  const State& state() const { return stream_.state(); }
  // Between two events: as a recording asks for it when it begins its next file.
  Snapshot dump_state() { return stream_.dump_state(); }
  // What the state's tables had no room for, as a sentence; empty if nothing.
  std::string state_losses() const;

 private:
  // When a message about ourselves is from: now, in a replay the time of the current event.
  uint64_t told_at_ns() const;
  bool is_stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }
  RunEnd walk();
  void detect();
  void explain(const Alert& alert, const Thread* thread) const;
  void capture(std::span<const uint32_t> matches);
  void report_size_limit(uint64_t bytes);
  std::optional<RunEnd> check(bool idle);
  uint32_t checks_after() const;
  std::optional<RunEnd> look_at_drops();
  void report_silence();
  void count_talk();
  void govern();
  void report_governor(const Governor::Decision& decided);
  void report_losses();
  void count_rules();
  void take_mail();
  void adopt(std::shared_ptr<const PreparedRules> rules);
  AlertPtr alert_of(uint32_t rule);
  void report_suppressed(const std::vector<SuppressedAlerts>& suppressed);
  // For limits of alerts: a clock that nobody can set.
  uint64_t limiter_now_ns() const;
  void restart_governor();
  std::vector<RuleCounters> counters_for(const PreparedRules& rules) const;

  // What other threads have left for us.
  struct Mail {
    std::shared_ptr<const PreparedRules> rules;
    std::string failed_reload;
  };

  EngineSetup settings_;
  std::shared_ptr<const PreparedRules> rules_;
  World world_;
  EventStream stream_;
  Evaluator evaluator_;
  AlertStatistics statistics_;
  std::vector<size_t> statistics_of_;  // place of each active rule
  std::vector<RuleCounters> earlier_;  // of each active rule, before the last reload; or empty
  std::optional<AlertLimiter> limiter_;
  uint64_t event_time_ns_ = 0;                    // of the current event, while there is a limiter
  std::map<std::string, Suppressed> suppressed_;  // by rule
  std::mutex mail_mutex_;
  Mail mail_;
  std::atomic<bool> has_mail_{false};
  const std::atomic<bool>* stop_ = nullptr;  // of run()
  std::optional<Governor> governor_;         // of a live source
  DropMonitor drops_;
  Silence silence_;
  uint64_t governed_at_ns_ = 0;
  uint64_t started_ns_ = 0;
  uint64_t reported_losses_ = 0;
  uint64_t reported_state_losses_ = 0;
  uint64_t reported_at_ns_ = 0;
};

// A reload that failed, for whoever reads the alerts.
std::shared_ptr<Alert> failed_reload_alert(std::string why, uint64_t now_ns);

}  // namespace gyr
