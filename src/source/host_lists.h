// SPDX-License-Identifier: Apache-2.0
// The threads of the host and the descriptors of its processes, as the kernel itself lists them.
#pragma once

#include <memory>

#include "base/result.h"
#include "source/iter_records.h"

namespace gyr {

class HostLists {
 public:
  virtual ~HostLists() = default;
  // Each thread once, kernel threads and what has ended but was not waited for among them.
  virtual Result<void> each_task(const TakeTask& take) = 0;
  // Each descriptor of each process whose first thread has not ended. Threads with a table of their
  // own are left out, as /proc/PID/fd leaves them out.
  virtual Result<void> each_file(const TakeFile& take) = 0;
};

// By programs at the kernel's iterators; needs CAP_BPF and CAP_PERFMON, and takes some 40 ms of
// CPU, most of it for the kernel's type information. They list the pid namespace of this process
// alone, so an error says so if that is not the host's; or what the kernel refused.
Result<std::unique_ptr<HostLists>> open_iterators();

}  // namespace gyr
