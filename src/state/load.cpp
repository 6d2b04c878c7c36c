// SPDX-License-Identifier: Apache-2.0
// Snapshots in and out.
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "state/core.h"

namespace gyr {
namespace {

// Between a record and its plain form, in either direction: both spell these alike.
template <class To, class From>
void copy_numbers(To& to, const From& from) {
  to.tid = from.tid;
  to.pid = from.pid;
  to.ptid = from.ptid;
  to.sid = from.sid;
  to.vpgid = from.vpgid;
  to.pgid = from.pgid;
  to.vtid = from.vtid;
  to.vpid = from.vpid;
  to.fdlimit = from.fdlimit;
  to.flags = from.flags;
  to.uid = from.uid;
  to.gid = from.gid;
  to.loginuid = from.loginuid;
  to.tty = from.tty;
  to.vmsize_kb = from.vmsize_kb;
  to.vmrss_kb = from.vmrss_kb;
  to.vmswap_kb = from.vmswap_kb;
  to.pfmajor = from.pfmajor;
  to.pfminor = from.pfminor;
  to.exe_writable = from.exe_writable;
  to.exe_upper_layer = from.exe_upper_layer;
  to.exe_lower_layer = from.exe_lower_layer;
  to.exe_from_memfd = from.exe_from_memfd;
  to.cap_inheritable = from.cap_inheritable;
  to.cap_permitted = from.cap_permitted;
  to.cap_effective = from.cap_effective;
  to.exe_ino = from.exe_ino;
  to.exe_ino_ctime_ns = from.exe_ino_ctime_ns;
  to.exe_ino_mtime_ns = from.exe_ino_mtime_ns;
  to.clone_ts_ns = from.clone_ts_ns;
  to.pidns_init_start_ts_ns = from.pidns_init_start_ts_ns;
}

}  // namespace

SnapshotThread plain_thread(const StateCore& core, const Thread& from) {
  SnapshotThread to;
  copy_numbers(to, from);
  if (core.has_left_leader(from)) to.flags &= ~kCloneFiles;  // or its leader's would be taken
  to.comm = from.comm.view();
  to.exe = from.exe.view();
  to.exepath = from.exepath.view();
  to.cwd = core.cwd(from).view();
  to.root = from.root.view();
  to.args = from.args.view();
  to.env = from.own_env.view();
  to.cgroups = from.cgroups.view();
  const auto settled = core.settled_as_of.find(from.tid);
  if (settled != core.settled_as_of.end()) to.as_of_ns = settled->second;
  return to;
}

const FdTable* listed_fds(const StateCore& core, const JointHolders& holders, const Thread& of) {
  if (const FdTable* joint = of.joint_fds.get()) {
    return holders.at(joint) == of.tid ? joint : nullptr;
  }
  return &core.fds(of) == &of.own_fds ? &of.own_fds : nullptr;
}

SnapshotFd plain_fd(int64_t tid, int64_t number, const FdInfo& from) {
  SnapshotFd to;
  to.tid = tid;
  to.fd = number;
  to.kind = from.kind;
  to.ino = from.ino;
  to.name = from.name.view();
  to.open_flags = from.open_flags;
  to.dev = from.dev;
  to.mount_id = from.mount_id;
  to.source_ip = from.source_ip;
  to.dest_ip = from.dest_ip;
  to.source_port = from.source_port;
  to.dest_port = from.dest_port;
  to.l4 = static_cast<uint8_t>(from.l4);
  to.unix_source = from.unix_source;
  to.unix_dest = from.unix_dest;
  return to;
}

namespace {

// Server ports seen anywhere tell which end of a connection is the server (state-engine 5.4).
void assign_roles(StateCore& core) {
  absl::flat_hash_set<uint16_t> ports;
  core.threads.for_each([&](const Thread& thread) {
    thread.own_fds.for_each([&](int64_t, const FdInfo& fd) {
      if (fd.is_server_socket()) ports.insert(fd.source_port);
    });
  });
  core.threads.for_each([&](Thread& thread) {
    std::vector<int64_t> numbers;
    thread.own_fds.for_each([&](int64_t number, const FdInfo& fd) {
      if (fd.kind == FdKind::Ipv4) numbers.push_back(number);
    });
    for (const int64_t number : numbers) {
      FdInfo& fd = *thread.own_fds.edit(number);
      fd.role = FdRole::Client;
      if (!ports.contains(fd.source_port)) continue;
      fd.role = FdRole::Server;
      std::swap(fd.source_ip, fd.dest_ip);
      std::swap(fd.source_port, fd.dest_port);
      fd.name = core.intern(socket_name(fd));
    }
  });
}

void load_users(StateCore& core, const Snapshot& snapshot) {
  for (const SnapshotUser& user : snapshot.users) {
    core.users.add_user({}, {.uid = user.uid,
                             .gid = user.gid,
                             .name = core.intern(user.name),
                             .home = core.intern(user.home),
                             .shell = core.intern(user.shell)});
  }
  for (const SnapshotGroup& group : snapshot.groups) {
    core.users.add_group({}, {.gid = group.gid, .name = core.intern(group.name)});
  }
  for (const FoundUser& found : snapshot.container_users) learn_finding(core, found);
  for (const FoundGroup& found : snapshot.container_groups) learn_finding(core, found);
}

void load_threads(StateCore& core, const Snapshot& snapshot) {
  for (const SnapshotThread& from : snapshot.threads) {
    core.threads.add_unlinked(make_thread(core, from));
    core.settle(from.tid, from.as_of_ns);
  }
  for (const SnapshotThread& from : snapshot.progress.half_known) {
    core.threads.add_unlinked(make_thread(core, from));
  }
  core.threads.link_all();
  for (const SnapshotFd& fd : snapshot.fds) {
    Thread* owner = core.threads.find(fd.tid);
    if (owner != nullptr) add_snapshot_fd(core, *owner, fd);
  }
  assign_roles(core);
  load_progress(core, snapshot.progress);
  std::vector<Thread*> all;
  core.threads.for_each([&](Thread& thread) { all.push_back(&thread); });
  for (Thread* thread : all) {
    core.set_container(*thread, 0);
    core.note_users(*thread);
  }
}

}  // namespace

Thread* make_thread(StateCore& core, const SnapshotThread& from) {
  Thread* thread = core.threads.create();
  copy_numbers(*thread, from);
  thread->flags |= kThreadActive | kNameChanged;
  thread->comm = core.intern(from.comm);
  thread->exe = core.intern(from.exe);
  // A lone empty argument is how captures tell of none.
  if (from.args != std::string_view("\0", 1)) thread->args = core.intern(from.args);
  thread->own_env = core.intern(from.env);
  thread->root = core.intern(from.root);
  core.set_exepath(*thread, from.exepath);
  core.set_cgroups(*thread, from.cgroups);
  if (thread->is_main()) {
    const Str cwd = core.paths.join(Str(), core.intern(from.cwd));
    thread->own_cwd = cwd.empty() ? core.paths.slash : core.paths.with_slash(cwd);
  }
  return thread;
}

void add_snapshot_fd(StateCore& core, Thread& owner, const SnapshotFd& from) {
  FdInfo* info = core.add_fd_to(owner, from.fd, from.kind);
  if (info == nullptr) return;
  info->from_snapshot = true;
  info->ino = from.ino;
  info->open_flags = from.open_flags;
  info->dev = from.dev;
  info->mount_id = from.mount_id;
  info->source_ip = from.source_ip;
  info->dest_ip = from.dest_ip;
  info->source_port = from.source_port;
  info->dest_port = from.dest_port;
  info->l4 = from.l4 <= static_cast<uint8_t>(L4::Raw) ? static_cast<L4>(from.l4) : L4::Unknown;
  info->unix_source = from.unix_source;
  info->unix_dest = from.unix_dest;
  info->upper_layer = (from.open_flags & kOpenUpperLayer) != 0;
  info->lower_layer = (from.open_flags & kOpenLowerLayer) != 0;
  if (info->is_ip_socket()) {
    info->connected = info->l4 == L4::Tcp && !info->is_server_socket();
    info->name = core.intern(socket_name(*info));
  } else {
    info->name = core.intern(from.name);
    if (info->kind == FdKind::Unix) {
      info->role = from.name.empty() ? FdRole::Client : FdRole::Server;
    }
  }
}

void load_snapshot(StateCore& core, const Snapshot& snapshot) {
  core.now = EventState{};
  core.thread = nullptr;
  core.exited_tid = -1;
  core.closed_fd = -1;
  core.settled_until_ns = 0;
  core.settled_as_of.clear();
  core.unsure_until.clear();
  core.all_sure_after_ns = 0;
  core.threads.clear();
  core.users.clear();
  core.interfaces.clear();
  core.containers.clear();
  core.exits.clear();
  core.machine = snapshot.machine;
  for (const SnapshotInterface& from : snapshot.interfaces) {
    core.interfaces.add(
        {.name = from.name, .v6 = from.v6, .address = from.address, .netmask = from.netmask});
  }
  core.of_our_own = core.settings.live || snapshot.of_our_own;
  core.paths.join_as_reference(!core.of_our_own);
  load_users(core, snapshot);
  load_threads(core, snapshot);
  core.threads.raise_epoch();
}

Thread* load_found_thread(StateCore& core, const FoundThread& found) {
  core.settle(found.thread.tid, found.thread.as_of_ns);
  Thread* record = make_thread(core, found.thread);
  record->recovered = true;
  record = core.threads.add(record);
  if (record == nullptr) return nullptr;
  for (const SnapshotFd& fd : found.fds) add_snapshot_fd(core, *record, fd);
  core.set_container(*record, found.thread.as_of_ns);
  core.note_users(*record);
  ++core.counts.threads_recovered;
  return record;
}

namespace {

void forget_descriptors_of(Thread& thread) {
  thread.own_fds.clear();
  if (thread.joint_fds != nullptr) thread.joint_fds->clear();
}

void forget_descriptors(StateCore& core, int64_t pid) {
  if (pid == LostEvents::kAnyProcess) {
    core.threads.for_each(forget_descriptors_of);
  } else if (const Thread* known = core.threads.find(pid); known != nullptr && known->group) {
    for (Thread* member : known->group->members) forget_descriptors_of(*member);
  }
}

// A close and an open that were lost would leave an old name with a descriptor, which is worse than
// none: the descriptors are forgotten, and looked up again when they are used.
void learn_loss(StateCore& core, const LostEvents& lost) {
  ++core.counts.losses_learnt;
  forget_descriptors(core, lost.pid);
  constexpr size_t kUnsureMax = 16'384;
  if (core.unsure_until.size() >= kUnsureMax) {  // most of them are long past
    uint64_t& all = core.unsure_until[LostEvents::kAnyProcess];
    const uint64_t until = std::max(all, core.all_sure_after_ns);
    core.unsure_until.clear();
    core.unsure_until[LostEvents::kAnyProcess] = until;
  }
  uint64_t& until = core.unsure_until[lost.pid];
  until = std::max(until, lost.until_ns);
  core.all_sure_after_ns = std::max(core.all_sure_after_ns, lost.until_ns);
}

}  // namespace

void learn_finding(StateCore& core, const Finding& finding) {
  core.finish_deferred();  // as the recorded state had done at this place
  if (const auto* found = std::get_if<FoundThread>(&finding)) {
    load_found_thread(core, *found);
  } else if (const auto* given = std::get_if<FoundFds>(&finding)) {
    Thread* owner = core.threads.find(given->tid);
    if (owner == nullptr) return;
    for (const SnapshotFd& fd : given->fds) add_snapshot_fd(core, *owner, fd);
  } else if (const auto* user = std::get_if<FoundUser>(&finding)) {
    const SnapshotUser& from = user->user;
    const UserInfo info{.uid = from.uid,
                        .gid = from.gid,
                        .name = core.intern(from.name),
                        .home = core.intern(from.home),
                        .shell = core.intern(from.shell)};
    if (core.users.add_user(core.intern(user->container_id), info)) core.threads.raise_epoch();
  } else if (const auto* group = std::get_if<FoundGroup>(&finding)) {
    const GroupInfo info{.gid = group->group.gid, .name = core.intern(group->group.name)};
    if (core.users.add_group(core.intern(group->container_id), info)) core.threads.raise_epoch();
  } else if (const auto* gone = std::get_if<GoneThread>(&finding)) {
    core.threads.remove(gone->tid);
  } else if (const auto* container = std::get_if<FoundContainer>(&finding)) {
    core.add_container(container->json);
  } else if (const auto* lost = std::get_if<LostEvents>(&finding)) {
    learn_loss(core, *lost);
  }
}

namespace {

// Whether a thread is another than the one that /proc shows, or has become another unseen. What
// events and /proc tell differently (docs/state.md) is left out.
bool has_become_another(const Thread& known, const SnapshotThread& now) {
  constexpr uint64_t kStartTick = 20'000'000;  // /proc counts in hundredths of a second
  if (known.clone_ts_ns != 0 && now.clone_ts_ns > known.clone_ts_ns + kStartTick) return true;
  constexpr std::string_view kDeleted = " (deleted)";  // not part of what the state keeps
  std::string_view exepath = now.exepath;
  if (exepath.ends_with(kDeleted)) exepath.remove_suffix(kDeleted.size());
  std::string_view args = now.args;
  if (args == std::string_view("\0", 1)) args = {};
  return known.pid != now.pid || known.uid != now.uid || known.gid != now.gid ||
         known.cap_effective != now.cap_effective || known.exepath.view() != exepath ||
         known.args.view() != args;
}

bool is_gone(std::string_view path) { return path.empty() || path.ends_with(" (deleted)"); }

// Whether it works elsewhere than its events told. A place that is named by a symbolic link seems
// to be another, too: /proc tells the true one, which is then taken.
bool has_moved(const StateCore& core, const Thread& known, const SnapshotThread& now) {
  std::string_view cwd = core.cwd(known).view();
  if (cwd.size() > 1) cwd.remove_suffix(1);  // its slash
  if (known.is_main() && !is_gone(now.cwd) && cwd != now.cwd) return true;
  return known.sid != now.sid || (!is_gone(now.root) && known.root.view() != now.root);
}

}  // namespace

// Between the first and the last loss of a process nothing that its events told of descriptors is
// kept: what came between may have been lost.
void StateCore::forget_what_is_unsure(const EventView& event) {
  finish_deferred();
  const Thread* of = threads.find(event.tid());
  if (of == nullptr || of->pid < 0) return;
  for (const int64_t each : {LostEvents::kAnyProcess, of->pid}) {
    const auto at = unsure_until.find(each);
    if (at == unsure_until.end() || event.ts_ns() > at->second) continue;
    return forget_descriptors(*this, of->pid);
  }
}

void reconcile_snapshot(StateCore& core, const Snapshot& snapshot) {
  core.finish_deferred();
  absl::flat_hash_map<int64_t, std::vector<SnapshotFd>> fds;
  for (const SnapshotFd& fd : snapshot.fds) fds[fd.tid].push_back(fd);
  for (const SnapshotThread& now : snapshot.threads) {
    const Thread* known = core.threads.find(now.tid);
    if (known != nullptr && !has_become_another(*known, now) && !has_moved(core, *known, now)) {
      continue;
    }
    if (known == nullptr && !core.threads.has_room(now.tid)) continue;
    const FoundThread found{now, fds[now.tid]};
    if (core.settings.on_finding) core.settings.on_finding(found);
    load_found_thread(core, found);
    ++core.counts.threads_corrected;
  }
}

namespace {

void dump_users(const StateCore& core, Snapshot* out) {
  core.users.for_each_user([&](const Str& container, const UserInfo& from) {
    SnapshotUser user = plain_user(from);
    if (container.empty()) {
      out->users.push_back(std::move(user));
    } else {
      out->container_users.push_back({std::string(container.view()), std::move(user)});
    }
  });
  core.users.for_each_group([&](const Str& container, const GroupInfo& from) {
    SnapshotGroup group = plain_group(from);
    if (container.empty()) {
      out->groups.push_back(std::move(group));
    } else {
      out->container_groups.push_back({std::string(container.view()), std::move(group)});
    }
  });
}

JointHolders joint_holders(const StateCore& core) {
  JointHolders holders;
  core.threads.for_each([&](const Thread& thread) {
    if (thread.joint_fds == nullptr) return;
    int64_t& first = holders.try_emplace(thread.joint_fds.get(), thread.tid).first->second;
    first = std::min(first, thread.tid);
  });
  return holders;
}

}  // namespace

Snapshot dump_snapshot(const StateCore& core) {
  Snapshot out;
  out.of_our_own = core.of_our_own;
  out.machine = core.machine;
  const JointHolders holders = joint_holders(core);
  core.threads.for_each([&](const Thread& thread) {
    auto& list = thread.is_invalid() ? out.progress.half_known : out.threads;
    list.push_back(plain_thread(core, thread));
  });
  std::sort(out.threads.begin(), out.threads.end(),
            [](const SnapshotThread& a, const SnapshotThread& b) { return a.tid < b.tid; });
  for (const SnapshotThread& thread : out.threads) {
    out.fd_tids.push_back(thread.tid);
    const FdTable* table = listed_fds(core, holders, *core.threads.find(thread.tid));
    if (table == nullptr) continue;
    table->for_each([&](int64_t number, const FdInfo& fd) {
      out.fds.push_back(plain_fd(thread.tid, number, fd));
    });
  }
  dump_progress(core, holders, &out.progress);
  for (const InterfaceInfo& from : core.interfaces.all()) {
    SnapshotInterface to;
    to.name = from.name;
    to.v6 = from.v6;
    to.address = from.address;
    to.netmask = from.netmask;
    out.interfaces.push_back(std::move(to));
  }
  dump_users(core, &out);
  std::sort(out.users.begin(), out.users.end(),
            [](const SnapshotUser& a, const SnapshotUser& b) { return a.uid < b.uid; });
  std::sort(out.groups.begin(), out.groups.end(),
            [](const SnapshotGroup& a, const SnapshotGroup& b) { return a.gid < b.gid; });
  out.has_users = !out.users.empty() || !out.groups.empty();
  return out;
}

}  // namespace gyr
