// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace gyr {
namespace {

constexpr size_t kFirstSlots = 1024;

void free_rep(StrRep* rep) {
  for (StrMemo* memo = rep->memo; memo != nullptr;) {
    StrMemo* next = memo->next;
    std::free(memo);
    memo = next;
  }
  std::free(rep);
}

}  // namespace

uint64_t hash_bytes(std::string_view text, uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

StrPool::StrPool(size_t idle_limit)
    : slots_(kFirstSlots), limit_(idle_limit), idle_limit_(idle_limit) {}

StrPool::~StrPool() {
  remembered_ = {};
  for (const Slot& slot : slots_) {
    if (slot.rep != nullptr) free_rep(slot.rep);
  }
}

StrRep* StrPool::find_or_add(std::string_view text) {
  text = text.substr(0, UINT32_MAX);
  const uint64_t hash = hash_bytes(text);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].rep != nullptr) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && slot.rep->size == text.size() &&
        std::memcmp(slot.rep->text(), text.data(), text.size()) == 0) {
      return slot.rep;
    }
    at = (at + 1) & mask;
  }
  return add(text, hash, at);
}

StrRep* StrPool::add(std::string_view text, uint64_t hash, size_t slot) {
  if (count_ >= limit_ || (count_ + 1) * 2 > slots_.size()) {
    sweep_or_grow();
    const size_t mask = slots_.size() - 1;
    slot = hash & mask;
    while (slots_[slot].rep != nullptr) slot = (slot + 1) & mask;
  }
  auto* rep = static_cast<StrRep*>(std::malloc(sizeof(StrRep) + text.size() + 1));
  GYR_CHECK(rep != nullptr);
  *rep = {.refs = 0, .size = static_cast<uint32_t>(text.size()), .hash = hash, .memo = nullptr};
  char* bytes = reinterpret_cast<char*>(rep + 1);
  std::memcpy(bytes, text.data(), text.size());
  bytes[text.size()] = '\0';
  slots_[slot] = {.hash = hash, .rep = rep};
  ++count_;
  return rep;
}

void StrPool::sweep_or_grow() {
  if (count_ < limit_) {
    rehash(slots_.size() * 2);
    return;
  }
  for (Slot& slot : slots_) {
    if (slot.rep != nullptr && slot.rep->refs == 0) {
      free_rep(slot.rep);
      slot = {};
      --count_;
    }
  }
  ++sweeps_;
  limit_ = count_ + idle_limit_;
  size_t slots = kFirstSlots;
  while (slots < (count_ + 1) * 4) slots *= 2;
  rehash(std::max(slots, slots_.size()));
}

void StrPool::rehash(size_t slots) {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  const size_t mask = slots - 1;
  for (const Slot& slot : old) {
    if (slot.rep == nullptr) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].rep != nullptr) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

MemoSlot str_memo(StrRep& rep, uint16_t domain, uint32_t generation, uint16_t words) {
  for (StrMemo* memo = rep.memo; memo != nullptr; memo = memo->next) {
    if (memo->domain != domain) continue;
    if (memo->generation == generation) return {memo, false};
    if (memo->words >= words) {
      memo->generation = generation;
      std::fill_n(memo->bits(), memo->words, 0);
      return {memo, true};
    }
  }
  auto* memo = static_cast<StrMemo*>(std::calloc(1, sizeof(StrMemo) + words * sizeof(uint64_t)));
  GYR_CHECK(memo != nullptr);
  memo->next = rep.memo;
  memo->generation = generation;
  memo->domain = domain;
  memo->words = words;
  rep.memo = memo;
  return {memo, true};
}

}  // namespace gyr
