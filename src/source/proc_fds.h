// SPDX-License-Identifier: Apache-2.0
// The descriptors of a process from /proc/PID/fd, and the sockets of its network namespace that
// they refer to.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

// Sockets by inode, read once per network namespace.
class SocketTables {
 public:
  explicit SocketTables(const Files& files) : files_(files) {}
  // Null if no table of the process's namespace has it.
  const SnapshotFd* find(int64_t pid, uint64_t inode);

 private:
  using Table = std::unordered_map<uint64_t, SnapshotFd>;
  Table read(int64_t pid) const;

  const Files& files_;
  std::unordered_map<std::string, Table> namespaces_;  // by the text of the ns/net link
  int64_t last_pid_ = -1;
  Table* last_ = nullptr;
};

// In order of their numbers, the first `limit` at most. What cannot be read, or a socket no table
// knows, is left out.
std::vector<SnapshotFd> read_fds(const Files& files, SocketTables& sockets, int64_t pid,
                                 size_t limit = SIZE_MAX);

// Keeps what is looked up between two events to a share of the time: 5 %, and 20 ms at once after a
// quiet while. Times in ns of the monotonic clock.
class LookupTime {
 public:
  // Whether something may be looked up now.
  bool is_left(uint64_t now_ns);
  // After is_left(`begin_ns`): so long it took.
  void took(uint64_t begin_ns, uint64_t end_ns);

 private:
  uint64_t free_at_ns_ = 0;  // when the next may be looked up
};

// Looks single descriptors up for a state that met one it does not know, as long as there is time:
// a process with more of them than are looked up costs little.
class FdLookup {
 public:
  explicit FdLookup(const Files& files) : files_(files) {}
  std::optional<SnapshotFd> find(int64_t pid, int64_t fd);

 private:
  const Files& files_;
  // Those that were not found lately, so that one that nobody knows (a socket of another family,
  // say) does not use up the time.
  std::set<std::pair<int64_t, int64_t>> missed_;
  uint64_t missed_since_ns_ = 0;
  LookupTime time_;
};

}  // namespace gyr
