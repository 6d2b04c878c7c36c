// SPDX-License-Identifier: Apache-2.0
// What a stop tells about a thread (Tracer of ptrace_tracer.h).
#include <fmt/format.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>

#include "base/text.h"
#include "source/ptrace_tracer.h"

namespace gyr {
namespace {

constexpr size_t kFileLimit = 64ul * 1024;
constexpr uint64_t kCloneParent = 0x8000, kCloneThread = 0x10000, kCloneUntraced = 0x800000;

// What file systems stamp files with.
uint64_t coarse_time_ns() { return clock_ns(CLOCK_REALTIME_COARSE); }

unsigned long message_of(pid_t tid) {
  unsigned long message = 0;
  ptrace(PTRACE_GETEVENTMSG, tid, 0, &message);
  return message;
}

pid_t to_pid(int64_t number) { return static_cast<pid_t>(number); }

bool info_of(int64_t tid, __ptrace_syscall_info* info) {
  return ptrace(PTRACE_GET_SYSCALL_INFO, to_pid(tid), sizeof(*info), info) > 0;
}

bool is_compat(const __ptrace_syscall_info& info) { return info.arch == AUDIT_ARCH_I386; }

bool is(const gyr_calls& calls, const TracedCall& call, Sc sc) {
  return call.nr < GYR_CALLS &&
         calls.calls[call.compat ? 1 : 0][call.nr].sc == static_cast<uint16_t>(sc);
}

// Flags of the call that makes a thread; 0 of fork and vfork.
uint64_t clone_flags(const gyr_calls& calls, const TracedCall& call, int64_t tid) {
  if (is(calls, call, Sc::CLONE)) return call.args[0];
  uint64_t flags = 0;
  if (is(calls, call, Sc::CLONE3)) read_memory(tid, call.args[0], &flags, sizeof(flags));
  return flags;
}

// A thread made untraced would escape. The flag is for the kernel's own threads; it is taken away
// for the time of the call.
bool set_clone_flags(const gyr_calls& calls, const TracedCall& call, int64_t tid, uint64_t flags) {
  if (is(calls, call, Sc::CLONE)) {
    const size_t at =
        call.compat ? offsetof(user_regs_struct, rbx) : offsetof(user_regs_struct, rdi);
    return ptrace(PTRACE_POKEUSER, to_pid(tid), at, flags) == 0;
  }
  iovec local{.iov_base = &flags, .iov_len = sizeof(flags)};
  iovec remote{.iov_base = reinterpret_cast<void*>(call.args[0]),  // NOLINT: another's memory
               .iov_len = sizeof(flags)};
  return process_vm_writev(to_pid(tid), &local, 1, &remote, 1, 0) == sizeof(flags);
}

TracedCall call_in_registers(const user_regs_struct& regs, bool compat) {
  TracedCall call{.nr = static_cast<uint32_t>(regs.orig_rax), .compat = compat};
  if (compat) {
    const uint64_t from[] = {regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp};
    for (size_t i = 0; i < call.args.size(); ++i) call.args[i] = from[i] & 0xffffffff;
  } else {
    call.args = {regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9};
  }
  return call;
}

int64_t number_in(std::string_view text) {
  text = trim(text);
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int64_t status_number(const Files& files, int64_t tid, std::string_view key) {
  const auto status = files.read(fmt::format("/proc/{}/status", tid), kFileLimit);
  if (!status) return -1;
  for (const std::string_view line : split(*status, '\n')) {
    if (line.starts_with(key)) return number_in(line.substr(key.size()));
  }
  return -1;
}

bool is_ignored(const Files& files, int64_t tid, int signal) {
  const auto status = files.read(fmt::format("/proc/{}/status", tid), kFileLimit);
  if (!status) return false;
  const auto has = [&](std::string_view key) {
    const size_t at = status->find(key);
    if (at == std::string::npos) return false;
    const std::string_view text = trim(std::string_view(*status).substr(at + key.size(), 17));
    uint64_t mask = 0;
    std::from_chars(text.data(), text.data() + text.size(), mask, 16);
    return (mask >> (signal - 1) & 1) != 0;
  };
  const bool unless_caught =
      signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
  return has("\nSigIgn:") || (unless_caught && !has("\nSigCgt:"));
}

// Of the thread alone, as the kernel keeps them; 0: it has none.
int64_t first_child(const Files& files, const TracedThread& thread) {
  const auto children =
      files.read(fmt::format("/proc/{}/task/{}/children", thread.pid, thread.tid), kFileLimit);
  return children && !children->empty() ? number_in(*children) : 0;
}

}  // namespace

bool makes_threads(const gyr_call& call) {
  return call.sc == static_cast<uint16_t>(Sc::CLONE) ||
         call.sc == static_cast<uint16_t>(Sc::CLONE3);
}

int64_t group_of(const Files& files, int64_t tid) {
  const int64_t pid = status_number(files, tid, "Tgid:");
  return pid > 0 ? pid : tid;
}

// With the thread that made it, as long as that one lives.
TracedThread Tracer::whom(const Thread& thread) const {
  TracedThread who = thread.who;
  if (who.parent_tid < 0) return who;
  const auto parent = threads_.find(to_pid(who.parent_tid));
  if (parent == threads_.end() || parent->second.ended) who.parent_tid = -1;
  return who;
}

// A new thread stops at the end of the call that made it, before it has done anything.
void Tracer::on_birth(Thread* thread) {
  user_regs_struct regs{};
  __ptrace_syscall_info info{};
  if (ptrace(PTRACE_GETREGS, to_pid(thread->who.tid), 0, &regs) != 0) return;
  if (!info_of(thread->who.tid, &info)) return;
  const TracedCall call = call_in_registers(regs, is_compat(info));
  // As long as its maker has not told of it, that one has not returned from the call either, and
  // the arguments are where they were.
  const auto maker = makers_.find(to_pid(thread->who.tid));
  const uint64_t flags = maker != makers_.end()
                             ? maker->second.flags
                             : clone_flags(records_.calls(), call, thread->who.tid);
  if (maker != makers_.end()) {
    // A sibling, as threads of one process are, has its maker's parent.
    const auto found = threads_.find(maker->second.tid);
    const bool sibling = (flags & (kCloneParent | kCloneThread)) != 0;
    if (!sibling) thread->who.parent_tid = maker->second.tid;
    if (sibling && found != threads_.end()) {
      thread->who.parent_tid = found->second.who.parent_tid;
    }
    makers_.erase(maker);
  }
  if (!records_.wants(call)) return;
  TracedThread who = whom(*thread);
  who.clone_flags = flags;
  records_.call_ended(who, call, 0);
}

void Tracer::on_new_thread(pid_t maker) {
  const auto tid = static_cast<pid_t>(message_of(maker));
  const auto found = threads_.find(maker);
  if (tid <= 0 || threads_.contains(tid) || found == threads_.end()) return;
  makers_[tid] = {maker, clone_flags(records_.calls(), found->second.call, maker)};
}

// Where a call begins (a stop of its own, or one of the filter) and where it ends.
void Tracer::on_syscall(Thread* thread) {
  __ptrace_syscall_info info{};
  if (!info_of(thread->who.tid, &info)) return;  // killed meanwhile
  TracedCall& call = thread->call;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    if (!thread->in_call) return;
    thread->in_call = false;
    if (thread->flags_changed) {
      const uint64_t flags = clone_flags(records_.calls(), call, thread->who.tid);
      set_clone_flags(records_.calls(), call, thread->who.tid, flags | kCloneUntraced);
      thread->flags_changed = false;
    }
    records_.call_ended(whom(*thread), call, info.exit.rval);
    return;
  }
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY && info.op != PTRACE_SYSCALL_INFO_SECCOMP) return;
  if (thread->in_call && info.op == PTRACE_SYSCALL_INFO_SECCOMP) return;  // the entry came before
  // Both forms begin alike: the number, then the arguments.
  call = {.nr = static_cast<uint32_t>(info.entry.nr), .compat = is_compat(info)};
  std::copy(std::begin(info.entry.args), std::end(info.entry.args), call.args.begin());
  call.entered_ns = coarse_time_ns();
  thread->in_call = records_.wants(call);
  const uint64_t flags = clone_flags(records_.calls(), call, thread->who.tid);
  if ((flags & kCloneUntraced) == 0) return;
  thread->flags_changed =
      set_clone_flags(records_.calls(), call, thread->who.tid, flags & ~kCloneUntraced);
  thread->in_call = true;
}

// Signals that are ignored reach a tracer, but nobody else.
void Tracer::on_signal(const Thread& thread, int signal) {
  if (!records_.wants_signals() || is_ignored(files_, thread.who.tid, signal)) return;
  siginfo_t info{};
  if (ptrace(PTRACE_GETSIGINFO, to_pid(thread.who.tid), 0, &info) != 0) return;
  const bool of_child = signal == SIGCHLD && info.si_code > 0;
  const bool sent = info.si_code == SI_USER || info.si_code == SI_QUEUE ||
                    info.si_code == SI_MESGQ || info.si_code == SI_TKILL;
  records_.signal_delivered(whom(thread), signal, of_child || sent ? info.si_pid : 0);
}

// The thread that runs a program becomes the leader of its process, whoever that was before; all
// other threads have ended.
void Tracer::on_exec(Thread* thread) {
  const int64_t tid = thread->who.tid;
  const auto before = static_cast<pid_t>(message_of(to_pid(tid)));
  if (const auto found = threads_.find(before); before != tid && found != threads_.end()) {
    thread->in_call = found->second.in_call;
    thread->call = found->second.call;
    threads_.erase(found);
  }
  thread->ended = false;
  thread->exit_code.reset();
  if (tid == remembered_) remembered_started_ = true;
  __ptrace_syscall_info info{};
  records_.program_started(whom(*thread), info_of(tid, &info) && is_compat(info));
}

// Another thread of the process that lives on, else 0.
int64_t Tracer::heir_in_group(const Thread& thread) const {
  const auto names = files_.list(fmt::format("/proc/{}/task", thread.who.pid));
  if (!names) return 0;
  int64_t heir = 0;
  for (const std::string& name : *names) {
    const int64_t tid = number_in(name);
    if (tid <= 0 || tid == thread.who.tid || (heir != 0 && tid > heir)) continue;
    const auto found = threads_.find(to_pid(tid));
    if (found != threads_.end() && !found->second.ended) heir = tid;
  }
  return heir;
}

void Tracer::tell_end(Thread* thread, uint32_t code, int64_t reaper) {
  thread->ended = true;
  thread->exit_code.reset();
  records_.thread_ended(whom(*thread), code, reaper);
}

// The kernel finds the heir of its children after this stop. Unless a thread of the same process
// inherits, the answer is read from one of them when the end is complete.
void Tracer::on_ending(Thread* thread) {
  thread->in_call = false;
  if (thread->ended) return;
  const auto code = static_cast<uint32_t>(message_of(to_pid(thread->who.tid)));
  thread->child = records_.wants_ends() ? first_child(files_, thread->who) : 0;
  if (thread->child == 0) return tell_end(thread, code, 0);
  if (const int64_t heir = heir_in_group(*thread)) return tell_end(thread, code, heir);
  thread->ended = true;
  thread->exit_code = code;
}

void Tracer::gone(pid_t tid, int status) {
  makers_.erase(tid);
  if (tid == remembered_) remembered_status_ = status;
  const auto found = threads_.find(tid);
  if (found == threads_.end()) return;
  Thread& thread = found->second;
  if (thread.exit_code) {
    const int64_t reaper = status_number(files_, thread.child, "PPid:");
    tell_end(&thread, *thread.exit_code, std::max<int64_t>(reaper, 0));
  } else if (!thread.ended) {
    tell_end(&thread, static_cast<uint32_t>(status) & 0xffff, 0);
  }
  threads_.erase(found);
}

}  // namespace gyr
