// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "state/fd.h"

namespace gyr {
namespace {

// How far above the vector's end a number may be to make it longer: so much, or so many times what
// is open, so that a process whose numbers begin high up has its vector too.
constexpr size_t kGap = 16;
constexpr size_t kSparse = 4;

// So much of a large table is copied while there is little room: the rest is found when it is used.
constexpr size_t kCrowdedSlots = 4096;

}  // namespace

FdInfo* FdPool::take() {
  if (free_.empty()) {
    blocks_.push_back(std::make_unique<FdInfo[]>(kBlock));
    FdInfo* block = blocks_.back().get();
    free_.reserve(blocks_.size() * kBlock);
    for (size_t i = kBlock; i > 0; --i) free_.push_back(block + i - 1);
  }
  FdInfo* info = free_.back();
  free_.pop_back();
  info->refs = 1;
  return info;
}

FdInfo* FdTable::take() {
  if (pool_ != nullptr) return pool_->take();
  auto* info = new FdInfo;
  info->refs = 1;
  return info;
}

const FdInfo* FdTable::find_high(int64_t fd) const {
  const auto at = std::lower_bound(rep_->high.begin(), rep_->high.end(), fd,
                                   [](const High& entry, int64_t key) { return entry.fd < key; });
  return at != rep_->high.end() && at->fd == fd ? at->info : nullptr;
}

FdInfo** FdTable::slot_of(Rep& rep, int64_t fd) {
  if (fd < static_cast<int64_t>(rep.slots.size())) {
    FdInfo** slot = &rep.slots[static_cast<size_t>(fd)];
    return *slot != nullptr ? slot : nullptr;
  }
  const auto at = std::lower_bound(rep.high.begin(), rep.high.end(), fd,
                                   [](const High& entry, int64_t key) { return entry.fd < key; });
  return at != rep.high.end() && at->fd == fd ? &at->info : nullptr;
}

// Makes room in the vector and moves there what it now covers.
void FdTable::grow(Rep& rep, size_t size) {
  if (pool_ != nullptr) pool_->slots_ += size - rep.slots.size();
  rep.slots.resize(size);
  size_t moved = 0;
  for (; moved < rep.high.size() && static_cast<size_t>(rep.high[moved].fd) < size; ++moved) {
    rep.slots[static_cast<size_t>(rep.high[moved].fd)] = rep.high[moved].info;
  }
  rep.high.erase(rep.high.begin(), rep.high.begin() + static_cast<ptrdiff_t>(moved));
}

FdInfo** FdTable::slot_for(Rep& rep, int64_t fd) {
  const auto index = static_cast<size_t>(fd);
  if (index < rep.slots.size()) return &rep.slots[index];
  if (index < rep.slots.size() + kGap || index < kSparse * rep.open) {
    grow(rep, std::max(index + 1, rep.slots.size() + kGap));
    return &rep.slots[index];
  }
  auto at = std::lower_bound(rep.high.begin(), rep.high.end(), fd,
                             [](const High& entry, int64_t key) { return entry.fd < key; });
  if (at == rep.high.end() || at->fd != fd) at = rep.high.insert(at, {.fd = fd, .info = nullptr});
  return &at->info;
}

void FdTable::copy_slots(const Rep& from, Rep* to) const {
  const bool whole = pool_ == nullptr || from.slots.size() <= kCrowdedSlots || !pool_->is_crowded();
  const size_t size = whole ? from.slots.size() : kCrowdedSlots;
  to->slots.assign(from.slots.begin(), from.slots.begin() + static_cast<ptrdiff_t>(size));
  to->open = from.open;
  for (FdInfo* info : to->slots) {
    if (info != nullptr) ++info->refs;
  }
  if (pool_ != nullptr) pool_->slots_ += size;
  if (whole) return;
  const auto left = std::count_if(from.slots.begin() + static_cast<ptrdiff_t>(size),
                                  from.slots.end(), [](FdInfo* info) { return info != nullptr; });
  to->open -= static_cast<uint32_t>(left);
  pool_->replaced_ += static_cast<uint64_t>(left);
}

FdTable::Rep& FdTable::own_copy() {
  if (rep_ == nullptr) {
    rep_ = new Rep;
  } else {
    auto* copy = new Rep;
    copy_slots(*rep_, copy);
    copy->high = rep_->high;
    for (const High& entry : copy->high) ++entry.info->refs;
    --rep_->refs;
    rep_ = copy;
  }
  return *rep_;
}

FdInfo* FdTable::edit(int64_t fd) {
  const FdInfo* found = find(fd);
  if (found == nullptr) return nullptr;
  Rep& rep = own();
  FdInfo** slot = slot_of(rep, fd);
  if (slot == nullptr) {  // left out of the copy; who has the other still holds it
    slot = slot_for(rep, fd);
    *slot = const_cast<FdInfo*>(found);
    ++(*slot)->refs;
    ++rep.open;
  }
  if ((*slot)->refs > 1) {
    FdInfo* copy = take();
    *copy = **slot;
    copy->refs = 1;
    --(*slot)->refs;
    *slot = copy;
  }
  return *slot;
}

FdInfo* FdTable::add_blank(int64_t fd) {
  if (fd < 0) return nullptr;
  if (size() >= static_cast<size_t>(kCrowdedFdLimit) && find(fd) == nullptr) make_room(fd);
  Rep& rep = own();
  FdInfo** slot = slot_for(rep, fd);
  if (*slot != nullptr) {
    drop(*slot);
  } else {
    ++rep.open;
  }
  *slot = take();
  return *slot;
}

FdInfo* FdTable::add(int64_t fd, FdInfo info) {
  FdInfo* entry = add_blank(fd);
  if (entry == nullptr) return nullptr;
  *entry = std::move(info);
  entry->refs = 1;
  return entry;
}

void FdTable::give_up_slot(Rep& rep) {
  for (size_t i = 0; i < rep.slots.size(); ++i) {
    if (rep.next_victim >= rep.slots.size()) rep.next_victim = 0;
    FdInfo* victim = std::exchange(rep.slots[rep.next_victim++], nullptr);
    if (victim == nullptr) continue;
    drop(victim);
    --rep.open;
    if (pool_ != nullptr) ++pool_->replaced_;
    return;
  }
  if (!rep.high.empty()) give_up_high(rep);
}

void FdTable::give_up_high(Rep& rep) {
  const size_t at = rep.next_victim++ % rep.high.size();
  drop(rep.high[at].info);
  rep.high.erase(rep.high.begin() + static_cast<ptrdiff_t>(at));
  --rep.open;
  if (pool_ != nullptr) ++pool_->replaced_;
}

void FdTable::make_room(int64_t fd) {
  const bool crowded = pool_ != nullptr && pool_->is_crowded();
  Rep& rep = own();
  const auto limit = static_cast<size_t>(crowded ? kCrowdedFdLimit : kFdLimit);
  if (rep.open >= limit) give_up_slot(rep);
  const bool goes_high = static_cast<size_t>(fd) >= rep.slots.size() + kGap &&
                         static_cast<size_t>(fd) >= kSparse * rep.open;
  if (goes_high && rep.high.size() >= kHighLimit) give_up_high(rep);
}

bool FdTable::remove_any(int64_t fd) {
  if (find(fd) == nullptr) return false;
  Rep& rep = own();
  FdInfo** slot = slot_of(rep, fd);
  if (slot == nullptr) return false;  // left out of the copy
  drop(std::exchange(*slot, nullptr));
  --rep.open;
  if (static_cast<size_t>(fd) >= rep.slots.size()) {
    std::erase_if(rep.high, [](const High& entry) { return entry.info == nullptr; });
  }
  return true;
}

void FdTable::share(const FdTable& other) {
  if (rep_ != other.rep_) {
    clear();
    rep_ = other.rep_;
    if (rep_ != nullptr) ++rep_->refs;
  }
  if (other.pool_ != nullptr) pool_ = other.pool_;
}

void FdTable::clear() {
  if (rep_ == nullptr) return;
  Rep* rep = std::exchange(rep_, nullptr);
  if (--rep->refs > 0) return;
  for (FdInfo* info : rep->slots) {
    if (info != nullptr) drop(info);
  }
  for (const High& entry : rep->high) drop(entry.info);
  if (pool_ != nullptr) pool_->slots_ -= rep->slots.size();
  delete rep;
}

}  // namespace gyr
