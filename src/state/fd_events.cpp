// SPDX-License-Identifier: Apache-2.0
// Descriptors that are closed, copied, or name something else than files and sockets
// (state-engine 4.6).
#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "state/core.h"

namespace gyr {
namespace {

constexpr uint32_t kCloseRangeUnshare = 2;
constexpr uint32_t kCloseRangeCloexec = 4;
constexpr uint32_t kFcntlDupFd = 1;
constexpr uint32_t kFcntlSetFd = 3;
constexpr uint32_t kFcntlDupFdCloexec = 26;
constexpr uint64_t kFdCloexec = 1;  // argument of F_SETFD

void set_cloexec(FdInfo& info, bool on) {
  info.open_flags &= ~kOpenCloexec;
  if (info.kind == FdKind::EventPoll || info.kind == FdKind::MemFd) info.open_flags &= ~1u;
  if (on) info.open_flags |= kOpenCloexec;
}

// What was open at the number is not any more; what is now, nobody knows: better no name than the
// old one. Captures of others lack calls that open descriptors, and the reference keeps the name.
void forget_fd(StateCore& core, int64_t number) {
  if (!core.of_our_own) return;
  if (core.fds(*core.thread).remove(number)) ++core.counts.fds_removed;
}

// The event's descriptor again at another number, which becomes the event's descriptor.
void copy_fd(StateCore& core, int64_t to, bool cloexec) {
  if (core.now.fd == nullptr) return forget_fd(core, to);
  FdInfo copy = *core.now.fd;  // its place may be the one that is replaced
  FdInfo* info = core.add_fd(to, copy.kind);
  if (info == nullptr) return;
  copy.refs = info->refs;
  copy.added_us = info->added_us;
  *info = std::move(copy);
  set_cloexec(*info, cloexec);
}

// Descriptors without a name: which kind, and the parameter with their flags.
struct Anonymous {
  Ev type;
  FdKind kind;
  int8_t flags;
};
constexpr std::array kAnonymous = {
    Anonymous{Ev::EVENTFD_X, FdKind::Event, -1},
    Anonymous{Ev::EVENTFD2_X, FdKind::Event, 1},
    Anonymous{Ev::SIGNALFD_X, FdKind::SignalFd, -1},
    Anonymous{Ev::SIGNALFD4_X, FdKind::SignalFd, 1},
    Anonymous{Ev::TIMERFD_CREATE_X, FdKind::TimerFd, 2},
    Anonymous{Ev::INOTIFY_INIT_X, FdKind::Inotify, -1},
    Anonymous{Ev::INOTIFY_INIT1_X, FdKind::Inotify, 1},
    Anonymous{Ev::BPF_2_X, FdKind::Bpf, -1},
    Anonymous{Ev::USERFAULTFD_X, FdKind::UserFaultFd, 1},
    Anonymous{Ev::IO_URING_SETUP_X, FdKind::IoUring, -1},
    Anonymous{Ev::EPOLL_CREATE_X, FdKind::EventPoll, -1},
    Anonymous{Ev::EPOLL_CREATE1_X, FdKind::EventPoll, 1},
};

// A flags parameter of whatever width.
uint32_t flags_param(const EventView& event, size_t index) {
  const Bytes bytes = event.param(index);
  switch (bytes.size()) {
    case 1:
      return bytes[0];
    case 2:
      return load<uint16_t>(bytes.data());
    default:
      return event.get<uint32_t>(index);
  }
}

// The number was in use again when the close ended. If what is known of it came after the thread's
// last event, it came during the call: it is not what was closed. Else the close ends it as always,
// and what took its place is told by an event still to come, or looked up when it is used.
bool is_another(const StateCore& core, const EventView& event) {
  constexpr uint64_t kKnownForNs = UINT32_MAX * uint64_t{1000};  // then low bits come again
  const uint64_t last_ns = core.thread->last_event_ts_ns;
  const uint32_t added_us = core.now.fd->added_us;
  if (added_us == 0 || event.ts_ns() - last_ns >= kKnownForNs) return false;
  const uint32_t now_us = low_us(event.ts_ns());
  return now_us - added_us < now_us - low_us(last_ns);
}

}  // namespace

void on_close(StateCore& core, const EventView& event) {
  if (core.now.fd == nullptr) return;
  if (event.number_reused() && is_another(core, event)) {
    core.now.fd = nullptr;  // the event is not about that one
    return;
  }
  core.closed_tid = core.thread->tid;
  core.closed_fd = core.thread->last_fd;
}

void on_close_range(StateCore& core, const EventView& event) {
  const int64_t first = event.get<uint32_t>(1);
  const int64_t last = event.get<uint32_t>(2);
  if ((event.get<uint32_t>(3) & kCloseRangeUnshare) != 0) core.unshare_fds(*core.thread);
  FdTable& table = core.fds(*core.thread);
  const bool only_at_exec = (event.get<uint32_t>(3) & kCloseRangeCloexec) != 0;
  std::vector<int64_t> numbers;
  table.for_each_between(first, last, [&](int64_t fd, const FdInfo&) { numbers.push_back(fd); });
  for (const int64_t fd : numbers) {
    if (!only_at_exec) {
      if (table.remove(fd)) ++core.counts.fds_removed;
    } else if (FdInfo* info = table.edit(fd)) {  // null: the first copy left it out
      info->open_flags |= kOpenCloexec;
    }
  }
}

void on_dup(StateCore& core, const EventView& event) {
  const int64_t result = event.result();
  if (result == 0) core.thread->flags |= kPipeDest;
  if (result == 1) core.thread->flags |= kPipeSource;
  // dup2() of a descriptor to itself changes nothing: it still goes at an exec.
  if (event.type() == Ev::DUP2_X && result == event.get<int64_t>(1, -1)) return;
  const uint32_t flags = event.type() == Ev::DUP3_X ? event.get<uint32_t>(3) : 0;
  copy_fd(core, result, (flags & kOpenCloexec) != 0);
}

void on_fcntl(StateCore& core, const EventView& event) {
  const uint32_t command = flags_param(event, 2);
  if (command == kFcntlDupFd || command == kFcntlDupFdCloexec) {
    copy_fd(core, event.result(), command == kFcntlDupFdCloexec);
  } else if (command == kFcntlSetFd && core.now.fd != nullptr) {
    set_cloexec(core.edit_fd(), (event.get<uint64_t>(3) & kFdCloexec) != 0);
  }
}

void on_pipe(StateCore& core, const EventView& event) {
  const uint32_t flags = event.type() == Ev::PIPE2_X ? event.get<uint32_t>(4) : 0;
  for (const size_t end : {size_t{1}, size_t{2}}) {
    FdInfo* info = core.add_fd(event.get<int64_t>(end, -1), FdKind::Fifo);
    if (info == nullptr) continue;
    info->ino = event.get<uint64_t>(3);
    info->open_flags = flags;
  }
}

void on_anonymous_fd(StateCore& core, const EventView& event) {
  for (const Anonymous& row : kAnonymous) {
    if (row.type != event.type()) continue;
    FdInfo* info = core.add_fd(event.result(), row.kind);
    if (info == nullptr || row.flags < 0) return;
    info->open_flags = flags_param(event, static_cast<size_t>(row.flags));
    if (row.type == Ev::EPOLL_CREATE1_X && (info->open_flags & 1) != 0) {
      info->open_flags = kOpenCloexec;
    }
    return;
  }
}

void on_memfd_create(StateCore& core, const EventView& event) {
  FdInfo* info = core.add_fd(event.result(), FdKind::MemFd);
  if (info == nullptr) return;
  info->name = core.intern(event.text(1));
  info->name_raw = info->name;
  info->open_flags = event.get<uint32_t>(2);
}

void on_pidfd_open(StateCore& core, const EventView& event) {
  const auto pid = event.get<int64_t>(1, -1);
  FdInfo* info = core.add_fd(event.result(), FdKind::PidFd);
  if (info == nullptr) return;
  info->name = core.intern(fmt::format("{}/proc/{}", core.settings.host_root, pid));
  info->pid = pid;
  info->open_flags = event.get<uint32_t>(2) | kOpenCloexec;  // the kernel's own doing
}

void on_pidfd_getfd(StateCore& core, const EventView& event) {
  const FdInfo* pidfd = core.fds(*core.thread).find(event.get<int64_t>(1, -1));
  const bool known = pidfd != nullptr && pidfd->kind == FdKind::PidFd;
  // In a pid namespace the number is another process's.
  const bool elsewhere = core.of_our_own && core.thread->in_pid_namespace();
  Thread* target = known && !elsewhere ? core.threads.find(pidfd->pid) : nullptr;
  if (target == nullptr) return forget_fd(core, event.result());
  core.keep_old_name();
  core.now.fd = core.fds(*target).find(event.get<int64_t>(2, -1));
  copy_fd(core, event.result(), true);
}

}  // namespace gyr
