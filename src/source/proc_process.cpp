// SPDX-License-Identifier: Apache-2.0
#include "source/proc_process.h"

#include "source/fd_facts.h"
#include "source/proc_host.h"

namespace gyr {
namespace {

constexpr size_t kListLimit = 4096;  // of arguments and of the environment, as the probe has it
constexpr uint64_t kDacOverride = 1 << 1;  // capability

std::string link_or_empty(const Files& files, const std::string& path) {
  return files.read_link(path).value_or("");
}

// First argument and the rest.
bool read_arguments(const Files& files, const std::string& dir, SnapshotThread* thread) {
  auto text = files.read(dir + "/cmdline", kListLimit);
  if (!text || text->empty()) return false;
  if (text->back() != '\0') text->push_back('\0');
  const size_t end = text->find('\0');
  thread->exe = text->substr(0, end);
  thread->args = text->substr(end + 1);
  return true;
}

}  // namespace

bool read_command(const Files& files, const std::string& dir, SnapshotThread* thread) {
  const bool has_arguments = read_arguments(files, dir, thread);
  const auto program = files.read_link(dir + "/exe");
  if (!has_arguments && !program) return false;
  thread->exepath = program.value_or("");
  thread->env = files.read(dir + "/environ", kListLimit).value_or("");
  if (!thread->env.empty() && thread->env.back() != '\0') thread->env.push_back('\0');
  return true;
}

// A process that changes its directory is read until the directory is the same before and after a
// time, which then divides the events: those before it are in what was read.
void read_directory(const Files& files, uint64_t boot_ts_ns, const std::string& dir,
                    SnapshotThread* thread) {
  constexpr int kTries = 8;
  thread->cwd = link_or_empty(files, dir + "/cwd");
  for (int i = 0; i < kTries; ++i) {
    thread->as_of_ns = boot_ts_ns + since_boot_ns();
    std::string again = link_or_empty(files, dir + "/cwd");
    if (again == thread->cwd) return;
    thread->cwd = std::move(again);
  }
}

void read_root(const Files& files, const std::string& dir, SnapshotThread* thread) {
  thread->root = link_or_empty(files, dir + "/root");
  if (const auto init = files.stat(dir + "/root/proc/1/cmdline", true)) {
    thread->pidns_init_start_ts_ns = init->ctime_ns;
  }
}

void read_program(const Files& files, const std::string& dir, SnapshotThread* thread) {
  const auto stat = files.stat(dir + "/exe", true);
  if (!stat) return;
  thread->exe_ino = stat->inode;
  thread->exe_ino_ctime_ns = stat->ctime_ns;
  thread->exe_ino_mtime_ns = stat->mtime_ns;
  const uint32_t bit = thread->uid == stat->uid ? 0200 : thread->gid == stat->gid ? 0020 : 0002;
  thread->exe_writable = (thread->cap_effective & kDacOverride) != 0 || (stat->mode & bit) != 0;
  thread->exe_from_memfd = thread->exepath.starts_with(kMemoryFile);
}

Snapshot host_snapshot(const Files& files, const Users& users) {
  Snapshot snapshot;
  snapshot.from_capture = false;
  snapshot.of_our_own = true;
  snapshot.machine = read_machine(files);
  snapshot.interfaces = read_interfaces();
  snapshot.has_users = true;
  for (UserEntry& user : users.all_users()) {
    snapshot.users.push_back({user.uid, user.gid, user.name, user.home, user.shell});
  }
  for (GroupEntry& group : users.all_groups()) snapshot.groups.push_back({group.gid, group.name});
  return snapshot;
}

}  // namespace gyr
