// SPDX-License-Identifier: Apache-2.0
// What user space knows of a stopped thread: its memory, its files and sockets, its process. The
// answers that the collectors ask for (ptrace_collect.h). Nothing here waits for anybody: files are
// looked at, never opened, and attributes are taken as they are cached.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/system.h"
#include "event/snapshot.h"
#include "source/proc_scan.h"
#include "source/ptrace_collect.h"

namespace gyr {

// What the tracer knows better than /proc.
struct TraceeHints {
  int64_t parent_tid = -1;   // the thread that made this one; -1: unknown
  bool may_create = false;   // the call asks for a file to be created
  uint64_t entered_ns = 0;   // coarse time at which the call began
  uint64_t clone_flags = 0;  // of clone3, in the thread that it made, as the kernel has them
  uint32_t exit_code = 0;    // of a thread that ends, as the kernel keeps it
  int64_t reaper = 0;        // who gets its children
  bool compat = false;       // its program is a 32-bit one
};

// Memory of another thread. False, and nothing is promised of *to, when not all can be read.
bool read_memory(int64_t tid, uint64_t from, void* to, size_t size);
// A text of at most `most` bytes, without its NUL; empty when it cannot be read.
std::string read_text(int64_t tid, uint64_t from, size_t most);
// What the kernel remembers as the path a program was started by (AT_EXECFN).
std::string started_path(const Files& files, int64_t tid, bool compat);

}  // namespace gyr

// For the length of one record.
struct gyr_tracee {
  const gyr::Files& files;
  gyr::ThreadReader& threads;
  int64_t pid;
  int64_t tid;
  gyr::TraceeHints hints{};
  std::optional<gyr::SnapshotThread> thread{};  // read when something asks for it
  bool thread_read = false;
  int64_t file_fd = -1;  // whose attributes `file` has, if it has any
  std::optional<struct statx> file{};
};
