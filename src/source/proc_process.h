// SPDX-License-Identifier: Apache-2.0
// What /proc alone tells of a process, part by part: for the scan of /proc (proc_scan.h) and for
// that of the kernel's lists (list_scan.h). `dir`: "/proc/PID". What cannot be read stays empty.
#pragma once

#include <cstdint>
#include <string>

#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

// Its first argument, the others, its program's path and its environment. False: there is neither a
// command nor a program, so it is a kernel thread, has ended or is gone.
bool read_command(const Files& files, const std::string& dir, SnapshotThread* thread);
// The working directory, and as_of_ns. `boot_ts_ns`: when the machine started, since the epoch.
void read_directory(const Files& files, uint64_t boot_ts_ns, const std::string& dir,
                    SnapshotThread* thread);
// Its root directory, and when the first process of that root's /proc started.
void read_root(const Files& files, const std::string& dir, SnapshotThread* thread);
// Of the program's file what the thread's user, group, capabilities and path allow to tell.
void read_program(const Files& files, const std::string& dir, SnapshotThread* thread);

// A snapshot without threads: machine, interfaces, users.
Snapshot host_snapshot(const Files& files, const Users& users);

}  // namespace gyr
