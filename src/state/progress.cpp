// SPDX-License-Identifier: Apache-2.0
// What a state that ran for a while knows beyond the lists of captures, in and out.
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <utility>

#include "state/core.h"

namespace gyr {
namespace {

ThreadProgress progress_of(const Thread& from) {
  ThreadProgress to;
  to.tid = from.tid;
  to.reaper_tid = from.reaper_tid;
  to.reaps = from.group != nullptr && from.group->reaper;
  to.ctime_duration_clone_ns = from.ctime_duration_clone_ns;
  to.ctime_duration_pidns_ns = from.ctime_duration_pidns_ns;
  to.last_fd = from.last_fd;
  to.last_type = from.last_type;
  to.last_type_valid = from.last_type_valid;
  to.cwd = (from.joint_cwd == nullptr ? from.own_cwd : *from.joint_cwd).view();
  to.enter_event = from.enter_event;
  return to;
}

void restore(StateCore& core, Thread& to, const ThreadProgress& from) {
  to.reaper_tid = from.reaper_tid;
  to.ctime_duration_clone_ns = from.ctime_duration_clone_ns;
  to.ctime_duration_pidns_ns = from.ctime_duration_pidns_ns;
  to.last_fd = from.last_fd;
  to.last_type = from.last_type;
  to.last_type_valid = from.last_type_valid;
  to.own_cwd = core.intern(from.cwd);
  if (!to.is_main() && !from.cwd.empty()) to.joint_cwd = std::make_shared<Str>(to.own_cwd);
  to.enter_event = from.enter_event;
  if (to.group == nullptr) return;
  to.group->reaper |= from.reaps;
  if (to.is_dead() && to.group->alive > 0) --to.group->alive;  // linking took it for a living one
}

FdProgress progress_of(int64_t tid, int64_t number, const FdInfo& from) {
  FdProgress to;
  to.fd = plain_fd(tid, number, from);
  to.role = static_cast<uint8_t>(from.role);
  to.connected = from.connected;
  to.upper_layer = from.upper_layer;
  to.lower_layer = from.lower_layer;
  to.from_snapshot = from.from_snapshot;
  to.pid = from.pid;
  to.name_raw = from.name_raw.view();
  to.real_path = from.real_path.view();
  return to;
}

// Files, pipes and the like that come from a list and were not changed. Of sockets it is not worth
// the question: their roles depend on all others.
bool is_told_by_lists(const FdInfo& fd) {
  return fd.from_snapshot && !fd.is_ip_socket() && fd.kind != FdKind::Unix &&
         fd.kind != FdKind::Unknown && fd.name_raw.empty() && fd.pid == 0 && fd.mount_id == 0 &&
         fd.role == FdRole::None && !fd.connected && fd.l4 == L4::Unknown &&
         fd.upper_layer == ((fd.open_flags & kOpenUpperLayer) != 0) &&
         fd.lower_layer == ((fd.open_flags & kOpenLowerLayer) != 0);
}

void restore(StateCore& core, FdInfo& to, const FdProgress& from) {
  const SnapshotFd& plain = from.fd;
  to.kind = plain.kind;
  to.role = static_cast<FdRole>(std::min(from.role, static_cast<uint8_t>(FdRole::Server)));
  to.l4 = plain.l4 <= static_cast<uint8_t>(L4::Raw) ? static_cast<L4>(plain.l4) : L4::Unknown;
  to.connected = from.connected;
  to.upper_layer = from.upper_layer;
  to.lower_layer = from.lower_layer;
  to.from_snapshot = from.from_snapshot;
  to.open_flags = plain.open_flags;
  to.dev = plain.dev;
  to.mount_id = plain.mount_id;
  to.source_port = plain.source_port;
  to.dest_port = plain.dest_port;
  to.ino = plain.ino;
  to.source_ip = plain.source_ip;
  to.dest_ip = plain.dest_ip;
  to.unix_source = plain.unix_source;
  to.unix_dest = plain.unix_dest;
  to.pid = from.pid;
  to.name = core.intern(plain.name);
  to.name_raw = core.intern(from.name_raw);
  to.real_path = core.intern(from.real_path);
}

}  // namespace

namespace {

void load_shared_tables(StateCore& core, const SnapshotProgress& progress) {
  for (const SharedTable& shared : progress.shared_tables) {
    Thread* with = core.threads.find(shared.with);
    Thread* other = core.threads.find(shared.tid);
    if (with == nullptr || other == nullptr || with == other) continue;
    if (shared.is_directory) {
      core.share_cwd(*with, *other);
    } else {
      core.share_fds(*with, *other);
    }
  }
}

void dump_shared_tables(const StateCore& core, const JointHolders& holders, SnapshotProgress* out) {
  absl::flat_hash_map<const Str*, int64_t> first;
  core.threads.for_each([&](const Thread& thread) {
    if (const FdTable* joint = thread.joint_fds.get()) {
      const int64_t with = holders.at(joint);
      if (with != thread.tid) out->shared_tables.push_back({thread.tid, with, false});
    }
    if (const Str* joint = thread.joint_cwd.get()) {
      const auto [at, is_first] = first.emplace(joint, thread.tid);
      if (!is_first) out->shared_tables.push_back({thread.tid, at->second, true});
    }
  });
}

}  // namespace

void load_progress(StateCore& core, const SnapshotProgress& progress) {
  for (const FdProgress& from : progress.fds) {
    Thread* owner = core.threads.find(from.fd.tid);
    FdInfo* info = owner != nullptr ? owner->own_fds.add_blank(from.fd.fd) : nullptr;
    if (info != nullptr) restore(core, *info, from);
  }
  for (const ThreadProgress& from : progress.threads) {
    if (Thread* thread = core.threads.find(from.tid)) restore(core, *thread, from);
  }
  load_shared_tables(core, progress);
  for (const std::string& text : progress.containers) core.add_container(text);
  for (const RecentExit& exit : progress.exits) core.exits.add(exit.ptid, exit.tid, exit.ts_ns);
}

void dump_progress(const StateCore& core, const JointHolders& holders, SnapshotProgress* out) {
  uint64_t newest_exit_ns = 0;
  core.threads.for_each([&](const Thread& thread) {
    out->threads.push_back(progress_of(thread));
    const FdTable* table = listed_fds(core, holders, thread);
    if (table == nullptr) return;
    table->for_each([&](int64_t number, const FdInfo& fd) {
      if (thread.is_invalid() || !is_told_by_lists(fd)) {
        out->fds.push_back(progress_of(thread.tid, number, fd));
      }
    });
  });
  dump_shared_tables(core, holders, out);
  out->containers = core.containers.texts();
  core.exits.for_each(
      [&](const RecentExit& exit) { newest_exit_ns = std::max(newest_exit_ns, exit.ts_ns); });
  core.exits.for_each([&](const RecentExit& exit) {
    if (exit.ts_ns + RecentExits::kWindowNs >= newest_exit_ns) out->exits.push_back(exit);
  });
}

}  // namespace gyr
