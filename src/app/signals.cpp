// SPDX-License-Identifier: Apache-2.0
#include "app/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <utility>

#include "base/sandbox.h"
#include "base/thread.h"

namespace gyr::app {
namespace {

constexpr int kStatusOfSecondSignal = 1;

// A closed one is there no more.
bool can_open_terminal() {
  const int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  close(fd);
  return true;
}

// nohup: the program shall outlive its terminal.
bool is_hangup_ignored() {
  struct sigaction action {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWatcher::SignalWatcher()
    : hangup_ignored_(is_hangup_ignored()), has_terminal_(can_open_terminal()) {
  sigemptyset(&watched_);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) sigaddset(&watched_, number);
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  // Whoever waits for children (source/ptrace.h) waits for their signal too.
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &children, nullptr);
  auto thread = start_thread([this] { watch(); });
  if (!thread) {
    started_ = Error{"signals cannot be waited for: " + thread.error().message};
    return;
  }
  thread_ = *std::move(thread);
}

SignalWatcher::~SignalWatcher() {
  done_ = true;
  if (thread_.joinable()) {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalWatcher::end_signal() const {
  if (!stop_) return std::nullopt;
  return end_signal_.load();
}

std::function<bool()> SignalWatcher::give_up(uint64_t duration_ns) const {
  const auto start = std::chrono::steady_clock::now();
  const auto limit = std::chrono::nanoseconds(duration_ns);
  return [this, start, limit] {
    return stop_ || (limit.count() > 0 && std::chrono::steady_clock::now() - start >= limit);
  };
}

void SignalWatcher::on_reopen(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  reopen_ = std::move(call);
}

void SignalWatcher::on_reload(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  reload_ = std::move(call);
}

// A terminal that is closed sends SIGHUP, or the shell in it does. Such a one ends the program as
// Ctrl-C does, with what is queued delivered; whoever else sends one asks for a reload.
bool SignalWatcher::serve(const siginfo_t& info) {
  const std::lock_guard lock(mutex_);
  if (info.si_signo == SIGUSR1) {
    if (reopen_) reopen_();
    return true;
  }
  if (info.si_signo != SIGHUP) return false;
  const bool by_terminal = info.si_code == SI_KERNEL || (has_terminal_ && !can_open_terminal());
  if (by_terminal) return hangup_ignored_;
  if (reload_) reload_();
  return reload_ != nullptr;
}

void SignalWatcher::watch() {
  // Refused where the kernel forbids it: then it has what it does not use.
  (void)confine_thread("gyr:signals", {.read = {"/dev/tty"}});
  for (;;) {
    siginfo_t info{};
    const int number = sigwaitinfo(&watched_, &info);
    if (number <= 0) continue;
    if (done_) return;
    if (serve(info)) continue;
    if (!stop_) end_signal_ = info.si_code == SI_KERNEL ? 0 : number;
    // Whatever the main thread hangs in, the user wants out.
    if (stop_.exchange(true)) _exit(kStatusOfSecondSignal);
  }
}

}  // namespace gyr::app
