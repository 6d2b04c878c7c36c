// SPDX-License-Identifier: Apache-2.0
// Keeps storms of alerts short, where the user asks for it: repeats with the same key within a
// window are told once, as a count, and a rule, or all rules together, may not raise more alerts a
// second than wanted. Nothing is hidden: what is left out is counted by rule and told in summaries.
//
// Times come from a clock that only goes forward (live: CLOCK_MONOTONIC, replay: time of events). A
// step back of more than a second ends windows rather than prolonging them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/priority.h"
#include "base/str.h"
#include "base/token_bucket.h"
#include "lang/output.h"
#include "rules/ruleset.h"

namespace gyr {

// For the rules that fit; a rule obeys the first one that fits it.
struct AlertLimit {
  std::string rule;  // pattern of the whole name ('*' = any text), "" with a tag
  std::string tag;   // exact, or ""
  std::shared_ptr<const OutputTemplate> key{};  // what makes two alerts equal; null: their message
  uint64_t window_ns = 0;                       // 0: repeats are told one by one
  double max_per_second = 0;                    // of each rule, 0: no limit
  uint64_t burst = 1;                           // so many at once after a pause
};

struct AlertLimiterSettings {
  std::vector<AlertLimit> limits{};
  double max_per_second = 0;  // of all rules together, 0: no limit
  uint64_t burst = 100;
  Priority protect = Priority::Critical;  // rules of this priority and above are outside of it
  bool is_on() const { return !limits.empty() || max_per_second > 0; }
};

// What was left out of one rule.
struct SuppressedAlerts {
  enum class Why : uint8_t { Repeated, TooMany };
  Why why = Why::Repeated;
  std::string rule;
  Priority priority = Priority::Debug;
  std::string key;  // of repeats, cut to kKeyTextMax bytes
  uint64_t count = 0;
  uint64_t period_ns = 0;  // in which they came
};

class AlertLimiter {
 public:
  static constexpr size_t kKeysMax = 16'384;  // at the limit the oldest window ends
  static constexpr size_t kKeyTextMax = 256;
  static constexpr uint64_t kSummaryPauseNs = 10'000'000'000;  // of alerts above a limit

  // `rules`: by number in the program; they must outlive the limiter.
  AlertLimiter(AlertLimiterSettings settings, std::span<const Rule* const> rules,
               uint64_t seed = StrPool::random_seed());

  // Whether repeats of the rule count; then whatever `key()` renders is its key, null: its message.
  bool has_window(size_t rule) const {
    return limit_of(rule) != nullptr && limit_of(rule)->window_ns;
  }
  const OutputTemplate* key(size_t rule) const { return limit_of(rule)->key.get(); }
  // Whether an alert of the rule is to be told. `key` counts with has_window() only.
  bool admit(size_t rule, std::string_view key, uint64_t now_ns);
  // Whether take_due() may have something: cheap.
  bool is_due(uint64_t now_ns) const;
  // What was left out in windows that are over, and above limits some time ago.
  std::vector<SuppressedAlerts> take_due(uint64_t now_ns);
  // The same of everything that was not told yet; all windows end.
  std::vector<SuppressedAlerts> take_all(uint64_t now_ns);

 private:
  struct Window {
    size_t rule = 0;
    uint64_t begin_ns = 0, last_ns = 0;
    uint64_t count = 0;  // left out
    std::string key;
  };
  struct Begun {  // in the order of their beginnings
    uint64_t hash;
    uint64_t begin_ns;
  };
  struct RuleState {
    size_t limit;  // place in settings_.limits, kNone
    std::optional<TokenBucket> bucket;
    uint64_t above = 0;  // a limit, since the last summary
  };
  static constexpr size_t kNone = SIZE_MAX;

  const AlertLimit* limit_of(size_t rule) const {
    const size_t limit = states_[rule].limit;
    return limit == kNone ? nullptr : &settings_.limits[limit];
  }
  bool has_token(size_t rule, uint64_t now_ns);
  void open_window(size_t rule, uint64_t hash, std::string_view key, uint64_t now_ns);
  void end_over(size_t limit, uint64_t now_ns);
  void end_oldest(std::deque<Begun>& begun);
  std::deque<Begun>* with_oldest();
  bool is_over(const Begun& begun, uint64_t window_ns, uint64_t now_ns) const;
  void tell_above(uint64_t now_ns);

  AlertLimiterSettings settings_;
  std::vector<const Rule*> rules_;
  std::vector<RuleState> states_;
  TokenBucket all_;
  HashSecret secret_;
  std::unordered_map<uint64_t, Window> windows_;  // by the hash of rule and key
  std::vector<std::deque<Begun>> begun_;          // by limit: all its windows are equally long
  uint64_t above_ = 0;                            // of all rules
  uint64_t above_since_ns_ = 0;
  std::vector<SuppressedAlerts> told_;  // to be taken
};

}  // namespace gyr
