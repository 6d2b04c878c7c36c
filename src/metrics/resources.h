// SPDX-License-Identifier: Apache-2.0
// What this process and its host use, read from /proc and the control group. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/system.h"
#include "metrics/sample.h"

namespace gyr {

class ResourceReader {
 public:
  // `own`: our file system, `host`: that of the host (HOST_ROOT); both outlive this.
  // `group_file`: where our control group's memory is told (FALCO_CGROUP_MEM_PATH), "": found out.
  ResourceReader(const Files& own, const Files& host, std::string group_file);

  // What cannot be read is 0. The share of pages (smaps_rollup) is counted by the kernel each time.
  Resources read() const;

 private:
  const Files& own_;
  const Files& host_;
  std::string group_file_;
  uint64_t start_ns_;  // of the monotonic clock
};

// The file in which the control group of this process tells its memory, "" where there is none.
std::string find_memory_file(const Files& files);
// Since the epoch; 0: not known.
uint64_t host_boot_ns(const Files& host);

}  // namespace gyr
