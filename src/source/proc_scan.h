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

// One thread, with the descriptors of its process; empty if there is no such thread.
std::optional<FoundThread> scan_thread(const Files& files, int64_t tid);

// The same without descriptors, for whoever asks often. `files` must outlive it.
class ThreadReader {
 public:
  explicit ThreadReader(const Files& files);
  ~ThreadReader();
  std::optional<SnapshotThread> read(int64_t pid, int64_t tid);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace gyr
