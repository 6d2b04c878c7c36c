// SPDX-License-Identifier: Apache-2.0
// Numbers and texts of the task, its program and its files (ptrace_collect.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "schema/schema.h"
#include "source/live_checks.h"
#include "source/ptrace_overlay.h"
#include "source/ptrace_socket.h"
#include "source/ptrace_tracee.h"

namespace gyr {
namespace {

constexpr size_t kStatLimit = 4096;
constexpr uint32_t kChildInPidNamespace = 1u << 29;  // flags.def, clone_flags
constexpr uint64_t kExeWritable = 1, kExeUpperLayer = 2, kExeFromMemory = 4, kExeLowerLayer = 8;
constexpr size_t kParentsMax = 64;  // on the way up to the first process of a pid namespace

const SnapshotThread* thread_of(gyr_tracee& tracee) {
  if (!tracee.thread_read) {
    tracee.thread_read = true;
    tracee.thread = tracee.threads.read(tracee.pid, tracee.tid);
  }
  return tracee.thread ? &*tracee.thread : nullptr;
}

// What follows the name in /proc/TID/stat, from the state on.
std::vector<std::string> stat_fields(const Files& files, int64_t tid) {
  std::vector<std::string> fields;
  const auto text = files.read(fmt::format("/proc/{}/stat", tid), kStatLimit);
  const size_t close = text ? text->rfind(')') : std::string::npos;
  if (close == std::string::npos || close + 2 > text->size()) return fields;
  for (const std::string_view word : split(trim(std::string_view(*text).substr(close + 2)), ' ')) {
    fields.emplace_back(word);
  }
  return fields;
}

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// When a process began, since boot, as exactly as /proc tells.
uint64_t start_of(const Files& files, int64_t pid) {
  constexpr size_t kStartTime = 22 - 3;
  const auto fields = stat_fields(files, pid);
  const auto ticks = static_cast<uint64_t>(std::max<long>(sysconf(_SC_CLK_TCK), 1));
  return fields.size() > kStartTime ? number(fields[kStartTime]) * (1'000'000'000 / ticks) : 0;
}

// Of the first process in the caller's pid namespace, which is above it or is it.
uint64_t pid_namespace_start(gyr_tracee& tracee) {
  int64_t pid = tracee.pid;
  for (size_t i = 0; i < kParentsMax && pid > 0; ++i) {
    const auto thread = tracee.threads.read(pid, pid);
    if (!thread) return 0;
    if (thread->vpid == 1) return start_of(tracee.files, pid);
    pid = thread->ptid;
  }
  return 0;
}

// `ret` 0: a child, whose own namespace counts; else the one its children will be in.
uint64_t clone_marks(const gyr_tracee& tracee, int64_t ret) {
  const auto link = tracee.files.read_link(
      fmt::format("/proc/{}/ns/{}", tracee.tid, ret == 0 ? "pid" : "pid_for_children"));
  return !link || *link == kInitPidNamespace ? 0 : kChildInPidNamespace;
}

// The kernel's form of a device's number, as /proc shows it.
uint32_t device_number(uint32_t major_number, uint32_t minor_number) {
  return (minor_number & 0xff) | major_number << 8 | (minor_number & ~0xffu) << 12;
}

std::string link_of(const gyr_tracee& tracee, int64_t fd) {
  return fmt::format("/proc/{}/fd/{}", tracee.tid, fd);
}

std::optional<struct statx> look_at(const std::string& link) {
  struct statx found {};
  if (statx(AT_FDCWD, link.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
            STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &found) != 0) {
    return std::nullopt;
  }
  return found;
}

uint64_t file_number(gyr_tracee& tracee, Collect token, int64_t fd) {
  if (fd < 0) return 0;
  if (tracee.file_fd != fd) {
    tracee.file_fd = fd;
    tracee.file = look_at(link_of(tracee, fd));
  }
  const auto& found = tracee.file;
  if (!found) return 0;
  if (token == Collect::fd_ino) return found->stx_ino;
  if (token == Collect::fd_dev) return device_number(found->stx_dev_major, found->stx_dev_minor);
  // Whether the call created the file: it was born since the call began.
  if (!tracee.hints.may_create || (found->stx_mask & STATX_BTIME) == 0) return 0;
  const uint64_t born =
      static_cast<uint64_t>(found->stx_btime.tv_sec) * 1'000'000'000 + found->stx_btime.tv_nsec;
  return born >= tracee.hints.entered_ns ? kOpenCreated : 0;
}

uint64_t exe_flags(const gyr_tracee& tracee, const SnapshotThread& thread) {
  uint64_t flags = thread.exe_writable ? kExeWritable : 0;
  if (thread.exe_from_memfd) flags |= kExeFromMemory;
  const auto file = look_at(fmt::format("/proc/{}/exe", tracee.tid));
  if (!file) return flags;
  const OverlayLayer layer = overlay_layer(tracee.files, tracee.tid, *file);
  if (layer == OverlayLayer::Upper) flags |= kExeUpperLayer;
  if (layer == OverlayLayer::Lower) flags |= kExeLowerLayer;
  return flags;
}

uint64_t thread_number(gyr_tracee& tracee, Collect token) {
  const SnapshotThread* thread = thread_of(tracee);
  if (!thread) return 0;
  switch (token) {
    case Collect::ptid:
      return static_cast<uint64_t>(tracee.hints.parent_tid >= 0 ? tracee.hints.parent_tid
                                                                : thread->ptid);
    case Collect::vtid:
      return static_cast<uint64_t>(thread->vtid);
    case Collect::vpid:
      return static_cast<uint64_t>(thread->vpid);
    case Collect::pgid:
      return static_cast<uint64_t>(thread->pgid);
    case Collect::vpgid:
      return static_cast<uint64_t>(thread->vpgid);
    case Collect::fdlimit:
      return static_cast<uint64_t>(thread->fdlimit);
    case Collect::pgft_maj:
      return thread->pfmajor;
    case Collect::pgft_min:
      return thread->pfminor;
    case Collect::vm_size:
      return thread->vmsize_kb;
    case Collect::vm_rss:
      return thread->vmrss_kb;
    case Collect::vm_swap:
      return thread->vmswap_kb;
    case Collect::euid:
      return thread->uid;
    case Collect::egid:
      return thread->gid;
    case Collect::loginuid:
      return thread->loginuid;
    case Collect::tty:
      return thread->tty;
    case Collect::cap_inheritable:
      return thread->cap_inheritable;
    case Collect::cap_permitted:
      return thread->cap_permitted;
    case Collect::cap_effective:
      return thread->cap_effective;
    case Collect::exe_ino:
      return thread->exe_ino;
    case Collect::exe_ctime:
      return thread->exe_ino_ctime_ns;
    case Collect::exe_mtime:
      return thread->exe_ino_mtime_ns;
    case Collect::exe_flags:
      return exe_flags(tracee, *thread);
    default:
      return 0;
  }
}

// The path of an open file. The mark of a deleted one is the link's, unless the file still has a
// name, which ends so.
std::string path_of(const gyr_tracee& tracee, const std::string& link) {
  constexpr std::string_view kDeleted = " (deleted)";
  auto path = tracee.files.read_link(link);
  if (!path) return {};
  const auto found = path->ends_with(kDeleted) ? look_at(link) : std::nullopt;
  if (found && found->stx_nlink == 0) path->resize(path->size() - kDeleted.size());
  return *std::move(path);
}

// Of the controllers of a thread those that the probe tells, in its order and by its names.
std::string usual_cgroups(std::string_view all) {
  std::string chosen;
  const auto add = [&](std::string_view controller, std::string_view name) {
    for (const std::string_view entry : split(all, '\0')) {
      if (!entry.starts_with(controller) || entry.substr(controller.size(), 1) != "=") continue;
      chosen.append(name).append(entry.substr(controller.size())).append(1, '\0');
      return true;
    }
    return false;
  };
  for (const std::string_view name : {"cpuset", "cpu", "cpuacct"}) add(name, name);
  if (!add("io", "io")) add("blkio", "io");
  add("memory", "memory");
  return chosen;
}

std::string text_of(gyr_tracee& tracee, Collect token, int64_t fd) {
  if (token == Collect::fd_path) return path_of(tracee, link_of(tracee, fd));
  if (token == Collect::exe_path) return path_of(tracee, fmt::format("/proc/{}/exe", tracee.tid));
  const SnapshotThread* thread = thread_of(tracee);
  if (!thread) return {};
  return token == Collect::comm ? thread->comm : usual_cgroups(thread->cgroups);
}

}  // namespace
}  // namespace gyr

extern "C" {

uint64_t gyr_answer(struct gyr_tracee* tracee, unsigned token, int64_t fd) {
  using gyr::Collect;
  switch (static_cast<Collect>(token)) {
    case Collect::tid:
      return static_cast<uint64_t>(tracee->tid);
    case Collect::pid:
      return static_cast<uint64_t>(tracee->pid);
    case Collect::exit_status:
      return tracee->hints.exit_code;
    case Collect::exit_code:
      return tracee->hints.exit_code >> 8 & 0xff;
    case Collect::exit_signal:
      return tracee->hints.exit_code & 0x7f;
    case Collect::exit_core:
      return (tracee->hints.exit_code & 0x80) != 0 ? 1 : 0;
    case Collect::exit_reaper:
      return static_cast<uint64_t>(tracee->hints.reaper);
    case Collect::clone_flags:
      return gyr::clone_marks(*tracee, fd);
    case Collect::clone3_flags:
      return tracee->hints.clone_flags;
    case Collect::pidns_start:
      return gyr::pid_namespace_start(*tracee);
    case Collect::fd_dev:
    case Collect::fd_ino:
    case Collect::open_flags:
      return gyr::file_number(*tracee, static_cast<Collect>(token), fd);
    case Collect::queue_pct:
    case Collect::queue_len:
    case Collect::queue_max:
      return gyr::queue_number(*tracee, static_cast<Collect>(token), fd);
    default:
      return gyr::thread_number(*tracee, static_cast<Collect>(token));
  }
}

uint32_t gyr_answer_text(struct gyr_tracee* tracee, unsigned token, int64_t fd, char* to,
                         uint32_t size) {
  const auto kind = static_cast<gyr::Collect>(token);
  const std::string text = gyr::text_of(*tracee, kind, fd);
  if (text.empty() || size == 0) return 0;
  const bool is_list = kind == gyr::Collect::cgroups;  // its texts have their NULs
  const auto length = std::min(static_cast<uint32_t>(text.size()), size - (is_list ? 0u : 1u));
  std::memcpy(to, text.data(), length);
  if (!is_list) to[length] = '\0';
  if (is_list && length > 0) to[length - 1] = '\0';
  return length + (is_list ? 0u : 1u);
}

void gyr_program_areas(struct gyr_tracee* tracee, uint64_t areas[4]) {
  constexpr size_t kArgStart = 48 - 3;
  const auto fields = gyr::stat_fields(tracee->files, tracee->tid);
  if (fields.size() < kArgStart + 4) return;
  for (size_t i = 0; i < 4; ++i) areas[i] = gyr::number(fields[kArgStart + i]);
}

}  // extern "C"
