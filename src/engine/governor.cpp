// SPDX-License-Identifier: Apache-2.0
#include "engine/governor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gyr {
namespace {

constexpr double kSecond = 1e9;
constexpr size_t kTalkersMax = 8;
constexpr uint64_t kTalkShare = 10;  // percent of all events that make a talker
// Pressure that comes back soon after a step was taken back makes the next wait longer.
constexpr uint64_t kHoldFactorMax = 32;

SyscallSet needed_above(const Ruleset& ruleset, Priority least) {
  SyscallSet needed = state_syscalls();
  for (const Rule& rule : ruleset.rules) {
    if (!rule.active() || rule.source != "syscall" || rule.priority > least) continue;
    needed |= syscalls_of_needs(rule.needs);
  }
  return needed;
}

}  // namespace

Governor::Governor(const GovernorSettings& settings, const Ruleset& ruleset)
    : settings_(settings), hold_ns_(uint64_t{settings.hold_seconds} * 1'000'000'000) {
  spare_ = settings.collected & ~needed_above(ruleset, settings.protect);
  for (const Rule& rule : ruleset.rules) {
    if (!rule.active() || rule.source != "syscall") continue;
    const SyscallSet calls = syscalls_of_needs(rule.needs) & spare_;
    if (calls.any()) rules_.push_back({rule.name, calls});
  }
}

// Which limits are exceeded, in words; "" for none.
std::string Governor::pressure(uint64_t now_ns, const Load& load) const {
  std::vector<std::string> reasons;
  const double seconds = static_cast<double>(now_ns - last_ns_) / kSecond;
  // Read while it is counted up, the number may be a little ahead of the next.
  const uint64_t more_lost = load.lost - std::min(load.lost, last_->lost);
  const double lost = static_cast<double>(more_lost) / seconds;
  if (lost > static_cast<double>(settings_.max_lost_per_second)) {
    reasons.push_back(fmt::format("{:.0f} events/s lost", lost));
  }
  const double fill = load.ring_fill * 100;
  if (settings_.max_ring_fill_percent > 0 && fill > settings_.max_ring_fill_percent) {
    reasons.push_back(fmt::format("a ring was {:.0f} % full", fill));
  }
  const double cpu = 100 * static_cast<double>(load.cpu_ns - last_->cpu_ns) / kSecond / seconds;
  if (settings_.max_cpu_percent > 0 && cpu > settings_.max_cpu_percent) {
    reasons.push_back(fmt::format("{:.0f} % of a CPU used", cpu));
  }
  return join(reasons, ", ");
}

std::vector<int64_t> Governor::top_talkers() const {
  std::vector<std::pair<uint64_t, int64_t>> order;
  uint64_t all = 0;
  for (const auto& [pid, events] : talk_) {
    all += events;
    order.emplace_back(events, pid);
  }
  std::sort(order.rbegin(), order.rend());
  std::vector<int64_t> talkers;
  for (const auto& [events, pid] : order) {
    if (talkers.size() == kTalkersMax || events * 100 < all * kTalkShare) break;
    if (pid > 0) talkers.push_back(pid);
  }
  return talkers;
}

std::optional<Governor::Decision> Governor::look(uint64_t now_ns, const Load& load) {
  if (!settings_.enabled) return std::nullopt;
  if (!last_ || now_ns <= last_ns_) {
    last_ = load;
    last_ns_ = now_ns;
    return std::nullopt;
  }
  const std::string why = pressure(now_ns, load);
  last_ = load;
  last_ns_ = now_ns;
  std::optional<Decision> decided = decide(now_ns, why);
  talk_.clear();
  return decided;
}

std::optional<Governor::Decision> Governor::decide(uint64_t now_ns, const std::string& why) {
  if (why.empty()) {
    if (calm_since_ns_ == 0) calm_since_ns_ = now_ns;
    if (now_ns - calm_since_ns_ < hold_ns_) return std::nullopt;
    if (step_ == Step::None) {
      counts_ = false;
      told_exhausted_ = false;
      return std::nullopt;
    }
    step_ = step_ == Step::Everybody && !talkers_.empty() ? Step::Talkers : Step::None;
    if (step_ == Step::None) talkers_.clear();
    told_exhausted_ = false;
    calm_since_ns_ = now_ns;
    restored_at_ns_ = now_ns;
    ++restorations_;
    return decision(false, "the pressure is gone");
  }
  calm_since_ns_ = 0;
  if (!counts_) {  // who talks is known at the next look
    counts_ = true;
    return std::nullopt;
  }
  const uint64_t usual_ns = uint64_t{settings_.hold_seconds} * 1'000'000'000;
  if (restored_at_ns_ != 0) {
    const bool soon = now_ns - restored_at_ns_ < 2 * hold_ns_;
    hold_ns_ = soon ? std::min(hold_ns_ * 2, usual_ns * kHoldFactorMax) : usual_ns;
    restored_at_ns_ = 0;
  }
  std::vector<int64_t> talkers = top_talkers();
  std::erase_if(talkers, [&](int64_t pid) {
    return std::find(talkers_.begin(), talkers_.end(), pid) != talkers_.end();
  });
  const bool more_talkers = !talkers.empty() && talkers_.size() + talkers.size() <= kTalkersMax;
  if (step_ != Step::Everybody && more_talkers) {
    step_ = Step::Talkers;
    talkers_.insert(talkers_.end(), talkers.begin(), talkers.end());
    ++reductions_;
    return decision(true, why);
  }
  if (step_ != Step::Everybody && spare_.any()) {
    step_ = Step::Everybody;
    ++reductions_;
    return decision(true, why);
  }
  if (std::exchange(told_exhausted_, true)) return std::nullopt;
  Decision last = decision(true, why);
  last.exhausted = true;
  return last;
}

std::string Governor::what_is_shed() const {
  if (step_ == Step::None) return "nothing";
  const std::string calls = join(syscall_names(spare_), ", ");
  if (step_ == Step::Everybody) return calls + " of all processes";
  std::vector<std::string> pids;
  for (const int64_t pid : talkers_) pids.push_back(std::to_string(pid));
  return fmt::format("{}what is not critical while a ring is half full, of process{} {}",
                     calls.empty() ? "" : calls + ", and ", pids.size() == 1 ? "" : "es",
                     join(pids, ", "));
}

std::vector<std::string> Governor::reduced_rules() const {
  std::vector<std::string> names;
  if (step_ == Step::None) return names;
  for (const RuleCalls& rule : rules_) names.push_back(rule.name);
  return names;
}

Governor::Decision Governor::decision(bool reduced, std::string why) const {
  Decision decided{.reduced = reduced, .why = std::move(why), .what = what_is_shed()};
  decided.shedding.talkers = talkers_;
  if (step_ != Step::None) decided.shedding.calls = syscall_list(spare_);
  decided.shedding.of_everybody = step_ == Step::Everybody;
  decided.rules = reduced_rules();
  return decided;
}

}  // namespace gyr
