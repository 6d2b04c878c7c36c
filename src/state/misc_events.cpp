// SPDX-License-Identifier: Apache-2.0
// Credentials, limits, memory, and the meta events that fill tables (state-engine 4.7, 6, 14).
#include <string_view>

#include "state/core.h"

namespace gyr {
namespace {

constexpr uint8_t kRlimitNofile = 7;
constexpr int64_t kUnlimited = -1;
constexpr uint64_t kAllCapabilities = (uint64_t{1} << 41) - 1;
constexpr uint32_t kPrSetChildSubreaper = 36, kPrGetChildSubreaper = 37;

void set_fdlimit(StateCore& core, Thread& of, int64_t limit) {
  // Not visible to thread-class fields: no version rises.
  if (Thread* leader = core.threads.leader(of)) leader->fdlimit = limit;
}

// setuid and setgid carry the id in parameter 1, the others the effective one in parameter 2.
size_t id_param(Ev type) { return type == Ev::SETUID_X || type == Ev::SETGID_X ? 1 : 2; }

}  // namespace

void on_setsid(StateCore& core, const EventView& event) {
  if (core.thread->sid == event.result()) return;
  core.thread->sid = event.result();
  core.threads.changed(*core.thread);
}

void on_set_user(StateCore& core, const EventView& event) {
  const size_t index = id_param(event.type());
  if (event.result() != 0 || !event.has(index)) return;
  const auto uid = event.get<uint32_t>(index);
  // "Leave as it is" reaches the call as -1.
  if (uid == kNoId || core.thread->uid == uid) return;
  core.thread->uid = uid;
  core.threads.changed(*core.thread);
  core.note_users(*core.thread);
}

void on_set_group(StateCore& core, const EventView& event) {
  const size_t index = id_param(event.type());
  if (event.result() != 0 || !event.has(index)) return;
  const auto gid = event.get<uint32_t>(index);
  if (gid == kNoId || core.thread->gid == gid) return;
  core.thread->gid = gid;
  core.threads.changed(*core.thread);
  core.note_users(*core.thread);
}

void on_capset(StateCore& core, const EventView& event) {
  Thread& thread = *core.thread;
  thread.cap_inheritable = event.get<uint64_t>(1);
  thread.cap_permitted = event.get<uint64_t>(2);
  thread.cap_effective = event.get<uint64_t>(3);
  core.threads.changed(thread);
}

namespace {

// setns() with 0 for a type takes what the descriptor is.
bool enters_mount_namespace(const FdInfo* fd, uint32_t type) {
  if (type != 0) return (type & kCloneNewNs) != 0;
  if (fd == nullptr) return false;
  return fd->name.view().ends_with("/ns/mnt") || fd->name.view().starts_with("mnt:[");
}

}  // namespace

void on_namespace(StateCore& core, const EventView& event) {
  const bool unshares = event.type() == Ev::UNSHARE_X;
  const size_t index = unshares ? 1 : 2;
  const auto flags = event.get<uint32_t>(index);
  Thread& thread = *core.thread;
  if (!unshares && core.of_our_own && enters_mount_namespace(core.now.fd, flags)) {
    core.set_cwd(thread, core.paths.slash);  // the kernel moves it to the namespace's root
  }
  if (unshares && (flags & kCloneFiles) != 0) core.unshare_fds(thread);
  constexpr uint32_t kUnshareFs = kCloneFs | kCloneNewNs | kCloneNewUser;
  if (unshares && (flags & kUnshareFs) != 0) core.unshare_cwd(thread);
  if ((flags & kCloneNewUser) == 0) return;
  thread.cap_inheritable = thread.cap_permitted = thread.cap_effective = kAllCapabilities;
  core.threads.changed(thread);
}

void on_rlimit(StateCore& core, const EventView& event) {
  const auto limit = event.get<int64_t>(1, kUnlimited);
  if (event.get<uint8_t>(3) != kRlimitNofile || limit == kUnlimited) return;
  set_fdlimit(core, *core.thread, limit);
}

void on_prlimit(StateCore& core, const EventView& event) {
  const auto limit = event.get<int64_t>(1, kUnlimited);
  if (event.result() != 0 || limit == kUnlimited) return;
  if (event.get<uint8_t>(6) != kRlimitNofile) return;
  const auto pid = event.get<int64_t>(5);
  Thread* target = pid == 0 ? core.thread : core.threads.find(pid);
  if (target != nullptr) set_fdlimit(core, *target, limit);
}

void on_memory(StateCore& core, const EventView& event) {
  // Memory is the process's, whichever thread changes it.
  Thread* leader = core.threads.leader(*core.thread);
  Thread& owner = leader != nullptr ? *leader : *core.thread;
  owner.vmsize_kb = event.get<uint32_t>(1, owner.vmsize_kb);
  owner.vmrss_kb = event.get<uint32_t>(2, owner.vmrss_kb);
  owner.vmswap_kb = event.get<uint32_t>(3, owner.vmswap_kb);
}

void on_schedswitch(StateCore& core, const EventView& event) {
  Thread& thread = *core.thread;
  thread.pfmajor = event.get<uint64_t>(1, thread.pfmajor);
  thread.pfminor = event.get<uint64_t>(2, thread.pfminor);
  Thread* leader = event.has(5) ? core.threads.leader(thread) : nullptr;
  if (leader == nullptr) return;
  leader->vmsize_kb = event.get<uint32_t>(3);
  leader->vmrss_kb = event.get<uint32_t>(4);
  leader->vmswap_kb = event.get<uint32_t>(5);
}

void on_prctl(StateCore& core, const EventView& event) {
  const auto option = event.get<uint32_t>(1);
  if (option != kPrSetChildSubreaper && option != kPrGetChildSubreaper) return;
  if (core.thread->group != nullptr) core.thread->group->reaper = event.get<int64_t>(3) != 0;
}

void on_container(StateCore& core, const EventView& event) { core.add_container(event.text(0)); }

void on_async(StateCore& core, const EventView& event) {
  const std::string_view name = event.text(1);
  const std::string_view data = as_text(event.param(2));
  if (name == "container") {
    core.add_container(data);
  } else if (name == "container_removed") {
    const Str id = core.containers.remove_json(data);
    if (id.empty()) return;
    core.users.remove_container(id);
    core.threads.raise_epoch();
  }
}

void on_user_added(StateCore& core, const EventView& event) {
  const UserInfo info{.uid = event.get<uint32_t>(0, kNoId),
                      .gid = event.get<uint32_t>(1, kNoId),
                      .name = core.intern(event.text(2)),
                      .home = core.intern(event.text(3)),
                      .shell = core.intern(event.text(4))};
  if (core.users.add_user(core.intern(event.text(5)), info)) core.threads.raise_epoch();
}

void on_user_deleted(StateCore& core, const EventView& event) {
  const auto uid = event.get<uint32_t>(0, kNoId);
  if (core.users.remove_user(core.intern(event.text(5)), uid)) core.threads.raise_epoch();
}

void on_group_added(StateCore& core, const EventView& event) {
  const GroupInfo info{.gid = event.get<uint32_t>(0, kNoId), .name = core.intern(event.text(1))};
  if (core.users.add_group(core.intern(event.text(2)), info)) core.threads.raise_epoch();
}

void on_group_deleted(StateCore& core, const EventView& event) {
  const auto gid = event.get<uint32_t>(0, kNoId);
  if (core.users.remove_group(core.intern(event.text(2)), gid)) core.threads.raise_epoch();
}

}  // namespace gyr
