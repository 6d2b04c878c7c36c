// SPDX-License-Identifier: Apache-2.0
#include "app/privileges.h"

#include <sys/prctl.h>

#include "base/sandbox.h"

namespace gyr::app {
namespace {

// One row each: what live detection needs as long as it runs.
struct Need {
  Capability capability;
  Capability stand_in;  // serves as well, so it stays where the other was not given
  const char* lost;     // without either
};
constexpr Need kNeeds[] = {
    {Capability::Bpf, Capability::SysAdmin, "the probe cannot follow a change of rules"},
    {Capability::Perfmon, Capability::SysAdmin, "the probe cannot follow a change of rules"},
    {Capability::SysPtrace, Capability::SysPtrace,
     "of processes that ran before, executables, working directories and descriptors are unknown, "
     "and so are descriptors that are looked up after a loss"},
    {Capability::DacReadSearch, Capability::DacOverride,
     "what other users' processes had open before has no name, and what only their owner may read "
     "(files of container runtimes, environments) is unknown"},
};

Capabilities needed_of(Capabilities given, const Logger& logger) {
  Capabilities needed;
  for (const Need& need : kNeeds) {
    if (given.has(need.capability)) {
      needed.add(need.capability);
    } else if (given.has(need.stand_in)) {
      needed.add(need.stand_in);
    } else {
      logger->warn("{} was not given: {}", capability_name(need.capability), need.lost);
    }
  }
  return needed;
}

}  // namespace

Capabilities capabilities_to_read_files() {
  const bool given = permitted_capabilities().has(Capability::DacReadSearch);
  return {given ? Capability::DacReadSearch : Capability::DacOverride};
}

void give_up_privileges(const std::vector<std::string>& written, const Logger& logger) {
  const Capabilities given = permitted_capabilities();
  Capabilities kept = needed_of(given, logger);
  std::vector<std::string> folders;
  folders.reserve(written.size());
  for (const std::string& path : written) folders.push_back(folder_of(path));
  kept = kept | needed_to_write_in(folders);
  // Some threads have fewer privileges than this one. Without this, a process that has no more than
  // they do could trace them, and so read and write the memory of all.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (const auto done = keep_only(kept); !done) logger->warn("{}", done.error().message);
  if (landlock_version() > 0) return;
  logger->info(
      "this kernel limits no thread's files (Landlock is not there or switched off): outputs, web "
      "server and others are limited by their capabilities alone");
}

}  // namespace gyr::app
