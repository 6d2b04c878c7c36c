// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

#include "base/check.h"

namespace gyr {
namespace {

constexpr size_t kFirstSlots = 1024;

constexpr size_t kOverhead = 32;   // of a string: its slot, what malloc adds to it
constexpr size_t kFirstShare = 8;  // of the limit: for as long as nothing is known of answers

size_t bytes_of(size_t text) { return kOverhead + sizeof(StrRep) + text + 1; }

size_t bytes_of_answers(const StrRep& rep) {
  size_t bytes = 0;
  for (const StrMemo* memo = rep.memo; memo != nullptr; memo = memo->next) {
    bytes += sizeof(StrMemo) + memo->words * sizeof(uint64_t);
  }
  return bytes;
}

void free_rep(StrRep* rep) {
  for (StrMemo* memo = rep->memo; memo != nullptr;) {
    StrMemo* next = memo->next;
    std::free(memo);
    memo = next;
  }
  std::free(rep);
}

template <class T = uint64_t>
uint64_t load_word(const char* at) {
  T word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// As memcmp() == 0. Names are short and almost always equal when their hashes are: a call and a
// branch for each step would cost more than the comparison.
bool is_same(const char* a, const char* b, size_t size) {
  if (size < sizeof(uint64_t)) return std::memcmp(a, b, size) == 0;
  const size_t last = size - sizeof(uint64_t);  // overlaps the word before it
  uint64_t difference = load_word(a + last) ^ load_word(b + last);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    difference |= load_word(a + at) ^ load_word(b + at);
  }
  return difference == 0;
}

}  // namespace

HashSecret::HashSecret(uint64_t seed) {
  for (uint64_t& word : words) word = seed = XXH3_64bits(&seed, sizeof seed);
}

// Sixteen bytes a step, each folded by a multiplication; names of files take two or three.
uint64_t HashSecret::hash(std::string_view text) const {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t sum = words[0] ^ left;
  for (; left > 16; left -= 16, at += 16) {
    sum = fold(load_word(at) ^ words[1], load_word(at + 8) ^ sum);
  }
  uint64_t first = 0, last = 0;  // the rest: two words that may overlap
  if (left >= 8) {
    first = load_word(at);
    last = load_word(at + left - 8);
  } else if (left >= 4) {
    first = load_word<uint32_t>(at);
    last = load_word<uint32_t>(at + left - 4);
  } else if (left > 0) {
    first = load_word<uint8_t>(at) << 16 | load_word<uint8_t>(at + left / 2) << 8 |
            load_word<uint8_t>(at + left - 1);
  }
  return fold(first ^ words[2], last ^ sum);
}

uint64_t hash_bytes(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

StrPool::StrPool(size_t idle_bytes, uint64_t seed)
    : slots_(kFirstSlots),
      idle_bytes_(idle_bytes),
      left_(idle_bytes / kFirstShare),
      secret_(seed) {}

uint64_t StrPool::random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

StrPool::~StrPool() {
  remembered_ = {};
  for (const Slot& slot : slots_) {
    if (!slot.empty()) free_rep(slot.rep());
  }
}

StrRep* StrPool::find_or_add(std::string_view text) {
  text = text.substr(0, UINT32_MAX);
  // An event's name is often asked for several times in a row.
  if (last_ != nullptr && last_->size == text.size() &&
      is_same(last_->text(), text.data(), text.size())) {
    return last_;
  }
  last_ = find_or_add_other(text);
  return last_;
}

StrRep* StrPool::find_or_add_other(std::string_view text) {
  const uint64_t hash = secret_.hash(text);
  const size_t mask = slots_.size() - 1;
  const Slot* slots = slots_.data();
  for (size_t at = hash & mask; !slots[at].empty(); at = (at + 1) & mask) {
    if (!slots[at].may_be(hash)) continue;
    StrRep* rep = slots[at].rep();
    if (rep->size != text.size() || !is_same(rep->text(), text.data(), text.size())) continue;
    rep->warm = true;
    return rep;
  }
  return add(text, hash);
}

StrPool::Slot& StrPool::free_slot(uint64_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (!slots_[at].empty()) at = (at + 1) & mask;
  return slots_[at];
}

StrRep* StrPool::add(std::string_view text, uint64_t hash) {
  const size_t cost = bytes_of(text.size()) + answer_bytes_;
  if (cost > left_) sweep();
  left_ -= std::min(cost, left_);
  if (is_crowded()) rehash(slots_.size() * 2);
  auto* rep = static_cast<StrRep*>(std::malloc(sizeof(StrRep) + text.size() + 1));
  GYR_CHECK(rep != nullptr && Slot::fits(rep));
  *rep = {.refs = 0,
          .size = static_cast<uint32_t>(text.size()),
          .hash = static_cast<uint32_t>(hash),
          .note = 0,
          .warm = false,
          .memo = nullptr,
          .related = nullptr};
  char* bytes = reinterpret_cast<char*>(rep + 1);
  std::memcpy(bytes, text.data(), text.size());
  bytes[text.size()] = '\0';
  free_slot(hash) = Slot(rep, hash);
  ++count_;
  return rep;
}

void StrPool::sweep() {
  last_ = nullptr;
  Bytes kept = drop_idle(false);
  if (kept.idle > idle_bytes_ / 2) kept = drop_idle(true);
  left_ = std::max(idle_bytes_ - kept.idle, kept.in_use);
  ++sweeps_;
  rehash(slots_.size());
}

// The bytes of those that stay. Holes are left in the table.
StrPool::Bytes StrPool::drop_idle(bool warm_too) {
  Bytes kept;
  size_t answers = 0;
  const size_t before = count_;
  for (Slot& slot : slots_) {
    if (slot.empty()) continue;
    StrRep* rep = slot.rep();
    const size_t own = bytes_of_answers(*rep);
    answers += own;
    if (rep->refs == 0 && (warm_too || !rep->warm)) {
      // What was related to it alone goes with the next sweep.
      if (StrRep* related = rep->related) --related->refs;
      free_rep(rep);
      slot = {};
      --count_;
      continue;
    }
    (rep->refs > 0 ? kept.in_use : kept.idle) += bytes_of(rep->size) + own;
    rep->warm = false;
  }
  answer_bytes_ = answers / std::max<size_t>(before, 1);
  return kept;
}

void StrPool::rehash(size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  for (const Slot& slot : old) {
    if (!slot.empty()) free_slot(slot.rep()->hash) = slot;
  }
}

void relate(StrRep& rep, const Str& other) {
  GYR_CHECK(rep.related == nullptr);
  rep.related = other.rep();
  ++rep.related->refs;
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
