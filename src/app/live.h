// SPDX-License-Identifier: Apache-2.0
// The watched host, for detection and recording: the probe with the wanted system calls, the host's
// /proc for what was missed, and a few words about what is watched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/attach_mode.h"
#include "base/log.h"
#include "base/result.h"
#include "base/system.h"
#include "container/finder.h"
#include "container_api/asker.h"
#include "source/proc_fds.h"
#include "source/ptrace.h"
#include "source/source.h"
#include "state/state.h"

namespace gyr::app {

class LiveHost {
 public:
  // `host_root`: HOST_ROOT, "" for this file system. `apis`: what may be asked about containers.
  // Longer values of labels are left out.
  explicit LiveHost(std::string host_root, ContainerApiSettings apis = {},
                    size_t label_limit = kLabelLimit);

  // Attaches the probe. Warnings go to the log. The source must not outlive the host.
  struct Collect {
    Collection collection{};
    uint32_t snaplen = 80;
    uint64_t ring_bytes = 8ull << 20;
    uint32_t cpus_per_ring = 2;
    AttachMode attach_mode = AttachMode::Auto;
    bool drop_failed = false;
    bool disable_iterators = false;
    Logger library_log{};  // null: what libbpf says is not logged
  };
  Result<std::unique_ptr<Source>> open(const Collect& what, const Logger& logger);
  // The same of a command or of running processes, without the probe. `what` needs no calls.
  Result<std::unique_ptr<PtraceSource>> follow(PtraceSettings what, std::vector<Sc> syscalls,
                                               const Logger& logger);
  // State that heals itself from /proc: after open(). Refers to this object.
  StateSettings state_settings();
  const ContainerFinder& containers() const { return *containers_; }
  // "kernel 6.1.0, 91 system calls": after open().
  std::string description() const;

 private:
  std::optional<FoundThread> find_thread(int64_t tid);

  std::string host_root_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Users> users_;
  std::unique_ptr<ContainerAsker> asker_;
  std::unique_ptr<ContainerFinder> containers_;
  std::unique_ptr<FdLookup> fds_;
  LookupTime thread_time_;
  size_t collected_ = 0;
  int64_t own_pid_ = -1;
};

}  // namespace gyr::app
