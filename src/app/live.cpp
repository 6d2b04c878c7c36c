// SPDX-License-Identifier: Apache-2.0
#include "app/live.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <utility>

#include "app/environment.h"
#include "source/live.h"
#include "source/probe_rings.h"
#include "source/proc_scan.h"
#include "source/ring_memory.h"

namespace gyr::app {
LiveHost::LiveHost(std::string host_root, ContainerApiSettings apis, size_t label_limit)
    : host_root_(std::move(host_root)),
      files_(system_files(host_root_)),
      users_(system_users(host_root_)),
      asker_(std::make_unique<ContainerAsker>(std::move(apis), host_root_)),
      containers_(std::make_unique<ContainerFinder>(
          *files_, [this](ContainerQuestion question) { return asker_->ask(std::move(question)); },
          label_limit)),
      fds_(std::make_unique<FdLookup>(*files_)) {}

Result<std::unique_ptr<Source>> LiveHost::open(const Collect& what, const Logger& logger) {
  const auto rings = fit_rings({.ring_bytes = what.ring_bytes,
                                .cpus_per_ring = what.cpus_per_ring,
                                .cpus = online_cpus().size()},
                               memory_limit(*system_files("")));
  if (!rings) return rings.error();
  if (!rings->warning.empty()) logger->warn("{}", rings->warning);
  LiveSettings live;
  live.syscalls = what.collection.syscalls;
  live.snaplen = what.snaplen;
  live.ring_bytes = rings->ring_bytes;
  live.cpus_per_ring = what.cpus_per_ring;
  live.attach_mode = what.attach_mode;
  live.real_paths = what.collection.real_paths;
  live.compared = what.collection.compared;
  live.drop_failed = what.drop_failed;
  live.library_log = what.library_log;
  live.host_root = host_root_;
  live.hostname = environment("FALCO_HOSTNAME");
  if (what.disable_iterators) live.iterators = IteratorUse::Never;
  for (const Sc call : live.syscalls) collected_ += is_collected(call) ? 1 : 0;
  Result<std::unique_ptr<LiveSource>> source = open_live(live);
  if (!source) return source.error();
  own_pid_ = (*source)->own_pid();
  for (const std::string& warning : (*source)->warnings()) logger->warn("{}", warning);
  asker_->start();  // with the privileges of now
  return std::unique_ptr<Source>(*std::move(source));
}

Result<std::unique_ptr<PtraceSource>> LiveHost::follow(PtraceSettings what,
                                                       std::vector<Sc> syscalls,
                                                       const Logger& logger) {
  what.syscalls = std::move(syscalls);
  what.hostname = environment("FALCO_HOSTNAME");
  for (const Sc call : what.syscalls) collected_ += is_collected(call) ? 1 : 0;
  auto source = open_ptrace(std::move(what));
  if (!source) return source;
  own_pid_ = (*source)->own_pid();
  for (const std::string& warning : (*source)->warnings()) logger->warn("{}", warning);
  return source;
}

// Descriptors may be sockets, and to tell which the tables of all sockets are read. When there is
// no time for that they are looked up when they are used.
std::optional<FoundThread> LiveHost::find_thread(int64_t tid) {
  const uint64_t begin_ns = system_clock().monotonic_ns();
  if (!thread_time_.is_left(begin_ns)) return scan_thread(*files_, tid, 0);
  auto found = scan_thread(*files_, tid);
  thread_time_.took(begin_ns, system_clock().monotonic_ns());
  return found;
}

StateSettings LiveHost::state_settings() {
  StateSettings state;
  state.live = true;
  state.own_pid = own_pid_;
  state.host_root = host_root_;
  state.users = users_.get();
  state.files = files_.get();
  state.find_thread = [this](int64_t tid) { return find_thread(tid); };
  state.find_fd = [this](int64_t pid, int64_t fd) { return fds_->find(pid, fd); };
  state.find_container = [this](std::string_view id, std::string_view cgroups, int64_t pid,
                                uint64_t now_ns) {
    return containers_->find(id, cgroups, pid, now_ns);
  };
  state.forget_container = [this](std::string_view id) { containers_->forget(id); };
  state.late_container = [this] {
    // An answer that tells nothing new is no reason to stop.
    while (std::optional<ContainerReply> reply = asker_->take()) {
      if (std::string json = containers_->take(*std::move(reply)); !json.empty()) return json;
    }
    return std::string();
  };
  return state;
}

std::string LiveHost::description() const {
  utsname host{};
  uname(&host);
  return fmt::format("kernel {}, {} system calls", host.release, collected_);
}

}  // namespace gyr::app
