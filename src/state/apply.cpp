// SPDX-License-Identifier: Apache-2.0
// The way of one event through the state: what was deferred, reset, handler, visibility.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "state/core.h"

namespace gyr {
namespace {

constexpr size_t kEnterEventLimit = 4096;  // bytes of a stored enter event
constexpr uint64_t kFirstPurgeNs = 30'000'000'000;
constexpr uint64_t kShortestPurgeNs = 1'000'000'000;                // each looks at all threads
constexpr int64_t kMaxError = std::numeric_limits<int64_t>::max();  // the smallest has no opposite

enum class Lookup : uint8_t {
  Get,   // may look the thread up in /proc or make a fake one
  Find,  // table only
  None,  // the event has no thread
};
enum class Call : uint8_t {
  Success,  // the call's result is there and not negative
  Always,   // the thread is known
  Threadless,
};

}  // namespace

// What an event of one type does to the state.
struct EventRow {
  Handler handler = nullptr;
  Call call = Call::Success;
  Lookup lookup = Lookup::Get;
  bool hidden = false;  // an enter event that only feeds state
  bool stores_enter = false;
  // From the event's own row.
  bool skips_reset = false;
  bool uses_fd = false;
  bool plain = false;    // an exit event with nothing special but its handler
  int8_t fd_param = -1;  // that holds the descriptor it uses
};

namespace {

using Rows = std::array<EventRow, kEventCount>;

constexpr EventRow& row_of(Rows& rows, Ev type) { return rows[static_cast<size_t>(type)]; }

constexpr void add_process_rows(Rows& rows) {
  for (const Ev type : {Ev::CLONE_20_X, Ev::CLONE3_X, Ev::FORK_20_X, Ev::VFORK_20_X}) {
    // These find their thread themselves: they know more than a look-up could tell.
    row_of(rows, type) = {.handler = on_clone, .call = Call::Threadless, .lookup = Lookup::Find};
  }
  row_of(rows, Ev::EXECVE_19_X).handler = on_exec;
  row_of(rows, Ev::EXECVEAT_X).handler = on_exec;
  row_of(rows, Ev::PROCEXIT_1_E) = {
      .handler = on_procexit, .call = Call::Always, .lookup = Lookup::Find};
  row_of(rows, Ev::SCHEDSWITCH_6_E) = {
      .handler = on_schedswitch, .call = Call::Always, .lookup = Lookup::Find};
  row_of(rows, Ev::SETSID_X).handler = on_setsid;
  for (const Ev type : {Ev::SETRESUID_X, Ev::SETREUID_X, Ev::SETUID_X}) {
    row_of(rows, type).handler = on_set_user;
  }
  for (const Ev type : {Ev::SETRESGID_X, Ev::SETREGID_X, Ev::SETGID_X}) {
    row_of(rows, type).handler = on_set_group;
  }
  row_of(rows, Ev::CAPSET_X).handler = on_capset;
  row_of(rows, Ev::UNSHARE_X).handler = on_namespace;
  row_of(rows, Ev::SETNS_X).handler = on_namespace;
  row_of(rows, Ev::GETRLIMIT_X).handler = on_rlimit;
  row_of(rows, Ev::SETRLIMIT_X).handler = on_rlimit;
  row_of(rows, Ev::PRLIMIT_X).handler = on_prlimit;
  row_of(rows, Ev::PRCTL_X).handler = on_prctl;
  for (const Ev type : {Ev::BRK_4_X, Ev::MMAP_X, Ev::MMAP2_X, Ev::MUNMAP_X}) {
    row_of(rows, type) = {.handler = on_memory, .call = Call::Always};
  }
}

constexpr void add_file_rows(Rows& rows) {
  row_of(rows, Ev::OPEN_X).handler = on_open;
  row_of(rows, Ev::CREAT_X).handler = on_creat;
  row_of(rows, Ev::OPENAT_2_X).handler = on_openat;
  row_of(rows, Ev::OPENAT2_X).handler = on_openat2;
  row_of(rows, Ev::OPEN_BY_HANDLE_AT_X).handler = on_open_by_handle;
  row_of(rows, Ev::CHDIR_X).handler = on_chdir;
  row_of(rows, Ev::GETCWD_X).handler = on_chdir;
  row_of(rows, Ev::FCHDIR_X).handler = on_fchdir;
  row_of(rows, Ev::CHROOT_X).handler = on_chroot;
  row_of(rows, Ev::CLOSE_X).handler = on_close;
  row_of(rows, Ev::CLOSE_RANGE_X).handler = on_close_range;
  for (const Ev type : {Ev::DUP_1_X, Ev::DUP2_X, Ev::DUP3_X}) row_of(rows, type).handler = on_dup;
  row_of(rows, Ev::FCNTL_X).handler = on_fcntl;
  row_of(rows, Ev::PIPE_X).handler = on_pipe;
  row_of(rows, Ev::PIPE2_X).handler = on_pipe;
  for (const Ev type :
       {Ev::EVENTFD_X, Ev::EVENTFD2_X, Ev::SIGNALFD_X, Ev::SIGNALFD4_X, Ev::TIMERFD_CREATE_X,
        Ev::INOTIFY_INIT_X, Ev::INOTIFY_INIT1_X, Ev::BPF_2_X, Ev::USERFAULTFD_X,
        Ev::IO_URING_SETUP_X, Ev::EPOLL_CREATE_X, Ev::EPOLL_CREATE1_X}) {
    row_of(rows, type).handler = on_anonymous_fd;
  }
  row_of(rows, Ev::MEMFD_CREATE_X).handler = on_memfd_create;
  row_of(rows, Ev::PIDFD_OPEN_X).handler = on_pidfd_open;
  row_of(rows, Ev::PIDFD_GETFD_X).handler = on_pidfd_getfd;
}

constexpr void add_socket_rows(Rows& rows) {
  row_of(rows, Ev::SOCKET_X).handler = on_socket;
  row_of(rows, Ev::SOCKETPAIR_X).handler = on_socketpair;
  row_of(rows, Ev::BIND_X).handler = on_bind;
  row_of(rows, Ev::CONNECT_X) = {.handler = on_connect, .call = Call::Always};
  row_of(rows, Ev::ACCEPT_5_X).handler = on_accept;
  row_of(rows, Ev::ACCEPT4_6_X).handler = on_accept;
  for (const Ev type : {Ev::SEND_X, Ev::SENDTO_X, Ev::SENDMSG_X, Ev::SENDMMSG_X, Ev::WRITE_X,
                        Ev::WRITEV_X, Ev::PWRITE_X, Ev::PWRITEV_X}) {
    row_of(rows, type).handler = on_send;
  }
  for (const Ev type : {Ev::RECV_X, Ev::RECVFROM_X, Ev::RECVMSG_X, Ev::RECVMMSG_X}) {
    row_of(rows, type).handler = on_receive;
  }
}

constexpr void add_meta_rows(Rows& rows) {
  const auto add = [&rows](Ev type, Handler handler) {
    row_of(rows, type) = {.handler = handler, .call = Call::Threadless, .lookup = Lookup::None};
  };
  add(Ev::CONTAINER_JSON_2_E, on_container);
  add(Ev::ASYNCEVENT_E, on_async);
  add(Ev::PLUGINEVENT_E, nullptr);
  add(Ev::USER_ADDED_E, on_user_added);
  add(Ev::USER_DELETED_E, on_user_deleted);
  add(Ev::GROUP_ADDED_E, on_group_added);
  add(Ev::GROUP_DELETED_E, on_group_deleted);
  for (const Ev type : {Ev::OPEN_E, Ev::OPENAT_2_E, Ev::OPENAT2_E, Ev::CREAT_E, Ev::CONNECT_E,
                        Ev::EXECVE_19_E, Ev::EXECVEAT_E}) {
    row_of(rows, type).hidden = true;
    row_of(rows, type).stores_enter = true;
  }
}

constexpr void add_event_facts(EventRow& row, Ev type, uint32_t flags, int fd_param) {
  row.skips_reset = (flags & EF_SKIPPARSERESET) != 0;
  row.uses_fd = (flags & EF_USES_FD) != 0;
  if (row.uses_fd) row.fd_param = static_cast<int8_t>(fd_param);
  row.plain = EventInfo::is_exit(type) && row.call == Call::Success && row.lookup == Lookup::Get &&
              !row.hidden && !row.stores_enter && !row.skips_reset;
}

constexpr void add_all_event_facts(Rows& rows) {
#define GYR_EVENT(number, code, name, category, source, flags, fd) \
  add_event_facts(row_of(rows, Ev::code), Ev::code, flags, fd);
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
}

constexpr Rows make_rows() {
  Rows rows{};
  add_process_rows(rows);
  add_file_rows(rows);
  add_socket_rows(rows);
  add_meta_rows(rows);
  add_all_event_facts(rows);  // last: rows above are written as a whole
  return rows;
}

constexpr Rows kRows = make_rows();

const EventRow& row_of(Ev type) { return kRows[static_cast<size_t>(type)]; }

bool follows(Ev exit, Ev enter) {
  return static_cast<size_t>(enter) + 1 == static_cast<size_t>(exit) ||
         (exit == Ev::EXECVE_19_X && enter == Ev::EXECVEAT_E);
}

}  // namespace

void StateCore::finish_exit() {
  const int64_t tid = std::exchange(exited_tid, -1);
  Thread* gone = threads.find(tid);
  if (gone == nullptr) return;
  exits.add(gone->ptid, tid, exited_ts_ns);
  threads.remove(tid);
}

inline void StateCore::finish_close() {
  Thread* owner = threads.find(closed_tid);
  if (owner != nullptr && fds(*owner).remove(closed_fd)) ++counts.fds_removed;
  closed_fd = -1;
}

void StateCore::finish_deferred() {
  if (exited_tid >= 0) finish_exit();
  if (closed_fd >= 0) finish_close();
}

Thread* StateCore::recover(int64_t tid) {
  if (!settings.live || !settings.find_thread) return nullptr;
  const std::optional<FoundThread> found = settings.find_thread(tid);
  if (!found) return nullptr;
  if (settings.on_finding) settings.on_finding(*found);
  return load_found_thread(*this, *found);
}

// What the event closes is gone from /proc already.
void StateCore::recover_fd(const EventView& event, int64_t fd) {
  constexpr int64_t kBadDescriptor = -9;
  if (!settings.find_fd || fd < 0 || thread->pid < 0 || event.type() == Ev::CLOSE_X) return;
  if (event.has_result() && event.result() == kBadDescriptor) return;
  std::optional<SnapshotFd> found = settings.find_fd(fds_holder(*thread), fd);
  if (!found) return;
  FoundFds one{thread->tid, {*std::move(found)}};
  if (settings.on_finding) settings.on_finding(one);
  add_snapshot_fd(*this, *thread, one.fds.front());
  ++counts.fds_recovered;
  now.fd = std::as_const(*this).fds(*thread).find(fd);
}

Thread* StateCore::get_other(int64_t tid) {
  if (Thread* known = threads.find(tid)) {
    ++counts.thread_lookups_noncached;
    return known;
  }
  ++counts.thread_lookups_failed;
  if (threads.has_room(tid)) {
    if (Thread* found = recover(tid)) return found;
  }
  ++counts.threads_unknown;
  Thread* fake = threads.create();
  fake->tid = tid;
  fake->comm = fake->exe = not_available;
  return threads.add(fake);
}

Thread* StateCore::stand_in_for(int64_t tid) {
  if (stand_in_ != nullptr) threads.discard(stand_in_);
  stand_in_ = threads.create();
  stand_in_->tid = tid;
  stand_in_->comm = stand_in_->exe = not_available;
  return stand_in_;
}

bool StateCore::is_own(const EventView& event) const {
  if (thread == nullptr || thread->pid != own_pid_) return false;
  switch (event.type()) {  // NOLINT: these five alone pass
    case Ev::SCHEDSWITCH_6_E:
    case Ev::SCAPEVENT_E:
    case Ev::PROCINFO_E:
    case Ev::DROP_E:
    case Ev::DROP_X:
    case Ev::CPU_HOTPLUG_E:
      return false;
    default:
      return true;
  }
}

void StateCore::take_enter(const EventView& event) {
  EventView stored;
  if (!stored.decode({.bytes = thread->enter_event}) || !follows(event.type(), stored.type())) {
    return;
  }
  // The bytes move to where they live until the next event.
  enter_bytes_.swap(thread->enter_event);
  thread->enter_event.clear();
  now.enter.decode({.bytes = enter_bytes_});
  now.has_enter = true;
  ++counts.enter_events_retrieved;
}

void StateCore::store_enter(const EventView& event) {
  if (event.type() == Ev::EXECVE_19_E && !event.has(0)) return;
  const Bytes bytes = event.bytes();
  if (bytes.size() > kEnterEventLimit) {
    ++counts.enter_events_dropped;
    return;
  }
  thread->enter_event.assign(bytes.begin(), bytes.end());
  ++counts.enter_events_stored;
}

// The thread of an event that need not have a known one; null: none.
Thread* StateCore::find_counted(int64_t tid) {
  const bool last = threads.last(tid) != nullptr;
  Thread* found = threads.find(tid);
  if (found == nullptr) {
    ++counts.thread_lookups_failed;
  } else {
    ++(last ? counts.thread_lookups_cached : counts.thread_lookups_noncached);
  }
  return found;
}

void StateCore::take_matching_enter(const EventView& event, bool valid) {
  if (valid) take_enter(event);
  thread->enter_event.clear();
}

void StateCore::reset_exit(const EventView& event, const EventRow& row) {
  const bool valid = thread->last_type_valid && follows(event.type(), thread->last_type);
  if (!valid) thread->last_fd = -1;
  if (!thread->enter_event.empty()) [[unlikely]]
    take_matching_enter(event, valid);
  if (event.result() < 0 && event.has_result()) now.error = -std::max(event.result(), -kMaxError);
  if (!row.uses_fd) return;
  if (thread->last_fd == -1 && row.fd_param >= 0) {
    thread->last_fd = event.get<int64_t>(static_cast<size_t>(row.fd_param), -1);
  }
  fetch_fd(thread->last_fd);
  if (now.fd == nullptr && settings.live) [[unlikely]]
    recover_fd(event, thread->last_fd);
}

void StateCore::reset_enter(const EventView& event, const EventRow& row) {
  thread->last_type = event.type();
  thread->last_type_valid = true;
  thread->last_fd = -1;
  if (row.fd_param < 0) return;
  thread->last_fd = event.get<int64_t>(static_cast<size_t>(row.fd_param), -1);
  fetch_fd(thread->last_fd);
}

// Finds the event's thread and descriptor. True when handlers may use the thread.
bool StateCore::reset(const EventView& event, const EventRow& row) {
  if (row.skips_reset) {
    const bool shows_thread = event.type() == Ev::PROCINFO_E || event.type() == Ev::SCAPEVENT_E;
    thread = shows_thread ? threads.find(event.tid()) : nullptr;
    return false;
  }
  if (row.lookup == Lookup::Get) {
    thread = get(event.tid());
    if (thread == nullptr) thread = stand_in_for(event.tid());
    thread->flags |= kThreadActive;
  } else {
    thread = row.lookup == Lookup::Find ? find_counted(event.tid()) : nullptr;
    if (thread == nullptr) return false;
  }
  thread->last_access_ts_ns = event.ts_ns();
  if (EventInfo::is_exit(event.type())) {
    reset_exit(event, row);
  } else if (event.type() != Ev::SCHEDSWITCH_6_E) {
    reset_enter(event, row);
  }
  return true;
}

// As apply_any() for a plain row, without the questions whose answers the row knows.
inline void StateCore::apply_plain(const EventView& event, const EventRow& row) {
  thread = get(event.tid());
  if (thread == nullptr) [[unlikely]]
    thread = stand_in_for(event.tid());
  thread->flags |= kThreadActive;
  thread->last_access_ts_ns = event.ts_ns();
  reset_exit(event, row);
  if (thread->pid == own_pid_) [[unlikely]] {
    now.hidden = true;
  } else if (event.succeeded() && row.handler != nullptr) {
    row.handler(*this, event);
  }
}

void StateCore::apply_any(const EventView& event, const EventRow& row) {
  const bool has_thread = reset(event, row);
  now.hidden |= row.hidden;
  if (is_own(event)) {
    now.hidden = true;
  } else {
    const bool wanted = row.call == Call::Success ? has_thread && event.succeeded()
                                                  : row.call == Call::Threadless || has_thread;
    if (wanted && row.handler != nullptr) row.handler(*this, event);
    if (row.stores_enter && thread != nullptr) store_enter(event);
  }
}

bool State::is_changed_by(Ev type) {
  const EventRow& row = row_of(type);
  return row.handler != nullptr || row.stores_enter;
}

void StateCore::apply(const EventView& event) {
  if (event.ts_ns() <= all_sure_after_ns) [[unlikely]]
    forget_what_is_unsure(event);
  if (exited_tid >= 0) [[unlikely]]
    finish_exit();
  if (closed_fd >= 0) finish_close();
  if (settings.live) [[unlikely]]
    purge(event.ts_ns());
  event_ns = event.ts_ns();
  now.fd = nullptr;
  now.fd_number = -1;
  now.error = 0;
  now.has_enter = false;
  now.hidden = (event.flags() & kStateOnly) != 0;
  if (std::exchange(now.fd_edited, false)) now.old_fd_name = Str();
  const EventRow& row = row_of(event.type());
  if (row.plain) [[likely]] {
    apply_plain(event, row);
  } else {
    apply_any(event, row);
  }
  now.thread = thread;
  if (thread == nullptr) return;
  now.fd_number = thread->last_fd;
  if (event.type() == Ev::SCHEDSWITCH_6_E) return;
  thread->previous_event_ts_ns = thread->last_event_ts_ns;
  thread->last_event_ts_ns = event.ts_ns();
}

namespace {

// The process still exists and still runs what we know.
bool is_alive(const Thread& thread, const Files& files) {
  const std::string folder = fmt::format("/proc/{}/task/{}", thread.pid, thread.tid);
  const auto comm = files.read(folder + "/comm", 64);
  if (comm) return comm->starts_with(thread.comm.view());
  return files.read_link(folder + "/exe").has_value();
}

}  // namespace

void StateCore::purge(uint64_t now_ns) {
  const uint64_t interval_ns = std::max(settings.purge_interval_ns, kShortestPurgeNs);
  if (next_purge_ns_ == 0) next_purge_ns_ = now_ns + std::min(kFirstPurgeNs, interval_ns);
  if (now_ns < next_purge_ns_) return;
  next_purge_ns_ = now_ns + interval_ns;
  std::vector<int64_t> doomed;
  threads.for_each([&](const Thread& candidate) {
    if (candidate.is_invalid()) {
      doomed.push_back(candidate.tid);
      return;
    }
    if (candidate.last_access_ts_ns + settings.thread_timeout_ns > now_ns) return;
    if (settings.files != nullptr && !is_alive(candidate, *settings.files)) {
      doomed.push_back(candidate.tid);
    }
  });
  for (const int64_t tid : doomed) {
    if (settings.on_finding) settings.on_finding(GoneThread{tid});
    threads.remove(tid);
  }
  // In captures containers are told before their first thread.
  if (settings.find_container) forget_containers();
}

}  // namespace gyr
