// SPDX-License-Identifier: Apache-2.0
// State of the running host from /proc: processes, threads, descriptors with what they are, socket
// tables of every network namespace, users, interfaces. What vanishes while it is read is left out.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

Result<Snapshot> scan_proc(const Files& files, const Users& users);

// One thread, with the first of its process's descriptors; empty if there is no such thread. It is
// asked between two events, so a process with ten thousand of them must not hold detection up.
inline constexpr size_t kFdsOfScannedThread = 256;
std::optional<FoundThread> scan_thread(const Files& files, int64_t tid,
                                       size_t most_fds = kFdsOfScannedThread);

// Process numbers of the host, in order.
std::vector<int64_t> list_processes(const Files& files);

// Threads without descriptors, for whoever asks often. `files` must outlive it.
class ThreadReader {
 public:
  explicit ThreadReader(const Files& files);
  ~ThreadReader();
  std::optional<SnapshotThread> read(int64_t pid, int64_t tid);
  // A whole process, with its descriptors; nothing if it is gone.
  void read_process(int64_t pid, Snapshot* to);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace gyr
