// SPDX-License-Identifier: Apache-2.0
#include "app/live.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "base/text.h"
#include "source/live.h"
#include "source/proc_scan.h"

namespace gyr::app {
namespace {

void warn_about_selection(const SyscallPlan& plan, const Logger& logger) {
  for (const std::string& name : plan.unknown_names) {
    logger->warn("base_syscalls.custom_set: there is no system call '{}'", name);
  }
  if (plan.unheard.any()) {
    logger->warn(
        "rules ask for system calls that are not collected: {}; base_syscalls.all=true (-A) "
        "collects them",
        join(syscall_names(plan.unheard), ", "));
  }
}

std::vector<Sc> to_list(const SyscallSet& set) {
  std::vector<Sc> list;
  for (const ScInfo& call : all_syscalls()) {
    if (set.test(static_cast<size_t>(call.sc))) list.push_back(call.sc);
  }
  return list;
}

}  // namespace

LiveHost::LiveHost(std::string host_root)
    : host_root_(std::move(host_root)),
      files_(system_files(host_root_)),
      users_(system_users(host_root_)) {}

Result<std::unique_ptr<Source>> LiveHost::open(const DetectSettings& settings,
                                               const Ruleset& ruleset, const Logger& logger) {
  const SyscallPlan plan = plan_syscalls(syscalls_of_rules(ruleset), settings.syscalls);
  warn_about_selection(plan, logger);
  LiveSettings live;
  live.syscalls = to_list(plan.collected);
  live.snaplen = settings.snaplen;
  live.ring_bytes = settings.ring_bytes;
  live.host_root = host_root_;
  for (const Sc call : live.syscalls) collected_ += is_collected(call) ? 1 : 0;
  Result<std::unique_ptr<LiveSource>> source = open_live(live);
  if (!source) return source.error();
  for (const std::string& warning : (*source)->warnings()) logger->warn("{}", warning);
  return std::unique_ptr<Source>(*std::move(source));
}

StateSettings LiveHost::state_settings() const {
  StateSettings state;
  state.live = true;
  state.own_pid = getpid();
  state.host_root = host_root_;
  state.users = users_.get();
  state.files = files_.get();
  state.find_thread = [this](int64_t tid) -> std::optional<FoundThread> {
    std::optional<ScannedThread> found = scan_thread(*files_, tid);
    if (!found) return std::nullopt;
    return FoundThread{std::move(found->thread), std::move(found->fds)};
  };
  return state;
}

std::string LiveHost::description() const {
  utsname host{};
  uname(&host);
  return fmt::format("kernel {}, {} system calls", host.release, collected_);
}

}  // namespace gyr::app
