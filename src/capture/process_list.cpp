// SPDX-License-Identifier: Apache-2.0
#include "capture/format.h"
#include "capture/lists.h"

namespace gyr::capture {
namespace {

// Longest tail of files made before pidns_init_start_ts and tty were put in front of loginuid:
// loginuid, exe_writable, three sets of capabilities.
constexpr size_t kOldTail = 4 + 1 + 3 * 8;

// Fields appended in the course of version 9; the entry ends after any of them.
void read_tail(EntryReader& in, SnapshotThread& thread) {
  if (in.remaining() > kOldTail) {
    thread.pidns_init_start_ts_ns = in.read_if_there<uint64_t>(0);
    thread.tty = in.read_if_there<uint32_t>(0);
  }
  // A field that does not fit ends the entry, even when a smaller one behind it would fit.
  auto next = [&in, more = true]<class T>(T fallback) mutable {
    more = more && in.remaining() >= sizeof(T);
    return more ? in.read<T>() : fallback;
  };
  thread.loginuid = next(kNoId);
  thread.exe_writable = next(uint8_t{0}) != 0;
  thread.cap_inheritable = next(uint64_t{0});
  thread.cap_permitted = next(uint64_t{0});
  thread.cap_effective = next(uint64_t{0});
  thread.exe_upper_layer = next(uint8_t{0}) != 0;
  thread.exe_ino = next(uint64_t{0});
  thread.exe_ino_ctime_ns = next(uint64_t{0});
  thread.exe_ino_mtime_ns = next(uint64_t{0});
  thread.exe_from_memfd = next(uint8_t{0}) != 0;
  thread.exe_lower_layer = next(uint8_t{0}) != 0;
  thread.pgid = next(int64_t{-1});
}

}  // namespace

SnapshotThread read_process(EntryReader& in, uint8_t version) {
  SnapshotThread thread;
  thread.tid = in.read<int64_t>();
  thread.pid = in.read<int64_t>();
  thread.ptid = in.read<int64_t>();
  if (version >= 6) thread.sid = in.read<int64_t>();
  if (version >= 8) thread.vpgid = in.read<int64_t>();
  thread.comm = in.text(kMaxPath, "the process name");
  thread.exe = in.text(kMaxPath, "the program's first argument");
  if (version >= 7) thread.exepath = in.text(kMaxPath, "the program's path");
  thread.args = in.list(kMaxList, "the argument list");
  thread.cwd = in.text(kMaxPath, "the working directory");
  thread.fdlimit = in.read<int64_t>();
  thread.flags = in.read<uint32_t>();
  thread.uid = in.read<uint32_t>();
  thread.gid = in.read<uint32_t>();
  if (version >= 2) {
    thread.vmsize_kb = in.read<uint32_t>();
    thread.vmrss_kb = in.read<uint32_t>();
    thread.vmswap_kb = in.read<uint32_t>();
    thread.pfmajor = in.read<uint64_t>();
    thread.pfminor = in.read<uint64_t>();
  }
  if (version >= 3) thread.env = in.list(kMaxList, "the environment");
  if (version >= 4) {
    thread.vtid = in.read<int64_t>();
    thread.vpid = in.read<int64_t>();
    thread.cgroups = in.list(kMaxList, "the cgroup list");
  }
  if (version >= 5) thread.root = in.text(kMaxPath, "the root directory");
  if (version >= 9) read_tail(in, thread);
  return thread;
}

void write_process(EntryWriter& out, const SnapshotThread& thread) {
  out.put(thread.tid);
  out.put(thread.pid);
  out.put(thread.ptid);
  out.put(thread.sid);
  out.put(thread.vpgid);
  out.text(thread.comm, kMaxPath);
  out.text(thread.exe, kMaxPath);
  out.text(thread.exepath, kMaxPath);
  out.text(thread.args, kMaxList);
  out.text(thread.cwd.empty() ? "/" : thread.cwd, kMaxPath);
  out.put(thread.fdlimit);
  out.put(thread.flags);
  out.put(thread.uid);
  out.put(thread.gid);
  out.put(thread.vmsize_kb);
  out.put(thread.vmrss_kb);
  out.put(thread.vmswap_kb);
  out.put(thread.pfmajor);
  out.put(thread.pfminor);
  out.text(thread.env, kMaxList);
  out.put(thread.vtid);
  out.put(thread.vpid);
  out.text(thread.cgroups, kMaxList);
  out.text(thread.root, kMaxPath);
  out.put(thread.pidns_init_start_ts_ns);
  out.put(thread.tty);
  out.put(thread.loginuid);
  out.put(static_cast<uint8_t>(thread.exe_writable));
  out.put(thread.cap_inheritable);
  out.put(thread.cap_permitted);
  out.put(thread.cap_effective);
  out.put(static_cast<uint8_t>(thread.exe_upper_layer));
  out.put(thread.exe_ino);
  out.put(thread.exe_ino_ctime_ns);
  out.put(thread.exe_ino_mtime_ns);
  out.put(static_cast<uint8_t>(thread.exe_from_memfd));
  out.put(static_cast<uint8_t>(thread.exe_lower_layer));
  out.put(thread.pgid);
}

}  // namespace gyr::capture
