// SPDX-License-Identifier: Apache-2.0
#include "source/time_order.h"

#include <algorithm>
#include <utility>

namespace gyr {
namespace {
constexpr size_t kCompactAt = 4096;  // released entries at the front that are worth removing
}

void TimeOrder::add(Item item) {
  if (head_ >= kCompactAt && head_ * 2 >= items_.size()) compact();
  item.slot = slots_before_ + slots_.size();
  slots_.push_back({item.end, false});
  // Swaps are few and near: sorting by insertion moves hardly anything.
  size_t at = items_.size();
  items_.push_back(item);
  most_ = std::max(most_, items_.size());
  while (at > head_ && items_[at - 1].ts_ns > item.ts_ns) {
    items_[at] = items_[at - 1];
    --at;
  }
  items_[at] = item;
}

void TimeOrder::release() {
  const Item& item = items_[head_];
  slots_[item.slot - slots_before_].released = true;
  while (first_slot_ < slots_.size() && slots_[first_slot_].released) {
    free_ = slots_[first_slot_++].end;
  }
  if (++head_ < items_.size()) return;
  compact();
}

void TimeOrder::compact() {
  items_.erase(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(head_));
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(first_slot_));
  slots_before_ += first_slot_;
  head_ = 0;
  first_slot_ = 0;
  if (items_.empty()) give_back_memory();
}

// A burst leaves room for a whole ring of small records behind: megabytes that nobody needs until
// the next one.
void TimeOrder::give_back_memory() {
  constexpr uint32_t kLooks = 1024;
  constexpr size_t kKeep = 4096;
  if (++empties_ < kLooks) return;
  empties_ = 0;
  const size_t needed = std::max(kKeep, 2 * std::exchange(most_, 0));
  if (items_.capacity() <= 2 * needed) return;
  std::vector<Item>().swap(items_);
  items_.reserve(needed);
  std::vector<Slot> slots;
  slots.reserve(std::max(needed, slots_.size()));
  slots.assign(slots_.begin(), slots_.end());
  slots_ = std::move(slots);
}

}  // namespace gyr
