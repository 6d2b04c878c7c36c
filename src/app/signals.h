// SPDX-License-Identifier: Apache-2.0
// Signals as plain calls on a thread of their own, so that no handler runs anywhere: SIGINT and
// SIGTERM set the stop flag (a second one ends the program at once), SIGUSR1 and SIGHUP call what
// was given. The SIGHUP of a terminal that is closed ends the program too, unless it was to be
// ignored (nohup).
#pragma once

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.h"

namespace gyr::app {

class SignalWatcher {
 public:
  // Make it before any other thread: they inherit the blocked signals.
  SignalWatcher();
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  // An error: nobody waits for signals, which stay blocked. The program cannot go on.
  const Result<void>& started() const { return started_; }
  const std::atomic<bool>& stop() const { return stop_; }
  // The signal that asked for the end, for whoever else it concerns: 0 if the terminal sent it, to
  // all of its foreground; nothing while nobody asked.
  std::optional<int> end_signal() const;
  // True once the program shall stop, or `duration_ns` (0: no limit) from now on. For what waits.
  std::function<bool()> give_up(uint64_t duration_ns) const;
  // Called on the watcher's thread for each SIGUSR1. An empty one stops the calls.
  void on_reopen(std::function<void()> call);
  // The same for each SIGHUP that does not end the program. While there is none, each does.
  void on_reload(std::function<void()> call);

 private:
  void watch();
  // False: the signal is to end the program.
  bool serve(const siginfo_t& info);

  sigset_t watched_;
  sigset_t before_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> done_{false};
  std::atomic<int> end_signal_{0};
  std::mutex mutex_;
  std::function<void()> reopen_, reload_;
  const bool hangup_ignored_;
  const bool has_terminal_;
  Result<void> started_;
  std::thread thread_;
};

}  // namespace gyr::app
