// SPDX-License-Identifier: Apache-2.0
// The thread that waits for signals, and a system that has none to give.
#include "app/signals.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace gyr::app {
namespace {

constexpr uid_t kNobody = 65534;

TEST(SignalWatcher, TheFirstSignalAsksForTheEnd) {
  SignalWatcher signals;
  ASSERT_TRUE(signals.started()) << signals.started().error().message;
  EXPECT_FALSE(signals.stop());
  kill(getpid(), SIGTERM);
  while (!signals.stop()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(signals.end_signal(), SIGTERM);
}

TEST(SignalWatcher, WithoutAThreadThereIsAnError) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    if (setrlimit(RLIMIT_NPROC, &none) != 0) _exit(2);
    // The limit is not for root.
    if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) _exit(3);
    const SignalWatcher signals;
    if (signals.started()) _exit(4);
    _exit(signals.started().error().message.find("thread") == std::string::npos ? 5 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace gyr::app
