// SPDX-License-Identifier: Apache-2.0
// Descriptors and their tables. Tables are vectors indexed by descriptor number, shared copy-on-write: a
// clone copies a pointer. Entries are counted and shared between tables; an entry is copied before it
// is changed while another table holds it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/str.h"
#include "schema/schema.h"
#include "value/value.h"

namespace gyr {

enum class L4 : uint8_t { Unknown = 0, NotApplicable = 1, Tcp = 2, Udp = 3, Icmp = 4, Raw = 5 };
enum class FdRole : uint8_t { None, Client, Server };

inline constexpr int64_t kFdLimit = 4096;  // per table; further descriptors are counted, not stored

// One open descriptor as events and /proc describe it.
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
  uint64_t ino = 0;
  std::array<uint8_t, 16> source_ip{};  // network byte order; IPv4: first four bytes
  std::array<uint8_t, 16> dest_ip{};    // servers: the address listened on is in source_* (as sip by role)
  uint64_t unix_source = 0;
  uint64_t unix_dest = 0;
  int64_t pid = 0;  // pidfd
  Str name;         // fd.name
  Str name_raw;     // fd.nameraw: as the caller wrote it

  bool is_ip_socket() const {
    return kind == FdKind::Ipv4 || kind == FdKind::Ipv6 || is_server_socket();
  }
  bool is_server_socket() const {
    return kind == FdKind::Ipv4Server || kind == FdKind::Ipv6Server;
  }
  bool is_file() const { return kind == FdKind::File || kind == FdKind::FileV2; }
  bool is_v6() const { return kind == FdKind::Ipv6 || kind == FdKind::Ipv6Server; }
};

class FdTable {
 public:
  // Null when the number is negative, too large or not open.
  const FdInfo* find(int64_t fd) const {
    if (!rep_ || fd < 0 || static_cast<size_t>(fd) >= rep_->slots.size()) return nullptr;
    return rep_->slots[static_cast<size_t>(fd)].get();
  }
  // The entry for changing it, copied first if shared. Null when not open.
  FdInfo* edit(int64_t fd);
  // Replaces what was there. Null when fd is negative or beyond kFdLimit (nothing stored).
  FdInfo* add(int64_t fd, FdInfo info);
  bool remove(int64_t fd);
  // Shares other's entries (clone).
  void share(const FdTable& other) { rep_ = other.rep_; }
  void clear() { rep_.reset(); }
  size_t size() const { return rep_ ? rep_->open : 0; }
  // Calls use(fd, const FdInfo&) in order of numbers.
  template <class Use>
  void for_each(Use use) const {
    if (!rep_) return;
    for (size_t fd = 0; fd < rep_->slots.size(); ++fd) {
      if (const FdInfo* info = rep_->slots[fd].get()) use(static_cast<int64_t>(fd), *info);
    }
  }

 private:
  struct Rep {
    std::vector<std::shared_ptr<FdInfo>> slots;
    size_t open = 0;
  };
  Rep& own();  // a rep no one else shares
  std::shared_ptr<Rep> rep_;
};

}  // namespace gyr
