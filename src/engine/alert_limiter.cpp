// SPDX-License-Identifier: Apache-2.0
#include "engine/alert_limiter.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gyr {
namespace {

constexpr int64_t kClockNoiseNs = 1'000'000'000;

bool fits(const AlertLimit& limit, const Rule& rule) {
  const bool named = limit.rule.empty() || wildcard_match(limit.rule, rule.name);
  const bool tagged = limit.tag.empty() ||
                      std::find(rule.tags.begin(), rule.tags.end(), limit.tag) != rule.tags.end();
  return named && tagged;
}

}  // namespace

AlertLimiter::AlertLimiter(AlertLimiterSettings settings, std::span<const Rule* const> rules,
                           uint64_t seed)
    : settings_(std::move(settings)),
      rules_(rules.begin(), rules.end()),
      all_(settings_.max_per_second, settings_.burst),
      secret_(seed),
      begun_(settings_.limits.size()) {
  for (const Rule* rule : rules_) {
    RuleState& state = states_.emplace_back();
    const auto limit = std::find_if(settings_.limits.begin(), settings_.limits.end(),
                                    [&](const AlertLimit& each) { return fits(each, *rule); });
    state.limit = limit == settings_.limits.end()
                      ? kNone
                      : static_cast<size_t>(limit - settings_.limits.begin());
    if (state.limit != kNone && limit->max_per_second > 0) {
      state.bucket.emplace(limit->max_per_second, limit->burst);
    }
  }
}

bool AlertLimiter::admit(size_t rule, std::string_view key, uint64_t now_ns) {
  const bool windowed = has_window(rule);
  // The constant keeps a rule's number from undoing another's.
  const uint64_t hash =
      windowed ? secret_.hash(key) ^ (rule + 1) * uint64_t{0x9e3779b97f4a7c15} : 0;
  if (windowed) {
    end_over(states_[rule].limit, now_ns);
    const auto found = windows_.find(hash);
    if (found != windows_.end()) {
      ++found->second.count;
      found->second.last_ns = now_ns;
      return false;
    }
  }
  if (!has_token(rule, now_ns)) {
    if (above_++ == 0) above_since_ns_ = now_ns;
    ++states_[rule].above;
    return false;
  }
  if (windowed) open_window(rule, hash, key, now_ns);
  return true;
}

bool AlertLimiter::has_token(size_t rule, uint64_t now_ns) {
  auto& bucket = states_[rule].bucket;
  if (bucket && !bucket->take(now_ns)) return false;
  if (settings_.max_per_second <= 0 || rules_[rule]->priority <= settings_.protect) return true;
  return all_.take(now_ns);
}

void AlertLimiter::open_window(size_t rule, uint64_t hash, std::string_view key, uint64_t now_ns) {
  if (windows_.size() >= kKeysMax) end_oldest(*with_oldest());
  windows_.emplace(hash, Window{.rule = rule,
                                .begin_ns = now_ns,
                                .last_ns = now_ns,
                                .key = std::string(key.substr(0, kKeyTextMax))});
  begun_[states_[rule].limit].push_back({hash, now_ns});
}

std::deque<AlertLimiter::Begun>* AlertLimiter::with_oldest() {
  std::deque<Begun>* oldest = nullptr;
  for (std::deque<Begun>& each : begun_) {
    if (each.empty()) continue;
    if (oldest == nullptr || each.front().begin_ns < oldest->front().begin_ns) oldest = &each;
  }
  return oldest;
}

void AlertLimiter::end_oldest(std::deque<Begun>& begun) {
  const auto found = windows_.find(begun.front().hash);
  begun.pop_front();
  Window& window = found->second;
  if (window.count > 0) {
    const Rule& rule = *rules_[window.rule];
    told_.push_back({.why = SuppressedAlerts::Why::Repeated,
                     .rule = rule.name,
                     .priority = rule.priority,
                     .key = std::move(window.key),
                     .count = window.count,
                     .period_ns = window.last_ns - window.begin_ns});
  }
  windows_.erase(found);
}

bool AlertLimiter::is_over(const Begun& begun, uint64_t window_ns, uint64_t now_ns) const {
  const auto passed = static_cast<int64_t>(now_ns - begun.begin_ns);
  return passed < -kClockNoiseNs || (passed > 0 && static_cast<uint64_t>(passed) >= window_ns);
}

bool AlertLimiter::is_due(uint64_t now_ns) const {
  if (!told_.empty()) return true;
  if (above_ > 0 && is_over({0, above_since_ns_}, kSummaryPauseNs, now_ns)) return true;
  for (size_t limit = 0; limit < begun_.size(); ++limit) {
    const auto& begun = begun_[limit];
    if (!begun.empty() && is_over(begun.front(), settings_.limits[limit].window_ns, now_ns)) {
      return true;
    }
  }
  return false;
}

void AlertLimiter::tell_above(uint64_t now_ns) {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const uint64_t count = std::exchange(states_[i].above, 0);
    if (count == 0) continue;
    told_.push_back({.why = SuppressedAlerts::Why::TooMany,
                     .rule = rules_[i]->name,
                     .priority = rules_[i]->priority,
                     .key = "",
                     .count = count,
                     .period_ns = now_ns - std::min(now_ns, above_since_ns_)});
  }
  above_ = 0;
}

void AlertLimiter::end_over(size_t limit, uint64_t now_ns) {
  const uint64_t window_ns = settings_.limits[limit].window_ns;
  std::deque<Begun>& begun = begun_[limit];
  while (!begun.empty() && is_over(begun.front(), window_ns, now_ns)) end_oldest(begun);
}

std::vector<SuppressedAlerts> AlertLimiter::take_due(uint64_t now_ns) {
  for (size_t limit = 0; limit < begun_.size(); ++limit) end_over(limit, now_ns);
  if (above_ > 0 && is_over({0, above_since_ns_}, kSummaryPauseNs, now_ns)) tell_above(now_ns);
  return std::exchange(told_, {});
}

std::vector<SuppressedAlerts> AlertLimiter::take_all(uint64_t now_ns) {
  for (std::deque<Begun>& begun : begun_) {
    while (!begun.empty()) end_oldest(begun);
  }
  tell_above(now_ns);
  return std::exchange(told_, {});
}

}  // namespace gyr
