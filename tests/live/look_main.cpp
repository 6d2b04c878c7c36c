// SPDX-License-Identifier: Apache-2.0
// gyr_live_look [PROCESSES [DESCRIPTORS [THREADS]]]: what a look at the host takes by the kernel's
// iterators and by /proc, while so many more processes run (2,000), each with so many more
// descriptors (10) and threads (1). CPU time, the median of nine looks. Needs root.
#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <vector>

#include "base/system.h"
#include "source/list_scan.h"
#include "source/proc_scan.h"

namespace gyr {
namespace {

constexpr int kRuns = 9;

void* wait_for_ever(void*) {
  for (;;) pause();
}

// Files, sockets and pipes in turn.
void open_some(int count) {
  for (int i = 0; i < count; ++i) {
    std::array<int, 2> two{};
    if (i % 4 == 0) open("/etc/passwd", O_RDONLY);
    if (i % 4 == 1) open("/usr/lib/os-release", O_RDONLY);
    if (i % 4 == 2 && socketpair(AF_UNIX, SOCK_STREAM, 0, two.data()) == 0) close(two[1]);
    if (i % 4 == 3 && pipe(two.data()) == 0) close(two[1]);
  }
}

std::vector<pid_t> start(int processes, int descriptors, int threads) {
  std::vector<pid_t> pids;
  for (int i = 0; i < processes; ++i) {
    const pid_t pid = fork();
    if (pid < 0) break;
    if (pid != 0) {
      pids.push_back(pid);
      continue;
    }
    alarm(300);
    open_some(descriptors);
    for (int one = 1; one < threads; ++one) {
      pthread_t thread{};
      pthread_create(&thread, nullptr, wait_for_ever, nullptr);
    }
    wait_for_ever(nullptr);
  }
  sleep(2);  // until all have opened theirs
  return pids;
}

double in_ms(const std::function<void()>& body) {
  const uint64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  body();
  return static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e6;
}

double median(const std::function<void()>& body) {
  std::array<double, kRuns> times{};
  for (double& time : times) time = in_ms(body);
  std::sort(times.begin(), times.end());
  return times[kRuns / 2];
}

int run(int processes, int descriptors, int threads) {
  const std::vector<pid_t> pids = start(processes, descriptors, threads);
  const auto files = system_files("");
  const auto users = system_users("");
  std::unique_ptr<HostLists> lists;
  std::string refusal;
  const double loading = in_ms([&] {
    auto opened = open_iterators();
    if (opened) {
      lists = *std::move(opened);
    } else {
      refusal = opened.error().message;
    }
  });
  LookCounters counters;
  size_t found_threads = 0, found_files = 0;
  const double proc = median([&] {
    const auto snapshot = scan_proc(*files, *users);
    if (!snapshot) return;
    found_threads = snapshot->threads.size();
    found_files = snapshot->fds.size();
  });
  fmt::print("{} threads, {} descriptors\nby /proc: {:.1f} ms\n", found_threads, found_files, proc);
  if (lists) {
    double listing = median([&] {
      (void)lists->each_task([](const auto&) {});
      (void)lists->each_file([](const auto&, auto) {});
      (void)lists->each_task([](const auto&) {});
    });
    const double both = median([&] { (void)scan_lists(*lists, *files, *users, &counters); });
    fmt::print("by iterators: {:.1f} ms, {:.1f} of them the lists; once to load them: {:.1f} ms\n",
               both, listing, loading);
  } else {
    fmt::print("no iterators: {}\n", refusal);
  }
  for (const pid_t pid : pids) kill(pid, SIGKILL);
  for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
  return lists ? 0 : 77;
}

}  // namespace
}  // namespace gyr

int main(int argc, char** argv) {
  const auto argument = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  return gyr::run(argument(1, 2000), argument(2, 10), argument(3, 1));
}
