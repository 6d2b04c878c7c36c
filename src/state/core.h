// SPDX-License-Identifier: Apache-2.0
// What State consists of, for the files that implement it: the tables, the event being applied, and
// one handler per event type. Handlers run when the event's thread is known (`thread` is not null)
// unless their row in apply.cpp says otherwise.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "state/containers.h"
#include "state/network.h"
#include "state/path.h"
#include "state/state.h"
#include "state/thread_table.h"
#include "state/users.h"

namespace gyr {

struct StateCore {
  StateCore(StateSettings given, StrPool& strings);

  StateSettings settings;
  StrPool& pool;
  Paths paths;  // before the tables: handles must not outlive the pool anyway
  ThreadTable threads;
  UserTable users;
  Interfaces interfaces;
  Containers containers;
  RecentExits exits;
  MachineInfo machine;
  mutable StateCounters counts;
  mutable PairCache<512> command_lines;
  PairCache<256> container_ids;
  PairCache<256> cgroup_lists;  // as reported → with subsystems named alike
  const FdTable no_fds;
  const Str not_available, no_leader_cwd;

  // The event being applied.
  EventState now;
  Thread* thread = nullptr;

  // --- apply.cpp
  void apply(const EventView& event);
  // In the table, else looked up in /proc, else a fake entry; null when the table is full.
  Thread* get(int64_t tid) {
    Thread* last = threads.last(tid);
    if (last == nullptr) return get_other(tid);
    ++counts.thread_lookups_cached;
    return last;
  }
  // For the event of a thread that the full table does not hold: blank but for its number, outside
  // of table and family tree, until the next such event. What the event itself tells is shown.
  [[gnu::noinline]] Thread* stand_in_for(int64_t tid);
  void finish_deferred();  // what the last event left undone
  [[gnu::noinline]] void purge(uint64_t now_ns);

  // --- core.cpp
  FdTable& fds(Thread& of) {
    return has_own_fds(of) ? of.own_fds : const_cast<FdTable&>(shared_fds(of));
  }
  const FdTable& fds(const Thread& of) const {
    return has_own_fds(of) ? of.own_fds : shared_fds(of);
  }
  static bool has_own_fds(const Thread& of) {
    return (of.flags & kCloneFiles) == 0 && of.joint_fds == nullptr;
  }
  // Whether the table of a thread is not that of its leader.
  bool has_left_leader(const Thread& of) const {
    const bool unshared = (of.flags & (kCloneThread | kCloneFiles)) == kCloneThread;
    return !of.is_main() && (unshared || of.joint_fds != nullptr);
  }
  // Below whose number /proc has the descriptors of a thread.
  int64_t fds_holder(const Thread& of) const {
    return has_left_leader(of) || of.pid < 0 ? of.tid : of.pid;
  }
  // As unshare(CLONE_FILES) does: a copy for this thread alone. Nothing in captures of others.
  [[gnu::noinline]] void unshare_fds(Thread& of);
  // From now on both have the same table, that of `with`.
  [[gnu::noinline]] void share_fds(Thread& with, Thread& other);
  const Str& cwd(const Thread& of) const;
  // As the two above do with descriptors: unshare(CLONE_FS), clone(CLONE_FS).
  [[gnu::noinline]] void unshare_cwd(Thread& of);
  [[gnu::noinline]] void share_cwd(Thread& with, Thread& other);
  const Str& command_line(const Thread& of) const;
  const Str& resolve_dirfd(const Thread* of, std::string_view path, int64_t dirfd);
  // The descriptor the event is about; null in `now` when unknown.
  void fetch_fd(int64_t fd) {
    if (fd < 0) return;
    now.fd = std::as_const(*this).fds(*thread).find(fd);
    ++(now.fd != nullptr ? counts.fd_lookups_cached : counts.fd_lookups_failed);
  }
  // Looks the descriptor of an event up that fetch_fd() did not find.
  [[gnu::noinline]] void recover_fd(const EventView& event, int64_t fd);
  // A blank entry of the event's thread, which becomes the event's descriptor. Null: not stored.
  FdInfo* add_fd(int64_t fd, FdKind kind);
  FdInfo* add_fd_to(Thread& owner, int64_t fd, FdKind kind);
  // To be called before the event's descriptor becomes another or changes; add_fd() and edit_fd()
  // do so.
  void keep_old_name();
  // The event's descriptor for changing it. `now.fd` must not be null.
  FdInfo& edit_fd();
  void set_cwd(Thread& of, const Str& path);
  void set_exepath(Thread& of, std::string_view path);
  void set_cgroups(Thread& of, std::string_view cgroups);
  // From the control groups; asks about a container that is not known well enough.
  void set_container(Thread& of, uint64_t now_ns);
  void add_container(std::string_view json);
  // The same of what was found out here, which on_finding is told.
  void found_container(const std::string& json);
  void note_users(const Thread& of);
  Containers::Ids containers_in_use();
  // Those without threads: hosts that run jobs would remember thousands.
  void forget_containers();
  Str intern(std::string_view text) { return pool.intern(text); }

  // Whether the snapshot tells what the event did to this thread: it was taken later. For events
  // that must not be applied twice.
  bool is_settled(int64_t tid, const EventView& event) const {
    return event.ts_ns() <= settled_until_ns && was_settled(tid, event.ts_ns());
  }
  void settle(int64_t tid, uint64_t as_of_ns);
  // Whether the events are told by a gyr, live or in a recording of a host: captures of others are
  // taken as the reference takes them.
  bool of_our_own = false;
  uint64_t settled_until_ns = 0;                         // of all threads
  absl::flat_hash_map<int64_t, uint64_t> settled_as_of;  // by tid, of the last snapshot

  // Until when what events tell of the descriptors of a process (LostEvents::kAnyProcess: of all)
  // is not sure; nothing is unsure after all_sure_after_ns.
  absl::flat_hash_map<int64_t, uint64_t> unsure_until;
  uint64_t all_sure_after_ns = 0;
  [[gnu::noinline]] void forget_what_is_unsure(const EventView& event);

  // Deferred to the next event, so that this one can still be evaluated.
  int64_t exited_tid = -1;
  uint64_t exited_ts_ns = 0;
  uint64_t event_ns = 0;  // time of the event that is applied, or was last
  int64_t closed_tid = -1;
  int64_t closed_fd = -1;

 private:
  // A joint table, or that of the leader; without a leader nothing is found and nothing stored.
  const FdTable& shared_fds(const Thread& of) const;
  [[gnu::noinline]] Thread* get_other(int64_t tid);
  [[gnu::noinline]] void finish_exit();
  void finish_close();
  bool reset(const EventView& event, const struct EventRow& row);
  void reset_exit(const EventView& event, const EventRow& row);
  void reset_enter(const EventView& event, const EventRow& row);
  void apply_plain(const EventView& event, const EventRow& row);
  [[gnu::noinline]] void apply_any(const EventView& event, const EventRow& row);
  Thread* find_counted(int64_t tid);
  [[gnu::noinline]] void store_enter(const EventView& event);
  [[gnu::noinline]] void take_matching_enter(const EventView& event, bool valid);
  void take_enter(const EventView& event);
  Thread* recover(int64_t tid);
  [[gnu::noinline]] void ask_about_container(const Thread& of, uint64_t now_ns);
  bool is_own(const EventView& event) const;
  bool was_settled(int64_t tid, uint64_t ts_ns) const;

  static constexpr int64_t kNoPid = INT64_MIN;  // no thread's, not even a fake one's
  const int64_t own_pid_;

  Thread* stand_in_ = nullptr;
  std::vector<uint8_t> enter_bytes_;
  uint64_t next_purge_ns_ = 0;
};

// Makes records of plain data (load.cpp).
void load_snapshot(StateCore& core, const Snapshot& snapshot);
Thread* make_thread(StateCore& core, const SnapshotThread& from);
void add_snapshot_fd(StateCore& core, Thread& owner, const SnapshotFd& from);
Thread* load_found_thread(StateCore& core, const FoundThread& found);  // null: no room
void learn_finding(StateCore& core, const Finding& finding);
void reconcile_snapshot(StateCore& core, const Snapshot& snapshot);
Snapshot dump_snapshot(const StateCore& core);
SnapshotThread plain_thread(const StateCore& core, const Thread& from);
// Who, of those that share a joint table, has it in the lists of a snapshot: the first of them.
using JointHolders = absl::flat_hash_map<const FdTable*, int64_t>;
// The table that a snapshot lists with the thread; null: it is listed with another.
const FdTable* listed_fds(const StateCore& core, const JointHolders& holders, const Thread& of);
SnapshotFd plain_fd(int64_t tid, int64_t number, const FdInfo& from);
// What the lists do not hold (progress.cpp), for threads that are linked.
void load_progress(StateCore& core, const SnapshotProgress& progress);
void dump_progress(const StateCore& core, const JointHolders& holders, SnapshotProgress* out);

using Handler = void (*)(StateCore& core, const EventView& event);

// process_events.cpp
void on_clone(StateCore& core, const EventView& event);
void on_exec(StateCore& core, const EventView& event);
void on_procexit(StateCore& core, const EventView& event);
// file_events.cpp
void on_open(StateCore& core, const EventView& event);
void on_openat(StateCore& core, const EventView& event);
void on_openat2(StateCore& core, const EventView& event);
void on_creat(StateCore& core, const EventView& event);
void on_open_by_handle(StateCore& core, const EventView& event);
void on_chdir(StateCore& core, const EventView& event);
void on_fchdir(StateCore& core, const EventView& event);
void on_chroot(StateCore& core, const EventView& event);
// fd_events.cpp
void on_close(StateCore& core, const EventView& event);
void on_close_range(StateCore& core, const EventView& event);
void on_dup(StateCore& core, const EventView& event);
void on_fcntl(StateCore& core, const EventView& event);
void on_pipe(StateCore& core, const EventView& event);
void on_anonymous_fd(StateCore& core, const EventView& event);
void on_memfd_create(StateCore& core, const EventView& event);
void on_pidfd_open(StateCore& core, const EventView& event);
void on_pidfd_getfd(StateCore& core, const EventView& event);
// socket_events.cpp
void on_socket(StateCore& core, const EventView& event);
void on_socketpair(StateCore& core, const EventView& event);
void on_bind(StateCore& core, const EventView& event);
void on_connect(StateCore& core, const EventView& event);
void on_accept(StateCore& core, const EventView& event);
// transfer_events.cpp
void on_send(StateCore& core, const EventView& event);
void on_receive(StateCore& core, const EventView& event);
// misc_events.cpp
void on_setsid(StateCore& core, const EventView& event);
void on_set_user(StateCore& core, const EventView& event);
void on_set_group(StateCore& core, const EventView& event);
void on_capset(StateCore& core, const EventView& event);
void on_namespace(StateCore& core, const EventView& event);
void on_rlimit(StateCore& core, const EventView& event);
void on_prlimit(StateCore& core, const EventView& event);
void on_memory(StateCore& core, const EventView& event);
void on_schedswitch(StateCore& core, const EventView& event);
void on_prctl(StateCore& core, const EventView& event);
void on_container(StateCore& core, const EventView& event);
void on_async(StateCore& core, const EventView& event);
void on_user_added(StateCore& core, const EventView& event);
void on_user_deleted(StateCore& core, const EventView& event);
void on_group_added(StateCore& core, const EventView& event);
void on_group_deleted(StateCore& core, const EventView& event);

}  // namespace gyr
