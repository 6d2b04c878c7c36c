// SPDX-License-Identifier: Apache-2.0
// Keeps live detection within its limits: watches lost events, the fill of the rings and the CPU
// time we use. When a limit is exceeded it gives up the least valuable collection step by step, and
// takes it back when the pressure is gone. What it may give up are calls that neither the state nor
// a rule at or above a priority needs, nothing else: first those of the processes that talk most,
// which also lose what is left of a ring when it is nearly full, then those of everybody.
//
// It decides; whoever owns it acts and tells the user (Engine). Plain data in and out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/priority.h"
#include "engine/syscall_selection.h"
#include "rules/ruleset.h"
#include "source/source.h"

namespace gyr {

struct GovernorSettings {
  bool enabled = true;
  uint32_t max_cpu_percent = 100;       // of one core, 0: no limit
  uint32_t max_ring_fill_percent = 75;  // of any ring, 0: no limit
  uint64_t max_lost_per_second = 0;     // events; more is too much
  uint32_t hold_seconds = 10;           // without pressure, before a step is taken back
  Priority protect = Priority::Warning;
  SyscallSet collected;  // by the plan
};

class Governor {
 public:
  Governor(const GovernorSettings& settings, const Ruleset& ruleset);

  static constexpr uint64_t kLookPauseNs = 1'000'000'000;
  static constexpr size_t kTalkersCounted = 65'536;  // further processes are not told apart
  // Whether count() is to be called for each event.
  bool counts() const { return counts_; }
  void count(int64_t pid) {
    if (talk_.size() < kTalkersCounted || talk_.contains(pid)) ++talk_[pid];
  }

  // What it decided, to be done and told.
  struct Decision {
    bool reduced = false;    // else restored, in part or whole
    Shedding shedding{};     // what is to be given up now
    std::string why;         // "120 events/s lost, CPU 140 %"
    std::string what;        // "read, write of processes 7, 9"; "nothing": all is collected
    bool exhausted = false;  // there is nothing left to give up
    std::vector<std::string> rules{};  // that see less now, by name
  };
  // To be asked every kLookPauseNs with counters that only grow. Nothing: all stays as it is.
  std::optional<Decision> look(uint64_t now_ns, const Load& load);

  enum class Step : uint8_t { None, Talkers, Everybody };
  Step step() const { return step_; }
  // Decisions so far, and the rules that see less now.
  uint64_t reductions() const { return reductions_; }
  uint64_t restorations() const { return restorations_; }
  std::vector<std::string> reduced_rules() const;

 private:
  std::optional<Decision> decide(uint64_t now_ns, const std::string& why);
  std::string pressure(uint64_t now_ns, const Load& load) const;
  std::vector<int64_t> top_talkers() const;
  Decision decision(bool reduced, std::string why) const;
  std::string what_is_shed() const;

  GovernorSettings settings_;
  SyscallSet spare_;  // calls that may be given up
  struct RuleCalls {
    std::string name;
    SyscallSet calls;
  };
  std::vector<RuleCalls> rules_;  // below the protected priority
  Step step_ = Step::None;
  uint64_t reductions_ = 0;
  uint64_t restorations_ = 0;
  std::vector<int64_t> talkers_;
  bool counts_ = false;
  bool told_exhausted_ = false;
  std::unordered_map<int64_t, uint64_t> talk_;  // events by process since the last look
  std::optional<Load> last_;
  uint64_t last_ns_ = 0;
  uint64_t calm_since_ns_ = 0;   // 0: there is pressure
  uint64_t restored_at_ns_ = 0;  // 0: never
  uint64_t hold_ns_;
};

}  // namespace gyr
