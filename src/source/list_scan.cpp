// SPDX-License-Identifier: Apache-2.0
#include "source/list_scan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "iter_shared.h"
//
#include "base/text.h"
#include "source/fd_facts.h"
#include "source/proc_cgroups.h"
#include "source/proc_host.h"
#include "source/proc_process.h"
#include "source/proc_scan.h"
#include "state/thread.h"

namespace gyr {
namespace {

constexpr uint64_t kNoLimit = ~uint64_t{0};

std::string folder_of(const gyr_task_record& task) {
  return task.tid == task.pid ? fmt::format("/proc/{}", task.pid)
                              : fmt::format("/proc/{}/task/{}", task.pid, task.tid);
}

std::string name_of(const gyr_task_record& task) {
  const std::string_view all(task.comm, sizeof task.comm);
  return std::string(trim(all.substr(0, all.find('\0'))));
}

// The order of the work, which makes the answers fit together:
//  0. Which processes /proc has. Some kernels list not all of them: a process that is not listed
//     later is read from /proc as a whole.
//  1. Threads and descriptors are listed. Nothing that comes to be later is told: the events that
//     have been gathering since before tell it.
//  2. /proc tells the rest of each process.
//  3. Threads are listed again. Whoever has the number of another now (by its start) is left out,
//     since /proc may have told of either; and what was read of the control groups of one thread is
//     true of all that were in the same ones if it has not left them meanwhile.
class ListScan {
 public:
  ListScan(HostLists& lists, const Files& files, const Users& users, LookCounters* counters)
      : lists_(lists),
        files_(files),
        counters_(*counters),
        snapshot_(host_snapshot(files, users)),
        cgroup_paths_(files),
        boot_ts_ns_(boot_time_ns()),
        ticks_per_second_(static_cast<uint64_t>(std::max(sysconf(_SC_CLK_TCK), 1L))),
        page_kib_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 1024) {}

  Result<Snapshot> run();

 private:
  struct Now {
    uint64_t start_ns, cgroups;
  };
  struct Groups {  // what /proc says of threads that share their control groups
    int32_t told_by;
    std::string text;
  };
  struct Asking {
    size_t fd;  // index of snapshot_.fds
    uint32_t mode;
    bool lacks_name;
  };

  Result<void> list_descriptors();
  void read_process(size_t first, size_t end);
  bool read_leader(const gyr_task_record& task, SnapshotThread* thread);
  void read_place(const gyr_task_record& task, const std::string& dir, SnapshotThread* thread);
  void set_numbers(const gyr_task_record& task, SnapshotThread* thread) const;
  void add(const gyr_task_record& task, SnapshotThread thread);
  Result<void> check_threads();
  void add_unlisted(const std::vector<int64_t>& in_proc);
  std::string groups_of(const gyr_task_record& task);
  bool ask(const Asking& what);
  void finish_descriptors();

  HostLists& lists_;
  const Files& files_;
  LookCounters& counters_;
  Snapshot snapshot_;
  CgroupPaths cgroup_paths_;
  const uint64_t boot_ts_ns_, ticks_per_second_, page_kib_;
  std::vector<gyr_task_record> tasks_;  // by process, each leader first
  std::vector<size_t> told_;            // which of them each thread of the snapshot is
  std::unordered_map<int32_t, Now> now_;
  std::unordered_map<uint64_t, Groups> groups_;
  std::vector<Asking> asking_;
  std::optional<SnapshotThread> at_our_root_;  // whose root directory is ours
};

Result<void> ListScan::list_descriptors() {
  return lists_.each_file([&](const gyr_file_record& record, std::string_view name) {
    ListedFd listed = describe(record, name);
    if (!listed.fd) return;
    if (listed.lacks_name || listed.lacks_numbers) {
      asking_.push_back({snapshot_.fds.size(), record.mode, listed.lacks_name});
    }
    snapshot_.fds.push_back(*std::move(listed.fd));
  });
}

void ListScan::set_numbers(const gyr_task_record& task, SnapshotThread* thread) const {
  const auto kib = [&](uint64_t pages) {
    constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
    return static_cast<uint32_t>(std::min(pages * page_kib_, kMost));
  };
  const uint64_t tick_ns = 1'000'000'000 / ticks_per_second_;
  thread->tid = task.tid;
  thread->pid = task.pid;
  thread->ptid = task.ptid;
  thread->pgid = task.pgid;
  thread->sid = task.sid;
  thread->vtid = task.vtid;
  thread->vpid = task.vpid;
  thread->vpgid = task.vpgid;
  thread->comm = name_of(task);
  thread->uid = task.uid;
  thread->gid = task.gid;
  thread->tty = task.tty;
  thread->cap_inheritable = task.cap_inheritable;
  thread->cap_permitted = task.cap_permitted;
  thread->cap_effective = task.cap_effective;
  thread->vmsize_kb = kib(task.total_pages);
  thread->vmrss_kb = kib(task.resident_pages);
  thread->vmswap_kb = kib(task.swapped_pages);
  thread->pfminor = task.min_flt;
  thread->pfmajor = task.maj_flt;
  // In ticks, as /proc tells it: it is compared with that.
  thread->clone_ts_ns = boot_ts_ns_ + task.start_ns / tick_ns * tick_ns;
}

// Processes that share our own root directory share what is known of it.
void ListScan::read_place(const gyr_task_record& task, const std::string& dir,
                          SnapshotThread* thread) {
  read_directory(files_, boot_ts_ns_, dir, thread);
  const bool at_our_root = task.has_root_of_reader != 0;
  if (at_our_root && at_our_root_) {
    thread->root = at_our_root_->root;
    thread->pidns_init_start_ts_ns = at_our_root_->pidns_init_start_ts_ns;
    return;
  }
  read_root(files_, dir, thread);
  if (at_our_root && !thread->root.empty()) at_our_root_ = *thread;
}

bool ListScan::read_leader(const gyr_task_record& task, SnapshotThread* thread) {
  const std::string dir = folder_of(task);
  if (task.has_memory == 0 || !read_command(files_, dir, thread)) return false;
  set_numbers(task, thread);
  thread->loginuid = task.loginuid;
  thread->fdlimit =
      task.descriptor_limit == kNoLimit ? -1 : static_cast<int64_t>(task.descriptor_limit);
  read_place(task, dir, thread);
  read_program(files_, dir, thread);
  return true;
}

void ListScan::add(const gyr_task_record& task, SnapshotThread thread) {
  if (!groups_.contains(task.cgroups)) {
    groups_[task.cgroups] = {task.tid, cgroup_paths_.of(folder_of(task))};
  }
  told_.push_back(static_cast<size_t>(&task - tasks_.data()));
  snapshot_.threads.push_back(std::move(thread));
}

// The threads of one process are from `first` to `end`.
void ListScan::read_process(size_t first, size_t end) {
  const gyr_task_record& leader = tasks_[first];
  SnapshotThread thread;
  if (leader.tid != leader.pid || !read_leader(leader, &thread)) {
    counters_.tasks_lost += leader.has_memory != 0 ? end - first : 0;  // else nobody would tell it
    return;
  }
  SnapshotThread of_process = thread;
  thread.pfminor += leader.min_flt_ended;
  thread.pfmajor += leader.maj_flt_ended;
  for (size_t i = first + 1; i < end; ++i) {
    thread.pfminor += tasks_[i].min_flt;
    thread.pfmajor += tasks_[i].maj_flt;
  }
  snapshot_.fd_tids.push_back(thread.tid);
  add(leader, std::move(thread));
  for (size_t i = first + 1; i < end; ++i) {
    SnapshotThread follower = of_process;  // what it shares with its leader
    set_numbers(tasks_[i], &follower);
    follower.flags = kCloneThread | kCloneFiles;
    add(tasks_[i], std::move(follower));
  }
}

std::string ListScan::groups_of(const gyr_task_record& task) {
  const Groups& shared = groups_.at(task.cgroups);
  const auto teller = now_.find(shared.told_by);
  const bool stayed = teller != now_.end() && teller->second.cgroups == task.cgroups;
  return stayed ? shared.text : cgroup_paths_.of(folder_of(task));
}

Result<void> ListScan::check_threads() {
  auto listed = lists_.each_task([&](const gyr_task_record& task) {
    now_[task.tid] = {task.start_ns, task.cgroups};
  });
  if (!listed) return listed;
  const auto is_replaced = [&](int32_t tid, uint64_t start_ns) {
    const auto found = now_.find(tid);
    return found != now_.end() && found->second.start_ns != start_ns;
  };
  size_t kept = 0;
  std::unordered_map<int64_t, bool> replaced;  // by process
  for (size_t i = 0; i < told_.size(); ++i) {
    const gyr_task_record& task = tasks_[told_[i]];
    bool& process = replaced[task.pid];
    const bool own = is_replaced(task.tid, task.start_ns);
    process = process || (own && task.tid == task.pid);
    if (own || process) {
      ++counters_.tasks_lost;
      continue;
    }
    SnapshotThread& thread = snapshot_.threads[i];
    thread.cgroups = groups_of(task);
    if (kept != i) snapshot_.threads[kept] = std::move(thread);
    ++kept;
  }
  snapshot_.threads.resize(kept);
  counters_.tasks += kept;
  std::erase_if(snapshot_.fd_tids, [&](int64_t pid) { return replaced[pid]; });
  return {};
}

// False: it is gone.
bool ListScan::ask(const Asking& what) {
  SnapshotFd& fd = snapshot_.fds[what.fd];
  const std::string path = fmt::format("/proc/{}/fd/{}", fd.tid, fd.fd);
  const auto stat = files_.stat(path, true);
  ++counters_.files_asked;
  if (stat) {
    fd.ino = stat->inode;
    if (fd.kind != FdKind::Fifo && fd.dev != 0) fd.dev = portable_device(stat->device);
  }
  if (!what.lacks_name) return true;
  const auto link = files_.read_link(path);
  if (!link || !stat) return false;
  set_file_kind(stat->mode, *link, &fd);
  return true;
}

void ListScan::finish_descriptors() {
  std::vector<bool> lost(snapshot_.fds.size());
  std::unordered_map<int64_t, bool> told;
  for (const int64_t pid : snapshot_.fd_tids) told[pid] = true;
  for (const Asking& what : asking_) {
    if (told.contains(snapshot_.fds[what.fd].tid)) lost[what.fd] = !ask(what);
  }
  size_t kept = 0;
  for (size_t i = 0; i < snapshot_.fds.size(); ++i) {
    SnapshotFd& fd = snapshot_.fds[i];
    lost[i] = lost[i] || !told.contains(fd.tid);
    auto& counts = lost[i] ? counters_.files_lost : counters_.files;
    ++counts[static_cast<size_t>(class_of(fd.kind))];
    if (lost[i]) continue;
    if (kept != i) snapshot_.fds[kept] = std::move(fd);
    ++kept;
  }
  snapshot_.fds.resize(kept);
}

// Those that have ended since are in neither.
void ListScan::add_unlisted(const std::vector<int64_t>& in_proc) {
  std::unordered_set<int64_t> listed;
  for (const gyr_task_record& task : tasks_) listed.insert(task.pid);
  std::optional<ThreadReader> reader;
  const size_t before = snapshot_.threads.size();
  for (const int64_t pid : in_proc) {
    if (listed.contains(pid)) continue;
    if (!reader) reader.emplace(files_);
    reader->read_process(pid, &snapshot_);
  }
  counters_.tasks_unlisted += snapshot_.threads.size() - before;
}

Result<Snapshot> ListScan::run() {
  const std::vector<int64_t> in_proc = list_processes(files_);
  if (auto listed = lists_.each_task([&](const auto& task) { tasks_.push_back(task); }); !listed) {
    return listed.error();
  }
  if (auto listed = list_descriptors(); !listed) return listed.error();
  std::sort(tasks_.begin(), tasks_.end(), [](const gyr_task_record& a, const gyr_task_record& b) {
    return std::tuple(a.pid, a.tid != a.pid, a.tid) < std::tuple(b.pid, b.tid != b.pid, b.tid);
  });
  for (size_t first = 0, end = 0; first < tasks_.size(); first = end) {
    while (end < tasks_.size() && tasks_[end].pid == tasks_[first].pid) ++end;
    read_process(first, end);
  }
  if (auto checked = check_threads(); !checked) return checked.error();
  finish_descriptors();
  add_unlisted(in_proc);
  std::sort(snapshot_.fds.begin(), snapshot_.fds.end(),
            [](const SnapshotFd& a, const SnapshotFd& b) {
              return std::tie(a.tid, a.fd) < std::tie(b.tid, b.fd);
            });
  return std::move(snapshot_);
}

}  // namespace

Result<Snapshot> scan_lists(HostLists& lists, const Files& files, const Users& users,
                            LookCounters* counters) {
  return ListScan(lists, files, users, counters).run();
}

}  // namespace gyr
