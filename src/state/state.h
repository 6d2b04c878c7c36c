// SPDX-License-Identifier: Apache-2.0
// The state of the watched host: threads, descriptors, users, groups, interfaces. Two entrances,
// both plain data: load(snapshot), completed by learn(finding), and apply(event). Facts: shared
// reference "state-engine".
//
// Bounded: threads, descriptors per table, stored enter events, recently exited threads and path
// caches all have limits; what does not fit is counted in StateCounters.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/str.h"
#include "base/system.h"
#include "container/metadata.h"
#include "event/event_view.h"
#include "event/snapshot.h"
#include "state/fd.h"
#include "state/thread.h"

namespace gyr {

struct StateSettings {
  uint32_t thread_limit = 262144;
  uint64_t purge_interval_ns = 300'000'000'000;
  uint64_t thread_timeout_ns = 300'000'000'000;
  bool live = false;
  bool import_users = true;
  int64_t own_pid = -1;
  std::string host_root;
  // Live only: looks an unknown thread up; empty when it is gone. Unset: never succeeds.
  std::function<std::optional<FoundThread>(int64_t tid)> find_thread;
  // Live only: looks an unknown descriptor of a process up, or of a thread that has its own. Empty
  // when it is not open any more, or when looking up has taken too much time already. Unset: never
  // succeeds.
  std::function<std::optional<SnapshotFd>(int64_t pid, int64_t fd)> find_fd;
  // Live only: asked about a container when one of its threads is first seen, and again at a new
  // process when its answer says so.
  std::function<ContainerAnswer(std::string_view id, std::string_view cgroups, int64_t pid,
                                uint64_t now_ns)>
      find_container;
  // Live only: told when no thread is in the container any more, some minutes later.
  std::function<void(std::string_view id)> forget_container;
  // Live only: what was found out about a container since, one at a time, as the text of a
  // container event; "" when there is nothing more. Asked by State::take_late().
  std::function<std::string()> late_container;
  // Told what was learnt from outside the events, before the event at hand makes use of it.
  std::function<void(const Finding&)> on_finding;
  const Users* users = nullptr;  // host users for lazy lookups; null: none
  const Files* files = nullptr;  // for lookups below the host root; null: none
};

struct StateCounters {
  uint64_t threads_added = 0, threads_removed = 0, threads_dropped_full = 0;
  uint64_t fds_added = 0, fds_removed = 0, fds_dropped_full = 0;
  uint64_t thread_lookups_cached = 0, thread_lookups_noncached = 0, thread_lookups_failed = 0;
  uint64_t fd_lookups_cached = 0, fd_lookups_failed = 0;
  uint64_t enter_events_stored = 0, enter_events_dropped = 0;
  uint64_t enter_events_retrieved = 0, enter_events_missing = 0;
  uint64_t threads_recovered = 0, fds_recovered = 0;
  uint64_t threads_unknown = 0;    // of events whose thread could not be looked up either
  uint64_t threads_corrected = 0;  // by reconcile(), unknown ones among them
  uint64_t losses_learnt = 0;      // times that a process's descriptors were not trusted any more
  uint64_t containers_dropped_full = 0;
};

// What one event means, after apply(). Pointers are valid until the next apply().
struct EventState {
  const Thread* thread = nullptr;
  const FdInfo* fd = nullptr;  // of the event; null: none or unknown
  int64_t fd_number = -1;      // the thread's last descriptor, also when it failed
  int64_t error = 0;           // errno of a failed call, 0 otherwise
  bool hidden = false;         // feeds state, is shown to nobody (still takes an event number)
  bool fd_edited = false;      // the event made or changed the descriptor, which was named
  Str old_fd_name;             // so before; "" if there was none or nothing was edited
  EventView enter;             // the stored enter event that belongs to this exit
  bool has_enter = false;
};

struct UserInfo {
  uint32_t uid, gid;
  Str name, home, shell;
};
struct GroupInfo {
  uint32_t gid;
  Str name;
};
struct InterfaceInfo {
  std::string name;
  bool v6 = false;
  std::array<uint8_t, 16> address{}, netmask{};
};

// What is known about a container. Texts that rules ask for most are interned; `more` has all.
struct ContainerInfo {
  Str id, full_id, name, image, image_repository, ip;
  ContainerMetadata more;
};

class State {
 public:
  State(StateSettings settings, StrPool& pool);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Forgets everything and starts from the snapshot.
  void load(const Snapshot& snapshot);
  // Steps 4 to 8, 12 and 13 of state-engine section 1. The result is valid until the next call.
  const EventState& apply(const EventView& event);
  // Time of the event that apply() was given last; 0: there was none.
  uint64_t last_ns() const;
  // What apply() returned last: always the same object.
  const EventState& current() const;
  // Whether events of the type can change more than which event the thread had last.
  static bool is_changed_by(Ev type);

  // After a loss of events: learns the threads that are unknown, or that are others than they seem,
  // by start, program, arguments, user, capabilities, session, directory or root; on_finding is
  // told each. Threads that are not in the snapshot stay until they are found to be gone: events of
  // theirs may still come.
  void reconcile(const Snapshot& snapshot);
  // What a recorded state found out, instead of finding it out here.
  void learn(const Finding& finding);
  // Learns what was found out about containers meanwhile: between two events, often.
  void take_late();

  // Lookups. Threads: null when unknown (never a side effect).
  const Thread* find(int64_t tid) const;
  // The leader of the thread's group (itself if it is one), null if none is known.
  const Thread* leader(const Thread& thread) const;
  // The next ancestor by ptid, null at the top.
  const Thread* parent(const Thread& thread) const;
  const FdTable& fds(const Thread& thread) const;  // the leader's where threads share
  const Str& cwd(const Thread& thread) const;      // ends in "/"; "./" without a leader
  const Str& env(const Thread& thread) const;      // entries that each end in NUL
  const Str& command_line(const Thread& thread) const;
  const UserInfo* user(const Str& container_id, uint32_t uid) const;
  const GroupInfo* group(const Str& container_id, uint32_t gid) const;
  // Null when no metadata event named it.
  const ContainerInfo* container(const Str& container_id) const;
  const std::vector<InterfaceInfo>& interfaces() const;
  bool is_local(const IpAddress& address, const Thread* thread) const;  // state-engine section 7
  const MachineInfo& machine() const;
  uint64_t thread_count() const;
  // Calls use(const Thread&) for each, in no particular order.
  void for_each_thread(const std::function<void(const Thread&)>& use) const;
  StateCounters counters() const;
  StrPool& pool() const;

  // Path helpers with bounded caches (state-engine 5.5 and 4.4).
  Str join_path(const Str& base, const Str& path) const;
  Str join_path(const Str& base, std::string_view path) const;
  // Directory that `path` is relative to, for a directory descriptor (ends in "/", "<UNKNOWN>", "."
  // …).
  Str resolve_dirfd(const Thread* thread, std::string_view path, int64_t dirfd) const;
  // What precedes the last "/" of a file's name.
  Str directory_of(const Str& name) const;

  // Rises whenever anything a Dependency::Thread field of this thread can see may have changed: the
  // thread, its leader, an ancestor (removal and reparenting too), user tables, `raise_epoch`.
  uint64_t version_of(const Thread& thread) const;
  void raise_epoch();

  // Everything as plain data again, as of the event that comes next: loaded, it makes of the events
  // from there on what this state makes of them. What the last event was found to mean is void.
  Snapshot dump();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Text of both ends of a socket etc., as fd.name shows it (state-engine 5.3).
std::string socket_name(const FdInfo& fd);
std::string ip_text(const IpAddress& address);

// Path rules of state-engine 5.5, without caches.
std::string join_path_text(std::string_view base, std::string_view path);

}  // namespace gyr
