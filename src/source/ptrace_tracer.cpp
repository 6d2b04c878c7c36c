// SPDX-License-Identifier: Apache-2.0
// The loop: waits, takes stops apart, resumes. What each stop means is in ptrace_stops.cpp.
#include "source/ptrace_tracer.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>
#include <csignal>
#include <set>

namespace gyr {
namespace {

constexpr auto kSettleMost = std::chrono::seconds(2);
constexpr auto kSettlePause = std::chrono::milliseconds(10);
constexpr int kSyscallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD

int event_of(int status) { return status >> 16; }

bool is_job_control(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool is_signal_delivery(int status) {
  return event_of(status) == 0 && WSTOPSIG(status) != kSyscallStop;
}

void let_go(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) return;
  ptrace(PTRACE_DETACH, tid, 0, is_signal_delivery(status) ? WSTOPSIG(status) : 0);
}

void let_die(pid_t tid, int status) {
  if (WIFSTOPPED(status)) ptrace(PTRACE_CONT, tid, 0, 0);
}

}  // namespace

Tracer::~Tracer() = default;

int Tracer::start_following(pid_t tid, bool ends_with_us) {
  unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                          PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT;
  if (mode_ == TraceMode::Filtered) options |= PTRACE_O_TRACESECCOMP;
  if (ends_with_us) options |= PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, tid, 0, options) != 0) return errno;
  Thread& thread = threads_[tid];
  thread.who.tid = tid;
  thread.who.pid = group_of(files_, tid);
  // Calls stop only for a thread that was resumed so.
  if (mode_ == TraceMode::All) ptrace(PTRACE_INTERRUPT, tid, 0, 0);
  return 0;
}

void Tracer::watch_all_calls() {
  if (mode_ == TraceMode::All) return;
  mode_ = TraceMode::All;
  for (const auto& [tid, thread] : threads_) ptrace(PTRACE_INTERRUPT, tid, 0, 0);
}

// All that has stopped is taken before any of it is dealt with: a thread that stops again and again
// cannot hide the others.
void Tracer::collect() {
  for (;;) {
    int status = 0;
    const pid_t tid = waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG);
    if (tid < 0 && errno == EINTR) continue;
    if (tid < 0) {  // ECHILD: whatever we think to follow is gone
      threads_.clear();
      makers_.clear();
    }
    if (tid <= 0) return;
    stops_.push_back({tid, status});
  }
}

bool Tracer::step() {
  if (stops_.empty()) collect();
  if (stops_.empty()) return false;
  const Stop stop = stops_.front();
  stops_.pop_front();
  if (WIFSTOPPED(stop.status)) {
    stopped(stop.tid, stop.status);
  } else {
    gone(stop.tid, stop.status);
  }
  return true;
}

void Tracer::wait(std::chrono::milliseconds most) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
  sigtimedwait(&children, nullptr, &time);
}

Tracer::Thread* Tracer::thread_at(pid_t tid) {
  if (const auto found = threads_.find(tid); found != threads_.end()) return &found->second;
  if (threads_.size() >= kThreadsMax) return nullptr;
  Thread& thread = threads_[tid];
  thread.who.tid = tid;
  thread.who.pid = group_of(files_, tid);
  thread.is_born = true;
  return &thread;
}

// Waiting for the end of a call, or of all calls, costs a stop more.
void Tracer::resume(pid_t tid, const Thread& thread, int signal) const {
  const bool to_call = mode_ == TraceMode::All || thread.in_call;
  // An error means that the thread has been killed; its end is still reported.
  ptrace(to_call ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0, signal);
}

void Tracer::stopped(pid_t tid, int status) {
  const int event = event_of(status);
  const int signal = WSTOPSIG(status);
  Thread* thread = thread_at(tid);
  if (!thread) {
    ++not_followed_;
    makers_.erase(tid);
    ptrace(PTRACE_CONT, tid, 0, is_signal_delivery(status) ? signal : 0);
    return;
  }
  if (thread->is_new) {
    thread->is_new = false;
    if (thread->is_born && event == PTRACE_EVENT_STOP) on_birth(thread);
  }
  if (event == PTRACE_EVENT_STOP && is_job_control(signal)) {
    ptrace(PTRACE_LISTEN, tid, 0, 0);  // it stays stopped until SIGCONT, as without us
  } else if (is_signal_delivery(status)) {
    on_signal(*thread, signal);
    resume(tid, *thread, signal);
  } else if (event == 0) {
    on_syscall(thread);
    resume(tid, *thread);
  } else {
    on_event(tid, thread, event);
    resume(tid, *thread);
  }
}

void Tracer::on_event(pid_t tid, Thread* thread, int event) {
  switch (event) {
    case PTRACE_EVENT_SECCOMP:
      return on_syscall(thread);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return on_new_thread(tid);
    case PTRACE_EVENT_EXEC:
      return on_exec(thread);
    case PTRACE_EVENT_EXIT:
      return on_ending(thread);
    default:
      return;
  }
}

void Tracer::settle(void (*answer)(pid_t tid, int status)) {
  const auto until = std::chrono::steady_clock::now() + kSettleMost;
  for (const Stop& stop : stops_) answer(stop.tid, stop.status);
  stops_.clear();
  while (!threads_.empty() && std::chrono::steady_clock::now() < until) {
    collect();
    if (stops_.empty()) wait(kSettlePause);
    for (const Stop& stop : stops_) {
      answer(stop.tid, stop.status);
      if (answer == let_go || !WIFSTOPPED(stop.status)) threads_.erase(stop.tid);
    }
    stops_.clear();
  }
  threads_.clear();
  makers_.clear();
}

void Tracer::detach_all() {
  for (const auto& [tid, thread] : threads_) ptrace(PTRACE_INTERRUPT, tid, 0, 0);
  settle(let_go);
}

void Tracer::signal_all(int signal) {
  std::set<int64_t> processes;
  for (const auto& [tid, thread] : threads_) processes.insert(thread.who.pid);
  for (const int64_t pid : processes) kill(static_cast<pid_t>(pid), signal);
}

void Tracer::kill_all() {
  signal_all(SIGKILL);
  settle(let_die);
}

}  // namespace gyr
