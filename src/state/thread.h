// SPDX-License-Identifier: Apache-2.0
// One thread as events and snapshots describe it. Only state/ changes records, through State's
// setters, which raise `version`; everybody else reads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/str.h"
#include "schema/schema.h"
#include "state/fd.h"
#include "value/thread_memo.h"

namespace gyr {

// Thread flags that state itself uses: those of flags.def (clone_flags), and from 1 << 19 on some
// that only snapshots and state set.
inline constexpr uint32_t kCloneFiles = 1;
inline constexpr uint32_t kCloneFs = 2;
inline constexpr uint32_t kCloneNewNs = 0x20;
inline constexpr uint32_t kCloneNewPid = 0x40;
inline constexpr uint32_t kCloneParent = 0x100;
inline constexpr uint32_t kCloneThread = 0x2000;
inline constexpr uint32_t kCloneInverted = 0x10000;
inline constexpr uint32_t kNameChanged = 0x20000;
inline constexpr uint32_t kThreadClosed = 0x40000;
inline constexpr uint32_t kThreadActive = 0x80000;
inline constexpr uint32_t kCloneNewUser = 0x100000;
inline constexpr uint32_t kPipeSource = 0x200000;
inline constexpr uint32_t kPipeDest = 0x400000;
inline constexpr uint32_t kCloneVfork = 0x8000000;
inline constexpr uint32_t kChildInPidns = 0x20000000;
inline constexpr uint32_t kIsMainThread = 0x40000000;

struct ThreadGroup;

struct Thread {
  int64_t tid = -1, pid = -1, ptid = -1;
  int64_t sid = -1, vpgid = -1, pgid = -1, vtid = -1, vpid = -1;
  int64_t reaper_tid = -1;
  uint32_t flags = kNameChanged;
  uint32_t uid = kNoId, gid = kNoId, loginuid = kNoId;
  uint32_t tty = 0;
  int64_t fdlimit = -1;
  uint32_t vmsize_kb = 0, vmrss_kb = 0, vmswap_kb = 0;
  uint64_t pfmajor = 0, pfminor = 0;
  uint64_t cap_inheritable = 0, cap_permitted = 0, cap_effective = 0;
  uint64_t exe_ino = 0, exe_ino_ctime_ns = 0, exe_ino_mtime_ns = 0;
  uint64_t ctime_duration_clone_ns = 0, ctime_duration_pidns_ns = 0;
  uint64_t clone_ts_ns = 0, lastexec_ts_ns = 0, pidns_init_start_ts_ns = 0;
  bool exe_writable = false, exe_upper_layer = false, exe_lower_layer = false;
  bool exe_from_memfd = false;
  bool recovered = false;  // looked up after the fact, not seen to start

  Str comm, exe, exepath, root;
  Str own_cwd, own_env;      // use State::cwd(), State::env(): they belong to the leader
  Str args, cgroups;         // entries that each end in NUL
  Str container_id;          // "" = host
  mutable Str command_line;  // cache; use State::command_line()
  mutable bool command_line_known = false;

  FdTable own_fds;  // use State::fds(): threads share the leader's
  // Instead of own_fds where processes share their descriptors (CLONE_FILES), and of threads whose
  // leader has left those that they share.
  std::shared_ptr<FdTable> joint_fds;
  // The same of the working directory (CLONE_FS), instead of own_cwd.
  std::shared_ptr<Str> joint_cwd;

  int64_t last_fd = -1;  // of the last event that used one
  Ev last_type = Ev::GENERIC_E;
  bool last_type_valid = false;
  uint64_t last_event_ts_ns = 0, previous_event_ts_ns = 0;
  uint64_t last_access_ts_ns = 0;
  std::vector<uint8_t> enter_event;  // stored enter event (state-engine 1.2), empty if none

  ThreadGroup* group = nullptr;
  Thread* parent = nullptr;       // whose child this is; use State::parent()
  uint32_t child_index = 0;       // of this thread in parent->children
  std::vector<Thread*> children;  // in no particular order

  uint64_t version = 0;     // State's tick at the last change
  mutable ThreadMemo memo;  // of the evaluator

  bool is_main() const { return tid == pid || (flags & kIsMainThread) != 0; }
  bool is_invalid() const { return tid < 0 || pid < 0 || ptid < 0; }
  bool is_dead() const { return (flags & kThreadClosed) != 0; }
  bool in_pid_namespace() const {
    return (flags & kChildInPidns) != 0 || (vtid >= 0 && vtid != tid);
  }
};

struct ThreadGroup {
  int64_t pid = -1;
  std::vector<Thread*> members;  // leader first
  uint32_t alive = 0;
  bool reaper = false;
  // Some threads may share what the leader has. Else a leader that leaves need look at none.
  bool fds_followed = false, cwd_followed = false;
};

}  // namespace gyr
