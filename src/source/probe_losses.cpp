// SPDX-License-Identifier: Apache-2.0
#include "source/probe_losses.h"

#if GYR_PROBE

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "shared.h"

namespace gyr {
namespace {

constexpr size_t kPendingMax = size_t{4} * GYR_LOSERS;

}  // namespace

void ProbeLosses::add(uint64_t ts_ns, const LostEvents& what) {
  const auto after = std::upper_bound(pending_.begin(), pending_.end(), ts_ns,
                                      [](uint64_t ts, const Pending& p) { return ts < p.ts_ns; });
  pending_.insert(after, {ts_ns, what});
}

// The processes that lost events tell their number. If that is less than what was lost, because the
// map of losers had no room for some, it may have been any process.
void ProbeLosses::look(uint64_t bound_ns) {
  uint64_t lost = 0;
  uint64_t critical = 0;
  for (const gyr_cpu& cpu : cpus_) {
    critical += counted(cpu.lost[GYR_CRITICAL_CLASS]);
    lost += counted(cpu.lost[GYR_BULK]);
  }
  lost += critical;
  if (lost == known_) return;
  if (std::exchange(critical_, critical) != critical) new_critical_ = true;
  std::map<uint32_t, uint64_t> counts;
  uint32_t pid = 0;
  const uint32_t* before = nullptr;
  for (int i = 0; i < GYR_LOSERS && bpf_map_get_next_key(losers_fd_, before, &pid) == 0; ++i) {
    before = &pid;
    gyr_loser loser{};
    if (bpf_map_lookup_elem(losers_fd_, &pid, &loser) != 0) continue;
    const auto known = counts_.find(pid);
    const uint64_t old = known == counts_.end() ? 0 : known->second;
    counts[pid] = loser.count;
    // An entry that was dropped and made again counts from 1.
    const uint64_t more = loser.count >= old ? loser.count - old : loser.count;
    if (more == 0) continue;
    told_ += more;
    add(loser.first_ns, {.pid = pid, .until_ns = loser.last_ns});
  }
  if (told_ < lost || pending_.size() > kPendingMax) {
    // Some of what was counted may have happened after the bound: until now.
    const uint64_t now_ns = now_();
    pending_.clear();
    add(bound_ns, {.pid = LostEvents::kAnyProcess, .until_ns = now_ns});
    told_ = lost;
  }
  counts_ = std::move(counts);
  known_ = lost;
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
    for (const auto reason :
         {GYR_RING_FULL, GYR_TOO_BIG, GYR_NESTED, GYR_YIELDED, GYR_NOT_FOLLOWED}) {
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

constexpr std::array<std::string_view, GYR_REASONS> kReasons{
    "lost because the ring was full", "lost because they were too big",
    "lost because they happened within another",
    "lost because their process talks most and the ring was half full",

    "lost because requests to io_uring could not be followed"};

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

#endif
