// SPDX-License-Identifier: Apache-2.0
// Interned byte strings: equal strings are one object, so state compares and copies them as
// pointers, and the rule program keeps its answers about a string (StrMemo) beside it.
//
// A pool and its strings belong to one thread. Counts are not atomic; text that leaves the thread
// (alerts) is copied. A string whose count is zero stays in the pool until such strings may take
// more memory than the pool's limit; then those go that were not asked for again. So names an
// attacker invents cannot grow the pool, however long they are, and hardly displace others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace gyr {

// Answers of one rule program about one string, in one vocabulary of atoms (see vm/). Opaque here.
struct StrMemo {
  StrMemo* next;        // memo of another domain, or null
  uint32_t generation;  // of the program that wrote it
  uint16_t domain;
  uint16_t words;  // of 64 bits that follow
  uint64_t* bits() { return reinterpret_cast<uint64_t*>(this + 1); }
};

struct StrRep {
  uint32_t refs;
  uint32_t size;
  uint32_t hash;
  uint16_t note;  // of whoever interprets the text, 0 at first: state/path.h
  bool warm;      // found again since the last sweep
  StrMemo* memo;
  StrRep* related;  // another string of the pool that belongs to it and is held by it, or null
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view view() const { return {text(), size}; }
};

// Counted handle. Default: the empty string (no rep). The pool must outlive its handles.
class Str {
 public:
  Str() = default;
  explicit Str(StrRep* rep) : rep_(rep) { retain(); }
  Str(const Str& other) : rep_(other.rep_) { retain(); }
  Str(Str&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Str& operator=(const Str& other) {  // NOLINT(bugprone-unhandled-self-assignment): same rep
    if (rep_ != other.rep_) {
      release();
      rep_ = other.rep_;
      retain();
    }
    return *this;
  }
  Str& operator=(Str&& other) noexcept {
    std::swap(rep_, other.rep_);
    return *this;
  }
  ~Str() { release(); }

  bool empty() const { return rep_ == nullptr; }
  size_t size() const { return rep_ ? rep_->size : 0; }
  // NUL-terminated; valid while any handle to the string lives.
  std::string_view view() const { return rep_ ? rep_->view() : std::string_view(""); }
  const char* c_str() const { return rep_ ? rep_->text() : ""; }
  StrRep* rep() const { return rep_; }
  // Strings of one pool are equal exactly when their reps are.
  friend bool operator==(const Str& a, const Str& b) { return a.rep_ == b.rep_; }

 private:
  void retain() {
    if (rep_) ++rep_->refs;
  }
  void release() {
    if (rep_) --rep_->refs;
  }
  StrRep* rep_ = nullptr;
};

// What a pool's hash multiplies with. Unknown to others, so that nobody can choose texts whose
// hashes are equal.
struct HashSecret {
  explicit HashSecret(uint64_t seed);
  uint64_t hash(std::string_view text) const;

  uint64_t words[3];
};

uint64_t hash_bytes(std::string_view text);
// For tables of texts that are asked with views.
struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return hash_bytes(text); }
};

class StrPool {
 public:
  static constexpr size_t kIdleBytes = size_t{1} << 20;

  // `idle_bytes`: how much memory strings that are not in use may take, with the answers kept
  // beside them; or as much as those in use take, if that is more, so that the work of dropping
  // stays in proportion. Answers are estimated from those seen before.
  // `seed` makes the places of strings unforeseeable to whoever chooses them.
  explicit StrPool(size_t idle_bytes = kIdleBytes, uint64_t seed = random_seed());
  ~StrPool();
  StrPool(const StrPool&) = delete;
  StrPool& operator=(const StrPool&) = delete;

  // The one string with these bytes. Strings over 4 GiB are cut (nothing that large is ever
  // interned).
  Str intern(std::string_view text) { return text.empty() ? Str() : Str(find_or_add(text)); }

  // A small cache of strings that stand for a number (names of flags …): the string remembered for
  // the key, empty if there is none (any more).
  const Str& remembered(uint64_t key) const {
    const Remembered& slot = remembered_[slot_of(key)];
    return slot.key == key ? slot.text : nothing_;
  }
  // Gives the string that had this place: who still uses it must hold it.
  [[nodiscard]] Str remember(uint64_t key, Str text) {
    Remembered& slot = remembered_[slot_of(key)];
    slot.key = key;
    return std::exchange(slot.text, std::move(text));
  }

  size_t size() const { return count_; }
  static uint64_t random_seed();
  uint64_t sweeps() const { return sweeps_; }

 private:
  StrRep* find_or_add(std::string_view text);
  StrRep* find_or_add_other(std::string_view text);
  StrRep* add(std::string_view text, uint64_t hash);
  void sweep();
  struct Bytes {
    size_t in_use = 0;
    size_t idle = 0;
  };
  Bytes drop_idle(bool warm_too);
  void rehash(size_t slots);
  bool is_crowded() const { return (count_ + 1) * 4 > slots_.size() * 3; }

  // A place in the hash table: a pointer, whose upper 16 bits no process uses, with as many bits of
  // the hash. Half the size is half the misses of the cache.
  class Slot {
   public:
    Slot() = default;
    Slot(StrRep* rep, uint64_t hash) : word_(reinterpret_cast<uintptr_t>(rep) | (hash & kTag)) {}
    bool empty() const { return word_ == 0; }
    bool may_be(uint64_t hash) const { return ((word_ ^ hash) & kTag) == 0; }
    StrRep* rep() const { return reinterpret_cast<StrRep*>(word_ & ~kTag); }  // NOLINT: one again
    static bool fits(const StrRep* rep) { return (reinterpret_cast<uintptr_t>(rep) & kTag) == 0; }

   private:
    static constexpr uint64_t kTag = uint64_t{0xffff} << 48;
    uint64_t word_ = 0;
  };
  struct Remembered {
    uint64_t key = 0;
    Str text;
  };
  static constexpr size_t kRemembered = 512;
  static size_t slot_of(uint64_t key) {
    return (key * 0x9e3779b97f4a7c15u) >> 55;  // 9 bits
  }

  Slot& free_slot(uint64_t hash);

  std::vector<Slot> slots_;
  std::array<Remembered, kRemembered> remembered_;
  Str nothing_;
  StrRep* last_ = nullptr;  // found or added last; not held
  size_t count_ = 0;
  size_t idle_bytes_;
  size_t left_;              // bytes that may be added until the next sweep
  size_t answer_bytes_ = 0;  // of a string, on average, as of the last sweep
  HashSecret secret_;
  uint64_t sweeps_ = 0;
};

// Makes `other`, which is not empty, the related string of one that has none yet.
void relate(StrRep& rep, const Str& other);

// A memo of at least `words` zeroed words for (domain, generation) beside `rep`; made when missing.
// `fresh` tells whether the caller must fill it. Memos live as long as their string.
struct MemoSlot {
  StrMemo* memo;
  bool fresh;
};
MemoSlot str_memo(StrRep& rep, uint16_t domain, uint32_t generation, uint16_t words);

}  // namespace gyr
