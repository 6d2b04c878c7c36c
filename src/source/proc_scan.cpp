// SPDX-License-Identifier: Apache-2.0
#include "source/proc_scan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"
#include "source/proc_cgroups.h"
#include "source/proc_fds.h"
#include "source/proc_host.h"
#include "source/proc_process.h"
#include "state/thread.h"

namespace gyr {
namespace {

constexpr size_t kCommLimit = 15;
constexpr size_t kFileLimit = 64ul * 1024;

// The largest of its type for what does not fit (the virtual memory of some programs).
template <class T>
T number(std::string_view text, int base = 10) {
  text = trim(text);
  T value{};
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return end.ec == std::errc::result_out_of_range ? std::numeric_limits<T>::max() : value;
}

// Words separated by any blanks.
std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  size_t at = 0;
  while (true) {
    at = line.find_first_not_of(" \t\n", at);
    if (at == std::string_view::npos) return found;
    const size_t end = std::min(line.find_first_of(" \t\n", at), line.size());
    found.push_back(line.substr(at, end - at));
    at = end;
  }
}

// What every thread's reading needs.
struct Scan {
  const Files& files;
  CgroupPaths cgroups;
  SocketTables sockets;
  uint64_t boot_ts_ns;
  uint64_t ticks_per_second;

  explicit Scan(const Files& from)
      : files(from),
        cgroups(from),
        sockets(from),
        boot_ts_ns(boot_time_ns()),
        ticks_per_second(static_cast<uint64_t>(sysconf(_SC_CLK_TCK))) {}
};

bool read_status(const Files& files, const std::string& dir, SnapshotThread* thread) {
  const auto status = files.read(dir + "/status", kFileLimit);
  if (!status) return false;
  bool has_pid = false;
  for (const std::string_view line : split(*status, '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon);
    const auto value = words(line.substr(colon + 1));
    if (value.empty()) continue;
    if (key == "Tgid") {
      thread->pid = number<int64_t>(value[0]);
      has_pid = true;
    } else if (key == "PPid") {
      thread->ptid = number<int64_t>(value[0]);
    } else if (key == "Uid" && value.size() > 1) {
      thread->uid = number<uint32_t>(value[1]);  // effective
    } else if (key == "Gid" && value.size() > 1) {
      thread->gid = number<uint32_t>(value[1]);
    } else if (key == "CapInh") {
      thread->cap_inheritable = number<uint64_t>(value[0], 16);
    } else if (key == "CapPrm") {
      thread->cap_permitted = number<uint64_t>(value[0], 16);
    } else if (key == "CapEff") {
      thread->cap_effective = number<uint64_t>(value[0], 16);
    } else if (key == "VmSize") {
      thread->vmsize_kb = number<uint32_t>(value[0]);
    } else if (key == "VmRSS") {
      thread->vmrss_kb = number<uint32_t>(value[0]);
    } else if (key == "VmSwap") {
      thread->vmswap_kb = number<uint32_t>(value[0]);
    } else if (key == "NSpid") {
      thread->vtid = number<int64_t>(value.back());  // in the innermost namespace
    } else if (key == "NStgid") {
      thread->vpid = number<int64_t>(value.back());
    } else if (key == "NSpgid") {
      thread->pgid = number<int64_t>(value.front());
      thread->vpgid = number<int64_t>(value.back());
    }
  }
  return has_pid;
}

bool read_stat(const Scan& scan, const std::string& dir, SnapshotThread* thread) {
  const auto stat = scan.files.read(dir + "/stat", kFileLimit);
  if (!stat) return false;
  const size_t close = stat->rfind(')');  // the name before it may hold anything
  if (close == std::string::npos) return false;
  const auto field = words(std::string_view(*stat).substr(close + 1));
  if (field.size() < 20) return false;
  if (thread->pgid < 0) thread->pgid = number<int64_t>(field[2]);
  thread->sid = number<int64_t>(field[3]);
  thread->tty = number<uint32_t>(field[4]);
  thread->pfminor = number<uint64_t>(field[7]);
  thread->pfmajor = number<uint64_t>(field[9]);
  const uint64_t ticks = number<uint64_t>(field[19]);
  thread->clone_ts_ns =
      scan.boot_ts_ns + ticks * (1'000'000'000 / std::max<uint64_t>(scan.ticks_per_second, 1));
  return true;
}

int64_t descriptor_limit(const Files& files, const std::string& dir) {
  const auto text = files.read(dir + "/limits", kFileLimit);
  if (!text) return -1;
  constexpr std::string_view kKey = "Max open files";
  for (const std::string_view line : split(*text, '\n')) {
    if (!line.starts_with(kKey)) continue;
    const auto value = words(line.substr(kKey.size()));
    return value.empty() || value[0] == "unlimited" ? -1 : number<int64_t>(value[0]);
  }
  return -1;
}

// The whole of a group leader.
std::optional<SnapshotThread> read_leader(Scan& scan, int64_t pid) {
  const std::string dir = fmt::format("/proc/{}", pid);
  SnapshotThread thread;
  thread.tid = pid;
  if (!read_command(scan.files, dir, &thread)) return std::nullopt;
  if (!read_status(scan.files, dir, &thread) || !read_stat(scan, dir, &thread)) return std::nullopt;
  const auto comm = scan.files.read(dir + "/comm", kFileLimit);
  if (!comm) return std::nullopt;
  thread.comm = std::string(trim(*comm)).substr(0, kCommLimit);
  read_directory(scan.files, scan.boot_ts_ns, dir, &thread);
  read_root(scan.files, dir, &thread);
  const auto loginuid = scan.files.read(dir + "/loginuid", kFileLimit);
  thread.loginuid = loginuid ? number<uint32_t>(*loginuid) : kNoId;
  thread.fdlimit = descriptor_limit(scan.files, dir);
  thread.cgroups = scan.cgroups.of(dir);
  read_program(scan.files, dir, &thread);
  return thread;
}

// A thread that does not lead: what it shares with its leader is copied.
std::optional<SnapshotThread> read_follower(Scan& scan, const SnapshotThread& leader, int64_t tid) {
  const std::string dir = fmt::format("/proc/{}/task/{}", leader.pid, tid);
  SnapshotThread thread = leader;
  thread.tid = tid;
  thread.pgid = -1;
  thread.flags = kCloneThread | kCloneFiles;
  const auto comm = scan.files.read(dir + "/comm", kFileLimit);
  if (!comm || !read_status(scan.files, dir, &thread) || !read_stat(scan, dir, &thread)) {
    return std::nullopt;
  }
  thread.comm = std::string(trim(*comm)).substr(0, kCommLimit);
  thread.cgroups = scan.cgroups.of(dir);
  return thread;
}

std::vector<int64_t> numbers_in(const Files& files, const std::string& dir) {
  std::vector<int64_t> found;
  const auto names = files.list(dir);
  if (!names) return found;
  for (const std::string& name : *names) {
    if (!name.empty() &&
        std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      found.push_back(number<int64_t>(name));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void scan_process(Scan& scan, int64_t pid, Snapshot* snapshot) {
  const auto leader = read_leader(scan, pid);
  if (!leader) return;
  snapshot->threads.push_back(*leader);
  for (SnapshotFd& fd : read_fds(scan.files, scan.sockets, pid)) {
    snapshot->fds.push_back(std::move(fd));
  }
  snapshot->fd_tids.push_back(pid);
  for (const int64_t tid : numbers_in(scan.files, fmt::format("/proc/{}/task", pid))) {
    if (tid == pid) continue;
    if (auto thread = read_follower(scan, *leader, tid)) {
      snapshot->threads.push_back(std::move(*thread));
    }
  }
}

}  // namespace

std::vector<int64_t> list_processes(const Files& files) { return numbers_in(files, "/proc"); }

Result<Snapshot> scan_proc(const Files& files, const Users& users) {
  if (const auto names = files.list("/proc"); !names) {
    return Error{names.error().message + ": live capture reads the running processes there"};
  }
  const auto pids = list_processes(files);
  if (pids.empty()) {
    return Error{
        "/proc shows no processes: mount it (mount -t proc proc /proc), or the host's below "
        "HOST_ROOT"};
  }
  Scan scan(files);
  Snapshot snapshot = host_snapshot(files, users);
  for (const int64_t pid : pids) scan_process(scan, pid, &snapshot);
  return snapshot;
}

struct ThreadReader::Memory {
  Scan scan;
};

ThreadReader::ThreadReader(const Files& files) : memory_(new Memory{Scan(files)}) {}
ThreadReader::~ThreadReader() = default;

std::optional<SnapshotThread> ThreadReader::read(int64_t pid, int64_t tid) {
  auto leader = read_leader(memory_->scan, pid);
  if (!leader || tid == pid) return leader;
  return read_follower(memory_->scan, *leader, tid);
}

void ThreadReader::read_process(int64_t pid, Snapshot* to) { scan_process(memory_->scan, pid, to); }

std::optional<FoundThread> scan_thread(const Files& files, int64_t tid, size_t most_fds) {
  Scan scan(files);
  SnapshotThread probe;
  if (tid <= 0 || !read_status(files, fmt::format("/proc/{}", tid), &probe)) return std::nullopt;
  const auto leader = read_leader(scan, probe.pid);
  if (!leader) return std::nullopt;
  FoundThread found{*leader, {}};
  if (tid != probe.pid) {
    const auto follower = read_follower(scan, *leader, tid);
    if (!follower) return std::nullopt;
    found.thread = *follower;
  }
  found.fds = read_fds(files, scan.sockets, probe.pid, most_fds);
  return found;
}

}  // namespace gyr
