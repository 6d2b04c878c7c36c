// SPDX-License-Identifier: Apache-2.0
// What the probe lost: how many events, of which class, call and CPU and why; and which processes
// lost some, so that what is known of their descriptors is not trusted any more.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "schema/schema.h"
#include "shared.h"
#include "source/source.h"

namespace gyr {

// One that the probe counts up.
inline uint64_t counted(const unsigned long long& counter) {
  return __atomic_load_n(&counter, __ATOMIC_ACQUIRE);
}

// The probe's map of losers by process id, which changes while it is read: each new entry may cost
// an old one its place.
struct LoserMap {
  // The process behind that one, null: the first one. Once the entry of `before` is gone, this is
  // the first one again.
  std::function<std::optional<uint32_t>(const uint32_t* before)> next;
  std::function<std::optional<gyr_loser>(uint32_t pid)> find;
};
LoserMap loser_map(int fd);  // only in builds with the probe

class ProbeLosses {
 public:
  // Memory shared with the probe and its map of losers; they outlive this. `now`: the time events
  // would have now.
  ProbeLosses(std::span<const gyr_cpu> cpus, std::span<const gyr_losses> losses, LoserMap losers,
              std::function<uint64_t()> now)
      : cpus_(cpus), losses_(losses), losers_(std::move(losers)), now_(std::move(now)) {}

  // Looks for new losses among what happened until `bound_ns`, which the probe is to be told
  // afterwards (losses_taken_ns). Cheap when there are none.
  void look(uint64_t bound_ns);
  // Events of the process may have been missed at that time for a reason of ours.
  void add(uint64_t ts_ns, const LostEvents& what);
  // The oldest loss that next() was not asked for, kNever: none.
  static constexpr uint64_t kNever = ~uint64_t{0};
  uint64_t next_ns() const { return pending_.empty() ? kNever : pending_.front().ts_ns; }
  LostEvents take();
  // Whether critical events were lost since this was asked last.
  bool take_critical();

  std::vector<LossRow> table() const;

 private:
  using Losers = std::map<uint32_t, gyr_loser>;
  struct Pending {
    uint64_t ts_ns;
    LostEvents what;
  };

  uint64_t lost_of(gyr_class which) const;
  uint64_t lost() const { return lost_of(GYR_BULK) + lost_of(GYR_CRITICAL_CLASS); }
  std::optional<Losers> read_losers() const;
  bool tell_each();
  void tell_any(uint64_t bound_ns);

  std::span<const gyr_cpu> cpus_;
  std::span<const gyr_losses> losses_;
  LoserMap losers_;
  std::function<uint64_t()> now_;
  uint64_t known_ = 0;  // lost events
  uint64_t told_ = 0;   // to which a process was told, or any; newer ones than `known_` among them
  uint64_t critical_ = 0;
  bool new_critical_ = false;
  std::optional<Losers> before_{std::in_place};  // as read last, with what told_ counts
  std::deque<Pending> pending_;                  // by time
};

// "812 lost because the ring was full (openat 700, close 112)": the calls that lost most; "" for
// nothing.
std::string losses_text(std::span<const LossRow> losses);

}  // namespace gyr
