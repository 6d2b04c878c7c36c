// SPDX-License-Identifier: Apache-2.0
// Snapshots of the running host by whichever means is cheaper and works: the kernel's iterators
// (list_scan.h) or /proc (proc_scan.h).
#pragma once

#include <memory>

#include "base/result.h"
#include "base/system.h"
#include "event/snapshot.h"
#include "source/host_lists.h"
#include "source/look_counters.h"

namespace gyr {

enum class IteratorUse : uint8_t {
  Auto,    // where they are cheaper or see more
  Always,  // wherever they work
  Never,   // engine.*.disable_iterators
};

class HostLook {
 public:
  // `files`, below HOST_ROOT, and `users` must outlive it.
  HostLook(const Files& files, const Users& users, IteratorUse use)
      : files_(files), users_(users), use_(use) {}

  // `again`: there was one before, so there may be more.
  Result<Snapshot> take(bool again);
  const LookCounters& counters() const { return counters_; }

 private:
  bool wants_iterators(bool again) const;
  void open_lists();

  const Files& files_;
  const Users& users_;
  IteratorUse use_;
  std::unique_ptr<HostLists> lists_;  // once they were wanted: they stay loaded
  LookCounters counters_;
};

}  // namespace gyr
