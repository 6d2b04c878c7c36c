// SPDX-License-Identifier: Apache-2.0
// State as plain data: what a capture's lists, /proc or BPF iterators tell before the first event.
// state/ loads it; capture/ reads and writes it. Defaults are those of a field that a file lacks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "schema/schema.h"

namespace gyr {

struct MachineInfo {
  uint32_t num_cpus = 0;
  uint64_t memory_bytes = 0;
  uint64_t max_pid = 0;
  std::string hostname;
  uint64_t boot_ts_ns = 0;  // since the epoch; 0 unknown
  uint64_t flags = 0;       // kept as read
};

struct SnapshotThread {
  int64_t tid = -1, pid = -1, ptid = -1;
  int64_t sid = -1, vpgid = -1, pgid = -1, vtid = -1, vpid = -1;
  std::string comm, exe, exepath, cwd, root;
  std::string args, env, cgroups;  // entries that each end in NUL
  int64_t fdlimit = 0;
  uint32_t flags = 0;  // PPM_CL_*, flags.def clone_flags
  uint32_t uid = 0, gid = 0;
  uint32_t vmsize_kb = 0, vmrss_kb = 0, vmswap_kb = 0;
  uint64_t pfmajor = 0, pfminor = 0;
  uint64_t pidns_init_start_ts_ns = 0;
  uint32_t tty = 0;
  uint32_t loginuid = kNoId;
  bool exe_writable = false, exe_upper_layer = false, exe_lower_layer = false;
  bool exe_from_memfd = false;
  uint64_t cap_inheritable = 0, cap_permitted = 0, cap_effective = 0;
  uint64_t exe_ino = 0, exe_ino_ctime_ns = 0, exe_ino_mtime_ns = 0;
  // The two that captures do not store (capture/findings.h does): start of the thread, and the time
  // of which all this is true. Events until then are known already. 0: not known.
  uint64_t clone_ts_ns = 0;
  uint64_t as_of_ns = 0;
};

// One descriptor. Addresses are in network byte order; IPv4 uses the first four bytes.
struct SnapshotFd {
  int64_t tid = -1;  // of the thread (group leader) whose table it is in
  int64_t fd = -1;
  FdKind kind = FdKind::Unknown;
  uint64_t ino = 0;
  std::string name;
  uint32_t open_flags = 0;
  uint32_t dev = 0;
  uint32_t mount_id = 0;  // live only
  std::array<uint8_t, 16> source_ip{}, dest_ip{};
  uint16_t source_port = 0, dest_port = 0;
  uint8_t l4 = 0;  // 0 unknown, 1 not applicable, 2 tcp, 3 udp, 4 icmp, 5 raw
  uint64_t unix_source = 0, unix_dest = 0;
};

struct SnapshotInterface {
  std::string name;
  bool v6 = false;
  std::array<uint8_t, 16> address{}, netmask{}, broadcast{};
  uint64_t linkspeed = 0;
  bool has_linkspeed = true;
};

struct SnapshotUser {
  uint32_t uid = 0, gid = 0;
  std::string name, home, shell;
};
struct SnapshotGroup {
  uint32_t gid = 0;
  std::string name;
};

// What a state that has run for a while knows beyond the lists above, which hold what /proc tells.
// Only a snapshot of such a state has it; captures keep it as capture/progress.h says.
struct ThreadProgress {
  int64_t tid = -1;
  int64_t reaper_tid = -1;
  bool reaps = false;  // its process takes in orphans
  uint64_t ctime_duration_clone_ns = 0, ctime_duration_pidns_ns = 0;
  int64_t last_fd = -1;
  Ev last_type = Ev::GENERIC_E;
  bool last_type_valid = false;
  std::string cwd;                   // of a group leader, as it is
  std::vector<uint8_t> enter_event;  // whose exit event is still to come; a whole record
};
struct FdProgress {
  SnapshotFd fd;
  uint8_t role = 0;  // FdRole
  bool connected = false, upper_layer = false, lower_layer = false, from_snapshot = false;
  int64_t pid = 0;
  std::string name_raw;
  std::string real_path;
};
struct RecentExit {
  int64_t ptid = -1, tid = -1;
  uint64_t ts_ns = 0;
};
// Both threads use one table of descriptors, or have one working directory, though neither leads
// the other.
struct SharedTable {
  int64_t tid = -1, with = -1;
  bool is_directory = false;
};
struct SnapshotProgress {
  std::vector<SnapshotThread> half_known;  // that are but a tid: in no list
  std::vector<ThreadProgress> threads;
  std::vector<FdProgress> fds;          // those that the lists tell not at all or not exactly
  std::vector<std::string> containers;  // JSON, as container events have it
  std::vector<RecentExit> exits;        // the oldest first
  std::vector<SharedTable> shared_tables;
  bool empty() const { return half_known.empty() && threads.empty() && fds.empty(); }
};

struct FoundUser {
  std::string container_id;  // "" = host
  SnapshotUser user;
};
struct FoundGroup {
  std::string container_id;
  SnapshotGroup group;
};

struct Snapshot {
  MachineInfo machine;
  std::vector<SnapshotThread> threads;
  std::vector<SnapshotFd> fds;
  std::vector<int64_t> fd_tids;  // threads that had a descriptor list, empty ones too, in order
  std::vector<SnapshotInterface> interfaces;
  std::vector<SnapshotUser> users;
  std::vector<SnapshotGroup> groups;
  // Of containers. Captures keep them as findings.
  std::vector<FoundUser> container_users;
  std::vector<FoundGroup> container_groups;
  SnapshotProgress progress;
  bool from_capture = true;
  bool of_our_own = false;  // told by a gyr that watches the host, or in a recording that one made
  bool has_users = false;   // the source had a users list
};

// What live state learns from outside the events. Recordings keep it, so that their replay knows
// the same at the same place.
struct FoundThread {  // an unknown thread as /proc shows it, with the descriptors of its process
  SnapshotThread thread;
  std::vector<SnapshotFd> fds;
};
struct FoundFds {  // descriptors that a thread was given by another
  int64_t tid = -1;
  std::vector<SnapshotFd> fds;
};
struct GoneThread {  // its end was not seen
  int64_t tid = -1;
};
struct FoundContainer {
  std::string json;  // as container events have it
};
// Some of this process, from here until a time: what is known of its descriptors may be wrong, and
// what events tell of them until then too.
struct LostEvents {
  static constexpr int64_t kAnyProcess = -1;
  int64_t pid = kAnyProcess;
  uint64_t until_ns = 0;
};
using Finding = std::variant<FoundThread, FoundFds, FoundUser, FoundGroup, GoneThread,
                             FoundContainer, LostEvents>;

}  // namespace gyr
