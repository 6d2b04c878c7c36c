// SPDX-License-Identifier: Apache-2.0
// What `syscall_event_drops` asks for: looks once a second how many events were lost and says, not
// more often than its rate allows, that something is to be done about it. Facts: shared reference
// "falco-interface" section 4.7.
//
// It decides; the engine acts. Plain data in and out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "alert/alert.h"
#include "base/token_bucket.h"
#include "source/loss_summary.h"
#include "source/source.h"

namespace gyr {

struct DropSettings {
  double threshold = 0.1;  // share of the wanted events; more than that is too much
  bool log = false;
  bool alert = false;
  bool exit = false;
  double rate = 0.03333;  // actions a second
  uint64_t max_burst = 1;
  bool simulate = false;  // as if an event were lost each second
};

class DropMonitor {
 public:
  explicit DropMonitor(const DropSettings& settings)
      : settings_(settings), bucket_(settings.rate, settings.max_burst) {}

  static constexpr uint64_t kPauseNs = 1'000'000'000;
  // Whether look() is to be asked: a second is over. `now_ns` is of a clock that goes forward only,
  // in a replay the time of the event. A step back begins a new second.
  bool is_due(uint64_t now_ns) {
    if (last_ns_ && now_ns - *last_ns_ <= kPauseNs) return false;
    const bool due = last_ns_ && now_ns > *last_ns_;
    last_ns_ = now_ns;
    return due;
  }
  // What was lost since it was asked last, when that is too much and the rate allows an action.
  std::optional<LossSummary> look(uint64_t now_ns, const SourceCounters& counters);

  const DropSettings& settings() const { return settings_; }
  uint64_t occurrences() const { return occurrences_; }  // times that too much was lost
  uint64_t actions() const { return actions_; }          // of these, times that something was done
  // "event drop detected: 9 occurrences …"; "" if nothing was detected.
  std::string text() const;

 private:
  DropSettings settings_;
  TokenBucket bucket_;
  std::optional<uint64_t> last_ns_;
  LossSummary known_;
  uint64_t occurrences_ = 0;
  uint64_t actions_ = 0;
};

// The reference's message with its fields. `by_probe`: the events come from the eBPF probe.
Alert drop_alert(const LossSummary& lost, bool by_probe);

}  // namespace gyr
