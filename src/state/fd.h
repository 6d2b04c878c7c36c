// SPDX-License-Identifier: Apache-2.0
// Descriptors and their tables. Tables are vectors indexed by descriptor number, shared
// copy-on-write: a clone copies a pointer. Entries are counted and shared between tables; an entry
// is copied before it is changed while another table holds it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/str.h"
#include "schema/schema.h"
#include "value/value.h"

namespace gyr {

enum class L4 : uint8_t { Unknown = 0, NotApplicable = 1, Tcp = 2, Udp = 3, Icmp = 4, Raw = 5 };
enum class FdRole : uint8_t { None, Client, Server };

// Open descriptors per table. One that is opened beyond takes the place of another, which is
// counted: programs may open far more than anybody names, and what they do next is done with the
// new one.
inline constexpr int64_t kFdLimit = 65'536;
// So many per table while the tables of a pool are crowded.
inline constexpr int64_t kCrowdedFdLimit = 256;

// One open descriptor as events and /proc describe it.
// Microseconds that come again after 71 minutes.
inline uint32_t low_us(uint64_t ns) { return static_cast<uint32_t>(ns / 1000); }

struct FdInfo {
  uint32_t refs = 0;
  FdKind kind = FdKind::Unknown;
  FdRole role = FdRole::None;
  L4 l4 = L4::Unknown;
  bool connected = false;
  bool upper_layer = false;
  bool lower_layer = false;
  bool from_snapshot = false;
  uint32_t open_flags = 0;  // PPM_O_*
  uint32_t dev = 0;
  uint32_t mount_id = 0;
  uint16_t source_port = 0;
  uint16_t dest_port = 0;
  uint32_t added_us = 0;  // low_us() of the event at which it was added; 0: before any
  uint64_t ino = 0;
  // Network byte order; IPv4: first four bytes. Of servers the address listened on is in source_*.
  std::array<uint8_t, 16> source_ip{}, dest_ip{};
  uint64_t unix_source = 0;
  uint64_t unix_dest = 0;
  int64_t pid = 0;  // pidfd
  Str name;         // fd.name
  Str name_raw;     // fd.nameraw: as the caller wrote it
  Str real_path;    // fd.realpath: what the kernel opened; empty: not told

  bool is_ip_socket() const {
    return kind == FdKind::Ipv4 || kind == FdKind::Ipv6 || is_server_socket();
  }
  bool is_server_socket() const { return kind == FdKind::Ipv4Server || kind == FdKind::Ipv6Server; }
  bool is_file() const { return kind == FdKind::File || kind == FdKind::FileV2; }
  bool is_v6() const { return kind == FdKind::Ipv6 || kind == FdKind::Ipv6Server; }
};

// Entries of closed descriptors, kept for the next open: tables of one State share a pool.
class FdPool {
 public:
  // Tables hold more entries than this, or have room for 16 times as many: crowded.
  static constexpr size_t kCrowdedAt = 1u << 20;

  explicit FdPool(size_t crowded_at = kCrowdedAt) : crowded_at_(crowded_at) {}
  FdPool(const FdPool&) = delete;
  FdPool& operator=(const FdPool&) = delete;
  FdInfo* take();  // blank but for refs = 1
  size_t entries() const { return blocks_.size() * kBlock - free_.size(); }
  bool is_crowded() const { return entries() >= crowded_at_ || slots_ / 16 >= crowded_at_; }
  uint64_t replaced() const { return replaced_; }  // entries that were given up for others
  void give(FdInfo* info) {
    // As *info = {}, in a few wide stores: descriptors come and go with every third event.
    info->name = Str();
    info->name_raw = Str();
    info->real_path = Str();
    static_assert(std::is_standard_layout_v<FdInfo>);
    std::memset(static_cast<void*>(info), 0, offsetof(FdInfo, name));  // all defaults are zero
    free_.push_back(info);  // never grows: take() reserved for all entries
  }

 private:
  friend class FdTable;
  static constexpr size_t kBlock = 128;
  const size_t crowded_at_;
  size_t slots_ = 0;  // of the vectors of all tables
  uint64_t replaced_ = 0;
  std::vector<std::unique_ptr<FdInfo[]>> blocks_;
  std::vector<FdInfo*> free_;
};

class FdTable {
 public:
  // Without a pool, entries come from the heap. The pool must outlive the table.
  FdTable() = default;
  explicit FdTable(FdPool* pool) : pool_(pool) {}
  FdTable(const FdTable& other) : rep_(other.rep_), pool_(other.pool_) {
    if (rep_ != nullptr) ++rep_->refs;
  }
  FdTable& operator=(const FdTable& other) {
    if (this != &other) share(other);
    return *this;
  }
  ~FdTable() { clear(); }

  // Null when the number is negative or not open.
  [[gnu::always_inline]] const FdInfo* find(int64_t fd) const {  // on the path of most events
    if (rep_ == nullptr || fd < 0) return nullptr;
    if (static_cast<size_t>(fd) < rep_->slots.size()) return rep_->slots[static_cast<size_t>(fd)];
    return rep_->high.empty() ? nullptr : find_high(fd);
  }
  // The entry for changing it, copied first if shared. Null when not open.
  FdInfo* edit(int64_t fd);
  // Replaces what was there, and in a full table something else. Null when fd is negative.
  FdInfo* add(int64_t fd, FdInfo info);
  // As add(), with a blank entry for the caller to fill.
  FdInfo* add_blank(int64_t fd);
  bool remove(int64_t fd) {
    // A descriptor number is rarely high, and a table that is changed rarely shared.
    if (rep_ == nullptr || rep_->refs > 1 || static_cast<uint64_t>(fd) >= rep_->slots.size()) {
      return remove_any(fd);
    }
    FdInfo* info = std::exchange(rep_->slots[static_cast<size_t>(fd)], nullptr);
    if (info == nullptr) return false;
    --rep_->open;
    drop(info);
    return true;
  }
  // Removes the entries for which is_doomed(fd, const FdInfo&) is true; gives their number.
  template <class Drop>
  size_t remove_if(Drop is_doomed);
  // Shares other's entries (clone).
  void share(const FdTable& other);
  void clear();
  size_t size() const { return rep_ != nullptr ? rep_->open : 0; }
  // Calls use(fd, const FdInfo&) in order of numbers.
  template <class Use>
  void for_each(Use use) const {
    for_each_between(0, std::numeric_limits<int64_t>::max(), use);
  }
  // Of numbers from `first` (not negative) to `last`, both included.
  template <class Use>
  void for_each_between(int64_t first, int64_t last, Use use) const {
    if (rep_ == nullptr) return;
    const auto size = static_cast<int64_t>(rep_->slots.size());
    for (int64_t fd = first; fd < size && fd <= last; ++fd) {
      if (const FdInfo* info = rep_->slots[static_cast<size_t>(fd)]) use(fd, *info);
    }
    for (const High& entry : rep_->high) {
      if (entry.fd < first || entry.fd > last) continue;
      use(entry.fd, static_cast<const FdInfo&>(*entry.info));
    }
  }

 private:
  // Numbers far above the others (a shell's 255, or huge ones) are sorted, not indexed: a table
  // that is copied stays small. There are at most kHighLimit of them: they are moved at each
  // change.
  static constexpr size_t kHighLimit = 4096;
  struct High {
    int64_t fd;
    FdInfo* info;
  };
  struct Rep {
    uint32_t refs = 1;
    uint32_t open = 0;
    uint32_t next_victim = 0;  // where the search for an entry to give up goes on
    std::vector<FdInfo*> slots;
    std::vector<High> high;
  };
  Rep& own() {  // a rep no one else shares
    return rep_ != nullptr && rep_->refs == 1 ? *rep_ : own_copy();
  }
  Rep& own_copy();
  FdInfo* take();
  void drop(FdInfo* info) {
    if (--info->refs > 0) return;
    if (pool_ != nullptr) {
      pool_->give(info);
    } else {
      delete info;
    }
  }
  bool remove_any(int64_t fd);
  FdInfo** slot_of(Rep& rep, int64_t fd);   // null when nothing is open there
  FdInfo** slot_for(Rep& rep, int64_t fd);  // made if missing
  void grow(Rep& rep, size_t size);
  void copy_slots(const Rep& from, Rep* to) const;
  void make_room(int64_t fd);  // for a number that is not open
  void give_up_slot(Rep& rep);
  void give_up_high(Rep& rep);
  const FdInfo* find_high(int64_t fd) const;

  Rep* rep_ = nullptr;
  FdPool* pool_ = nullptr;
};

template <class Drop>
size_t FdTable::remove_if(Drop is_doomed) {
  std::vector<int64_t> doomed;
  for_each([&](int64_t fd, const FdInfo& info) {
    if (is_doomed(fd, info)) doomed.push_back(fd);
  });
  for (const int64_t fd : doomed) remove(fd);
  return doomed.size();
}

}  // namespace gyr
