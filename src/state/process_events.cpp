// SPDX-License-Identifier: Apache-2.0
// clone, exec, exit (state-engine 4.1 to 4.3).
#include <string>
#include <utility>
#include <vector>

#include "state/core.h"

namespace gyr {
namespace {

// Parameters that clone and exec events have in common.
enum Param : size_t {
  kExe = 1,
  kArgs,
  kTid,
  kPid,
  kPtid,
  kCwd,
  kFdlimit,
  kFaultsMajor,
  kFaultsMinor,
  kVmSize,
  kVmRss,
  kVmSwap,
  kComm,
  kCgroups,
  // clone
  kCloneFlags = 15,
  kCloneUid,
  kCloneGid,
  kVtid,
  kVpid,
  kPidnsStart,
  // exec
  kEnv = 15,
  kTty,
  kVpgid,
  kLoginuid,
  kExecFlags,
  kCapInheritable,
  kCapPermitted,
  kCapEffective,
  kExeIno,
  kExeCtime,
  kExeMtime,
  kExecUid,
  kTrustedExepath,
  kPgid,
  kExecGid,
};

constexpr uint64_t kFreshNs = 2'000'000'000;  // a child entry this young is the same child
constexpr int64_t kExecveatEmptyPath = 1;     // flag: the descriptor itself is run

int64_t id_param(const EventView& event, size_t index, int64_t fallback) {
  return event.get<int64_t>(index, fallback);
}

// exe, args and comm as the event tells them.
void set_command(StateCore& core, Thread& thread, const EventView& event) {
  thread.exe = core.intern(event.text(kExe));
  const std::string_view comm = event.text(kComm);
  thread.comm = comm.empty() ? thread.exe : core.intern(comm);
  thread.args = core.intern(as_text(event.param(kArgs)));
  thread.command_line_known = false;
}

void set_memory(Thread& thread, const EventView& event) {
  if (!event.has(kVmSwap)) return;
  thread.pfmajor = event.get<uint64_t>(kFaultsMajor);
  thread.pfminor = event.get<uint64_t>(kFaultsMinor);
  thread.vmsize_kb = event.get<uint32_t>(kVmSize);
  thread.vmrss_kb = event.get<uint32_t>(kVmRss);
  thread.vmswap_kb = event.get<uint32_t>(kVmSwap);
}

// What a child has from the process that made it.
void inherit(Thread& child, const Thread& from) {
  child.exepath = from.exepath;
  child.exe_writable = from.exe_writable;
  child.exe_upper_layer = from.exe_upper_layer;
  child.exe_lower_layer = from.exe_lower_layer;
  child.exe_from_memfd = from.exe_from_memfd;
  child.root = from.root;
  child.sid = from.sid;
  child.vpgid = from.vpgid;
  child.pgid = from.pgid;
  child.tty = from.tty;
  child.loginuid = from.loginuid;
  child.cap_inheritable = from.cap_inheritable;
  child.cap_permitted = from.cap_permitted;
  child.cap_effective = from.cap_effective;
  child.exe_ino = from.exe_ino;
  child.exe_ino_ctime_ns = from.exe_ino_ctime_ns;
  child.exe_ino_mtime_ns = from.exe_ino_mtime_ns;
  child.ctime_duration_clone_ns = from.ctime_duration_clone_ns;
}

void inherit_process(StateCore& core, Thread& child, Thread& from) {
  child.own_fds.share(core.fds(from));
  if (const Thread* leader = core.threads.leader(from)) {
    child.own_cwd = core.cwd(from);
    child.own_env = leader->own_env;
  } else {
    child.own_env = from.own_env;
  }
}

// A thread we knew nothing of becomes the one that shares this command.
void copy_command(StateCore& core, Thread& to, const Thread& from) {
  to.exe = from.exe;
  to.comm = from.comm;
  to.args = from.args;
  to.command_line_known = false;
  core.threads.changed(to);
}

// CLONE_FILES and CLONE_FS: what either opens or closes afterwards, both have, and where one goes,
// the other is. Threads share with their leader anyway, unless their maker has left it.
void share_with_maker(StateCore& core, Thread& maker, Thread& child) {
  if (!core.of_our_own) return;
  const bool is_thread = (child.flags & kCloneThread) != 0;
  if ((child.flags & kCloneFiles) != 0 && (!is_thread || core.has_left_leader(maker))) {
    core.share_fds(maker, child);
  }
  if ((child.flags & kCloneFs) != 0 && (!is_thread || maker.joint_cwd != nullptr)) {
    core.share_cwd(maker, child);
  }
}

// A thread that is made without these flags has its own from the start; not for the reference.
void leave_leader(StateCore& core, const Thread& maker, bool trusted, Thread& child) {
  if (!core.of_our_own) {
    child.flags |= kCloneFiles;
    return;
  }
  if (!trusted) return;
  if ((child.flags & kCloneFiles) == 0) child.own_fds.share(core.fds(maker));
  if ((child.flags & kCloneFs) == 0) child.joint_cwd = std::make_shared<Str>(core.cwd(maker));
}

// What a new child's record gets from the event, whoever reports it.
void fill_child(StateCore& core, Thread& child, const EventView& event) {
  set_memory(child, event);
  child.fdlimit = id_param(event, kFdlimit, -1);
  child.uid = event.get<uint32_t>(kCloneUid, kNoId);
  child.gid = event.get<uint32_t>(kCloneGid, kNoId);
  if (event.has(kCgroups)) core.set_cgroups(child, as_text(event.param(kCgroups)));
  child.clone_ts_ns = event.ts_ns();
  core.set_container(child, event.ts_ns());
}

void identify(StateCore& core, Thread& thread, const EventView& event) {
  thread.pid = id_param(event, kPid, -1);
  thread.ptid = id_param(event, kPtid, -1);
  thread.vtid = id_param(event, kVtid, thread.tid);
  thread.vpid = id_param(event, kVpid, -1);
  core.threads.link(thread);
  core.threads.changed(thread);  // numbers that are still not enough to link it show too
}

// False when the child's own report is to be waited for, or the child is known already.
bool wants_child(StateCore& core, const Thread& caller, int64_t child, const EventView& event) {
  const auto flags = event.get<uint32_t>(kCloneFlags);
  if ((flags & (kChildInPidns | kCloneNewPid | kCloneParent)) != 0) return false;
  if (caller.tid != caller.vtid) return false;
  if ((flags & kCloneVfork) != 0 || event.type() == Ev::VFORK_20_X) return false;
  if (core.exits.contains(caller.tid, child, event.ts_ns())) return false;
  const Thread* there = core.threads.find(child);
  return there == nullptr || (there->flags & kCloneInverted) == 0;
}

// The reference does not use the boot time that a capture's machine info holds; filters tell.
uint64_t boot_ts_ns(const StateCore& core) {
  return core.settings.live ? core.machine.boot_ts_ns : 0;
}

void add_child_of(StateCore& core, Thread& caller, bool trusted, int64_t tid,
                  const EventView& event) {
  Thread* child = core.threads.create();
  child->tid = tid;
  child->flags = event.get<uint32_t>(kCloneFlags);
  child->pidns_init_start_ts_ns = boot_ts_ns(core);
  if ((child->flags & kCloneThread) == 0) {
    child->pid = tid;
    child->ptid = caller.tid;
    if (trusted) inherit_process(core, *child, caller);
  } else {
    child->pid = caller.pid;
    child->ptid = caller.ptid;
    leave_leader(core, caller, trusted, *child);
    child->lastexec_ts_ns = caller.lastexec_ts_ns;
  }
  child->vtid = tid;
  child->vpid = child->pid;
  set_command(core, *child, event);
  fill_child(core, *child, event);
  if (trusted) {
    inherit(*child, caller);
  } else {
    copy_command(core, caller, *child);
  }
  if (core.threads.add(child) == nullptr) return;
  core.note_users(*child);
  if (trusted) share_with_maker(core, caller, *child);
}

// Of a child that has reported itself. Whose table it shares only its maker's event tells exactly:
// the child knows its parent, which CLONE_PARENT makes another, and the leader of its group.
void share_with_known_child(StateCore& core, Thread& caller, int64_t tid, const EventView& event) {
  if (caller.tid != caller.vtid) return;  // then the number is the namespace's
  Thread* child = core.threads.find(tid);
  if (child == nullptr || child == &caller || (child->flags & kCloneInverted) == 0) return;
  if ((event.get<uint32_t>(kCloneFlags) & (kCloneFiles | kCloneFs)) == 0) return;
  if (event.ts_ns() - child->clone_ts_ns < kFreshNs) share_with_maker(core, caller, *child);
}

void clone_seen_by_caller(StateCore& core, const EventView& event, int64_t child) {
  Thread* caller = core.get(event.tid());
  core.thread = caller;
  if (caller == nullptr) return;
  const bool trusted = !caller->is_invalid();
  if (!trusted) identify(core, *caller, event);
  if (!wants_child(core, *caller, child, event)) {
    if (trusted) share_with_known_child(core, *caller, child, event);
    return;
  }
  if (core.threads.find(child) != nullptr) {
    core.threads.remove(child);
    // The caller may have gone with it.
    core.thread = core.get(event.tid());
    if (core.thread != caller || caller->is_invalid()) return;
  }
  add_child_of(core, *caller, trusted, child, event);
}

uint64_t pidns_start_of_child(StateCore& core, const Thread& child, const EventView& event) {
  const uint64_t boot = boot_ts_ns(core);
  const bool in_namespace = (child.flags & (kChildInPidns | kCloneNewPid)) != 0;
  if (!in_namespace && child.tid == child.vtid) return boot;
  return event.has(kPidnsStart) ? event.get<uint64_t>(kPidnsStart) + boot : 0;
}

// The thread whose image the child has: its parent, or the leader of its group.
Thread* origin_of(StateCore& core, Thread& child, bool is_thread, bool* trusted) {
  Thread* origin = core.get(is_thread ? child.pid : child.ptid);
  if (origin == nullptr) return nullptr;
  *trusted = !origin->is_invalid();
  if (!*trusted && is_thread) {
    origin->pid = child.pid;
    origin->ptid = child.ptid;
    origin->vpid = child.vpid;
    origin->vtid = child.vpid;
    core.threads.link(*origin);
    core.threads.changed(*origin);
  }
  return origin;
}

void clone_seen_by_child(StateCore& core, const EventView& event) {
  if (const Thread* there = core.thread; there != nullptr && there->clone_ts_ns != 0) {
    if (event.ts_ns() - there->clone_ts_ns < kFreshNs) return;
    core.threads.remove(event.tid());
  }
  core.thread = nullptr;
  core.now.fd = nullptr;
  Thread* child = core.threads.create();
  child->tid = event.tid();
  child->pid = id_param(event, kPid, -1);
  child->ptid = id_param(event, kPtid, -1);
  child->vtid = id_param(event, kVtid, child->tid);
  child->vpid = id_param(event, kVpid, -1);
  child->flags = event.get<uint32_t>(kCloneFlags) | kCloneInverted;
  const bool is_thread = (child->flags & kCloneThread) != 0;
  bool trusted = false;
  Thread* origin = origin_of(core, *child, is_thread, &trusted);
  if (origin == nullptr) return core.threads.discard(child);
  set_command(core, *child, event);
  if (is_thread) leave_leader(core, *origin, trusted, *child);
  if (trusted) {
    inherit(*child, *origin);
    if (is_thread) {
      child->lastexec_ts_ns = origin->lastexec_ts_ns;
    } else {
      inherit_process(core, *child, *origin);
    }
  } else if (is_thread) {
    copy_command(core, *origin, *child);
  }
  fill_child(core, *child, event);
  child->pidns_init_start_ts_ns = pidns_start_of_child(core, *child, event);
  child->last_access_ts_ns = event.ts_ns();
  core.thread = core.threads.add(child);
  if (core.thread == nullptr) return;
  core.note_users(*core.thread);
  const bool by_parent = (child->flags & kCloneParent) == 0;
  if (trusted && !is_thread && by_parent) share_with_maker(core, *origin, *child);
}

void set_exe_file(Thread& thread, const EventView& event) {
  if (event.has(kExecFlags)) {
    const auto flags = event.get<uint32_t>(kExecFlags);
    thread.exe_writable = (flags & 1) != 0;
    thread.exe_upper_layer = (flags & 2) != 0;
    thread.exe_from_memfd = (flags & 4) != 0;
    thread.exe_lower_layer = (flags & 8) != 0;
  }
  if (!event.has(kExeMtime)) return;
  thread.exe_ino = event.get<uint64_t>(kExeIno);
  thread.exe_ino_ctime_ns = event.get<uint64_t>(kExeCtime);
  thread.exe_ino_mtime_ns = event.get<uint64_t>(kExeMtime);
  if (thread.clone_ts_ns != 0) {
    thread.ctime_duration_clone_ns = thread.clone_ts_ns - thread.exe_ino_ctime_ns;
  }
  if (thread.pidns_init_start_ts_ns != 0 &&
      thread.exe_ino_ctime_ns > thread.pidns_init_start_ts_ns) {
    thread.ctime_duration_pidns_ns = thread.exe_ino_ctime_ns - thread.pidns_init_start_ts_ns;
  }
}

void set_credentials(Thread& thread, const EventView& event) {
  thread.tty = event.get<uint32_t>(kTty, thread.tty);
  thread.vpgid = id_param(event, kVpgid, thread.vpgid);
  thread.loginuid = event.get<uint32_t>(kLoginuid, thread.loginuid);
  if (event.has(kCapEffective)) {
    thread.cap_inheritable = event.get<uint64_t>(kCapInheritable);
    thread.cap_permitted = event.get<uint64_t>(kCapPermitted);
    thread.cap_effective = event.get<uint64_t>(kCapEffective);
  }
  thread.uid = event.get<uint32_t>(kExecUid, thread.uid);
  thread.pgid = id_param(event, kPgid, -1);
  thread.gid = event.get<uint32_t>(kExecGid, thread.gid);
}

Str exepath_of_execveat(StateCore& core, Thread& thread, const EventView& enter) {
  const std::string_view path = enter.text(1);
  const bool no_path = enter.is_null_text(1) || path == "<NA>";
  const bool empty_path = (enter.get<uint32_t>(2) & kExecveatEmptyPath) != 0;
  const Str& folder = core.resolve_dirfd(&thread, no_path ? "" : path, enter.get<int64_t>(0));
  if ((no_path && !empty_path) || folder == core.paths.unknown) return core.not_available;
  if (empty_path && (no_path || path.empty())) return core.paths.join(folder, Str());
  return core.paths.join(folder, core.intern(path));
}

void set_exepath(StateCore& core, Thread& thread, const EventView& event) {
  if (event.has(kTrustedExepath)) return core.set_exepath(thread, event.text(kTrustedExepath));
  if (!core.now.has_enter) {
    ++core.counts.enter_events_missing;
    return;
  }
  const EventView& enter = core.now.enter;
  if (enter.type() == Ev::EXECVEAT_E) {
    return core.set_exepath(thread, exepath_of_execveat(core, thread, enter).view());
  }
  const std::string_view name = enter.text(0);
  if (enter.is_null_text(0) || name == "<NA>") {
    thread.exepath = core.not_available;
  } else {
    core.set_exepath(thread, core.paths.join(core.cwd(thread), core.intern(name)).view());
  }
}

bool closes_on_exec(int64_t, const FdInfo& fd) {
  if ((fd.open_flags & kOpenCloexec) != 0) return true;
  const bool own_bit = fd.kind == FdKind::EventPoll || fd.kind == FdKind::MemFd;
  return own_bit && (fd.open_flags & 1) != 0;
}

void remove_other_threads(StateCore& core, const Thread& thread) {
  if (thread.group == nullptr || thread.group->alive <= 1) return;
  std::vector<int64_t> doomed;
  for (const Thread* member : thread.group->members) {
    if (member != &thread && !member->is_main()) doomed.push_back(member->tid);
  }
  for (const int64_t tid : doomed) core.threads.remove(tid);
}

void revive(Thread& thread) {
  if (!thread.is_dead()) return;
  thread.flags &= ~kThreadClosed;
  if (thread.group != nullptr) ++thread.group->alive;
}

// A dead leader's number executes: it is a thread of its that has, and has taken the number. What
// that thread shared with others it keeps. With several alive nobody knows which.
void take_over(StateCore& core, Thread& leader) {
  if (!core.of_our_own || leader.group == nullptr) return;
  const Thread* caller = nullptr;
  for (const Thread* member : leader.group->members) {
    if (member->is_main() || member->is_dead()) continue;
    if (std::exchange(caller, member) != nullptr) return;
  }
  if (caller == nullptr) return;
  if (core.has_left_leader(*caller)) {
    leader.own_fds.share(core.fds(*caller));
    leader.joint_fds = caller->joint_fds;
  }
  if (caller->joint_cwd != nullptr) leader.joint_cwd = caller->joint_cwd;
}

}  // namespace

void on_clone(StateCore& core, const EventView& event) {
  if (!event.has(0)) return;
  const int64_t child = event.result();
  if (core.is_settled(child > 0 ? child : event.tid(), event)) return;
  if (child > 0) {
    clone_seen_by_caller(core, event, child);
  } else if (child == 0) {
    clone_seen_by_child(core, event);
  }
}

void on_exec(StateCore& core, const EventView& event) {
  Thread& thread = *core.thread;
  if (thread.is_dead()) take_over(core, thread);
  revive(thread);
  const bool invalid = thread.is_invalid();
  thread.lastexec_ts_ns = event.ts_ns();
  set_command(core, thread, event);
  thread.pid = id_param(event, kPid, thread.pid);
  if (invalid) {
    thread.ptid = id_param(event, kPtid, thread.ptid);
    if ((thread.flags & kChildInPidns) == 0) {
      thread.vtid = thread.tid;
      thread.vpid = thread.pid;
    }
    core.threads.link(thread);
  }
  thread.fdlimit = id_param(event, kFdlimit, thread.fdlimit);
  set_memory(thread, event);
  if (event.has(kEnv)) thread.own_env = core.intern(as_text(event.param(kEnv)));
  if (event.has(kCgroups)) core.set_cgroups(thread, as_text(event.param(kCgroups)));
  set_exe_file(thread, event);
  set_credentials(thread, event);
  set_exepath(core, thread, event);
  core.set_container(thread, event.ts_ns());
  core.note_users(thread);
  if (thread.joint_fds != nullptr) core.unshare_fds(thread);
  core.counts.fds_removed += core.fds(thread).remove_if(closes_on_exec);
  constexpr uint32_t kKept = kPipeSource | kPipeDest | kIsMainThread | kCloneInverted;
  thread.flags = kThreadActive | kNameChanged | (thread.flags & kKept);
  remove_other_threads(core, thread);
  core.threads.changed(thread);
}

void on_procexit(StateCore& core, const EventView& event) {
  Thread& thread = *core.thread;
  if (!thread.is_dead()) {
    thread.flags |= kThreadClosed;
    if (thread.group != nullptr && thread.group->alive > 0) --thread.group->alive;
  }
  core.exited_tid = thread.tid;
  core.exited_ts_ns = event.ts_ns();
  thread.reaper_tid = event.get<int64_t>(4, -1);
  // Who takes the children must be known when they are given away, after this event.
  if (core.settings.live && thread.reaper_tid > 0 && !thread.children.empty()) {
    core.get(thread.reaper_tid);
  }
  const bool is_init = thread.vtid == 1 && thread.vpid == 1 && !thread.container_id.empty();
  if (is_init) core.containers.ask_afresh(thread.container_id);
  if (is_init && core.settings.live && core.settings.import_users &&
      core.users.remove_container(thread.container_id)) {
    core.threads.raise_epoch();
  }
}

}  // namespace gyr
