// SPDX-License-Identifier: Apache-2.0
#include "source/probe_losses.h"

#if GYR_PROBE
#include <bpf/bpf.h>
#endif
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace gyr {
namespace {

constexpr size_t kPendingMax = size_t{4} * GYR_LOSERS;
// A map of which every entry was replaced while it was read is given up.
constexpr size_t kReadMax = size_t{2} * GYR_LOSERS;

// By LossReason.
constexpr std::array<std::string_view, GYR_REASONS> kReasons{
    "lost because the ring was full", "lost because they were too big",
    "lost because they happened within another",
    "lost because their process talks most and the ring was half full",
    "lost because requests to io_uring could not be followed"};

constexpr bool is_same(LossReason ours, gyr_reason theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(is_same(LossReason::RingFull, GYR_RING_FULL));
static_assert(is_same(LossReason::TooBig, GYR_TOO_BIG));
static_assert(is_same(LossReason::Nested, GYR_NESTED));
static_assert(is_same(LossReason::Yielded, GYR_YIELDED));
static_assert(is_same(LossReason::NotFollowed, GYR_NOT_FOLLOWED));
static_assert(static_cast<int>(LossReason::NotFollowed) + 1 == GYR_REASONS);
static_assert(kScLimit <= GYR_CALLS);  // portable numbers index the probe's tables

}  // namespace

#if GYR_PROBE
LoserMap loser_map(int fd) {
  return {.next = [fd](const uint32_t* before) -> std::optional<uint32_t> {
            uint32_t pid = 0;
            if (bpf_map_get_next_key(fd, before, &pid) != 0) return std::nullopt;
            return pid;
          },
          .find = [fd](uint32_t pid) -> std::optional<gyr_loser> {
            gyr_loser loser{};
            if (bpf_map_lookup_elem(fd, &pid, &loser) != 0) return std::nullopt;
            return loser;
          }};
}
#endif

void ProbeLosses::add(uint64_t ts_ns, const LostEvents& what) {
  const auto after = std::upper_bound(pending_.begin(), pending_.end(), ts_ns,
                                      [](uint64_t ts, const Pending& p) { return ts < p.ts_ns; });
  pending_.insert(after, {ts_ns, what});
}

uint64_t ProbeLosses::lost_of(gyr_class which) const {
  uint64_t lost = 0;
  for (const gyr_cpu& cpu : cpus_) lost += counted(cpu.lost[which]);
  return lost;
}

// Nothing: it lost an entry meanwhile, so that the way through it began anew and what is behind may
// not have come up.
std::optional<ProbeLosses::Losers> ProbeLosses::read_losers() const {
  Losers losers;
  for (auto pid = losers_.next(nullptr); pid; pid = losers_.next(&*pid)) {
    const std::optional<gyr_loser> loser = losers_.find(*pid);
    if (!loser || losers.size() == kReadMax || !losers.emplace(*pid, *loser).second) {
      return std::nullopt;
    }
  }
  return losers;
}

// The processes that lost events tell their number. False: not each could be asked.
bool ProbeLosses::tell_each() {
  std::optional<Losers> losers = read_losers();
  if (!losers) return false;
  for (const auto& [pid, loser] : *losers) {
    const auto known = before_->find(pid);
    const uint64_t old = known == before_->end() ? 0 : known->second.count;
    // An entry that was dropped and made again counts from 1.
    const uint64_t more = loser.count >= old ? loser.count - old : loser.count;
    if (more == 0) continue;
    told_ += more;
    add(loser.first_ns, {.pid = pid, .until_ns = loser.last_ns});
  }
  before_ = std::move(losers);
  return true;
}

// Any process may have lost events, until now.
void ProbeLosses::tell_any(uint64_t bound_ns) {
  constexpr int kTries = 3;
  // From here on the processes are asked again. What they say must be of the moment of the number
  // that is told. If losses leave no such moment, that number is the older one: then all count as
  // losers once more, while with a newer one a loss would go untold for each that counts twice.
  for (int i = 0; i < kTries; ++i) {
    told_ = lost();
    before_ = read_losers();
    if (!before_ || lost() == told_) break;
  }
  // Some of what was counted may have happened after the bound.
  const uint64_t now_ns = now_();
  pending_.clear();
  add(bound_ns, {.pid = LostEvents::kAnyProcess, .until_ns = now_ns});
}

// If the processes tell less than what was lost, because the map of losers had no room for some, it
// may have been any process.
void ProbeLosses::look(uint64_t bound_ns) {
  const uint64_t critical = lost_of(GYR_CRITICAL_CLASS);
  const uint64_t lost = lost_of(GYR_BULK) + critical;
  if (lost == known_) return;
  known_ = lost;
  if (std::exchange(critical_, critical) != critical) new_critical_ = true;
  const bool each = before_ && tell_each();
  if (!each || told_ < lost || pending_.size() > kPendingMax) tell_any(bound_ns);
}

LostEvents ProbeLosses::take() {
  const LostEvents what = pending_.front().what;
  pending_.pop_front();
  return what;
}

bool ProbeLosses::take_critical() { return std::exchange(new_critical_, false); }

std::vector<LossRow> ProbeLosses::table() const {
  std::vector<LossRow> table;
  for (size_t cpu = 0; cpu < losses_.size(); ++cpu) {
    for (size_t reason = 0; reason < GYR_REASONS; ++reason) {
      for (size_t sc = 0; sc < kScLimit; ++sc) {
        const uint64_t count = counted(losses_[cpu].lost[reason][sc]);
        if (count == 0) continue;
        table.push_back({.cpu = static_cast<uint16_t>(cpu),
                         .call = static_cast<Sc>(sc),
                         .reason = static_cast<LossReason>(reason),
                         .count = count});
      }
    }
  }
  return table;
}

namespace {

std::string calls_text(const std::map<Sc, uint64_t>& calls) {
  constexpr size_t kCallsNamed = 5;
  std::vector<std::pair<uint64_t, std::string_view>> order;
  for (const auto& [call, count] : calls) {
    const ScInfo* info = sc_info(static_cast<uint16_t>(call));
    order.emplace_back(count, info != nullptr ? info->name : "unknown");
  }
  std::sort(order.rbegin(), order.rend());
  std::string text;
  for (size_t i = 0; i < std::min(order.size(), kCallsNamed); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", order[i].second, order[i].first);
  }
  if (order.size() > kCallsNamed) text += ", …";
  return text;
}

}  // namespace

std::string losses_text(std::span<const LossRow> losses) {
  std::string text;
  for (size_t reason = 0; reason < kReasons.size(); ++reason) {
    std::map<Sc, uint64_t> calls;
    uint64_t count = 0;
    for (const LossRow& row : losses) {
      if (row.reason != static_cast<LossReason>(reason)) continue;
      calls[row.call] += row.count;
      count += row.count;
    }
    if (count == 0) continue;
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", count, kReasons[reason],
                        calls_text(calls));
  }
  return text;
}

}  // namespace gyr
