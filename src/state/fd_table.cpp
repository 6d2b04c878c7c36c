// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "state/fd.h"

namespace gyr {
namespace {

// How far above the vector's end a number may be to make it longer.
constexpr size_t kGap = 16;

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
  if (index < rep.slots.size() + kGap) {
    grow(rep, std::max(index + 1, rep.slots.size() + kGap));
    return &rep.slots[index];
  }
  auto at = std::lower_bound(rep.high.begin(), rep.high.end(), fd,
                             [](const High& entry, int64_t key) { return entry.fd < key; });
  if (at == rep.high.end() || at->fd != fd) at = rep.high.insert(at, {.fd = fd, .info = nullptr});
  return &at->info;
}

FdTable::Rep& FdTable::own_copy() {
  if (rep_ == nullptr) {
    rep_ = new Rep;
  } else {
    auto* copy = new Rep;
    copy->open = rep_->open;
    copy->slots = rep_->slots;
    copy->high = rep_->high;
    for (FdInfo* info : copy->slots) {
      if (info != nullptr) ++info->refs;
    }
    for (const High& entry : copy->high) ++entry.info->refs;
    --rep_->refs;
    rep_ = copy;
  }
  return *rep_;
}

FdInfo* FdTable::edit(int64_t fd) {
  if (find(fd) == nullptr) return nullptr;
  FdInfo** slot = slot_of(own(), fd);
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
  if (size() >= static_cast<size_t>(kFdLimit) && find(fd) == nullptr) return nullptr;
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

bool FdTable::remove_any(int64_t fd) {
  if (find(fd) == nullptr) return false;
  Rep& rep = own();
  drop(std::exchange(*slot_of(rep, fd), nullptr));
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
  pool_ = other.pool_;
}

void FdTable::clear() {
  if (rep_ == nullptr) return;
  Rep* rep = std::exchange(rep_, nullptr);
  if (--rep->refs > 0) return;
  for (FdInfo* info : rep->slots) {
    if (info != nullptr) drop(info);
  }
  for (const High& entry : rep->high) drop(entry.info);
  delete rep;
}

}  // namespace gyr
