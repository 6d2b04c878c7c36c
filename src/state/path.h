// SPDX-License-Identifier: Apache-2.0
// Joined paths and other texts made of interned strings, remembered by the strings' identity: a
// name that repeats costs one probe and no work on bytes. The memories hold handles, so a string
// cannot be freed and its address reused while an entry names it; their sizes are fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/str.h"

namespace gyr {

// Direct-mapped: a newer pair takes the place of an older one with the same slot.
template <size_t kSlots>
class PairCache {
 public:
  struct Entry {
    Str first, second, result;
    bool known = false;
  };
  // The entry for the pair, its keys set. If not `known`, the caller stores the result.
  Entry& at(const Str& first, const Str& second) {
    Entry& entry = (*entries_)[slot(first.rep(), second.rep())];
    if (!entry.known || !(entry.first == first) || !(entry.second == second)) {
      entry.first = first;
      entry.second = second;
      entry.known = false;
    }
    return entry;
  }
  void clear() { *entries_ = {}; }

 private:
  static size_t slot(const StrRep* first, const StrRep* second) {
    static_assert((kSlots & (kSlots - 1)) == 0);
    const uint64_t a = first != nullptr ? first->hash : 0;
    const uint64_t b = second != nullptr ? second->hash : 0;
    return (a * 0x9e3779b97f4a7c15 ^ b) >> 7 & (kSlots - 1);
  }
  std::unique_ptr<std::array<Entry, kSlots>> entries_ =
      std::make_unique<std::array<Entry, kSlots>>();
};

class Paths {
 public:
  static constexpr std::string_view kTooLong = "/DIR_TOO_LONG/FILENAME_TOO_LONG";

  explicit Paths(StrPool& pool)
      : slash(pool.intern("/")),
        dot(pool.intern(".")),
        unknown(pool.intern("<UNKNOWN>")),
        pool_(pool),
        too_long_(pool.intern(kTooLong)) {}

  Str join(const Str& base, const Str& path);
  // Whether `base` and `path` that have more than 1,023 bytes together are too long, though what
  // they mean is short and `path` may be absolute. Not at first.
  void join_as_reference(bool on) { as_reference_ = on; }
  // `name` with "/" appended unless it is empty or ends in one.
  const Str& with_slash(const Str& name);
  // Remembered as what is related to the name.
  Str directory_of(const Str& name);

  const Str slash, dot, unknown;

 private:
  enum Note : uint32_t { kClean = 1, kOther = 2 };
  static bool is_clean(StrRep& path);

  StrPool& pool_;
  const Str too_long_;
  bool as_reference_ = false;
  PairCache<2048> joined_;  // of names that joining changes
  PairCache<512> slashed_;
};

}  // namespace gyr
