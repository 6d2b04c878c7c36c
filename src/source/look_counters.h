// SPDX-License-Identifier: Apache-2.0
// How the threads and descriptors of a snapshot were learnt. The numbers only grow.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "event/snapshot.h"

namespace gyr {

// Kinds of descriptors that are counted apart.
enum class FileClass : uint8_t {
  Regular,  // devices among them
  Directory,
  Pipe,
  MemFd,
  AnonInode,
  Inet,
  Unix,
  Netlink,
};
inline constexpr size_t kFileClasses = 8;
FileClass class_of(FdKind kind);

struct LookCounters {
  uint64_t looks_by_iterators = 0;
  uint64_t looks_by_proc = 0;
  // By iterators.
  uint64_t tasks = 0;
  uint64_t tasks_lost = 0;  // listed, but ended or replaced before /proc had told the rest
  std::array<uint64_t, kFileClasses> files{};  // by FileClass
  std::array<uint64_t, kFileClasses> files_lost{};
  uint64_t tasks_unlisted = 0;  // not listed: of these all is from /proc
  uint64_t files_asked = 0;     // whose path, inode or device only /proc could tell
  // From /proc.
  uint64_t tasks_by_proc = 0;
  uint64_t files_by_proc = 0;
  std::string why_proc;  // why iterators were not used, "" if they were or nothing called for them

  std::string text() const;  // of all this, for people; "" while there was no look
};

}  // namespace gyr
