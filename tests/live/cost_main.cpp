// SPDX-License-Identifier: Apache-2.0
// gyr_live_cost [per_syscall]: what live capture costs the programs that are watched, and what its
// start takes. Each figure is the median of nine runs; CPU time, so that a busy machine shows
// little.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "source/live.h"

namespace gyr {
namespace {

constexpr int kRuns = 9;

double cpu_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Nanoseconds of one call of `body`, in a child process: our own calls are not collected.
double cost(int count, const std::function<void()>& body) {
  std::array<int, 2> result{};
  if (pipe(result.data()) != 0) return 0;
  const pid_t pid = fork();
  if (pid == 0) {
    const double start = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < count; ++i) body();
    const double each = (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start) / count;
    _exit(write(result[1], &each, sizeof each) == sizeof each ? 0 : 1);
  }
  double each = 0;
  if (read(result[0], &each, sizeof each) != sizeof each) each = 0;
  waitpid(pid, nullptr, 0);
  close(result[0]);
  close(result[1]);
  return each;
}

struct Load {
  const char* name;
  int count;
  int events;  // of one round
  std::function<void()> body;
};

std::vector<Load> loads() {
  return {{"getppid (not collected)", 500'000, 0, [] { syscall(SYS_getppid); }},
          {"close of a bad descriptor", 200'000, 1, [] { syscall(SYS_close, -1); }},
          {"openat and close of a file", 100'000, 2,
           [] { syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)); }},
          {"openat of a missing file", 100'000, 1,
           [] { syscall(SYS_openat, AT_FDCWD, "/no", O_RDONLY); }},
          {"fork, exit and wait", 500, 3, [] {
             const pid_t pid = static_cast<pid_t>(syscall(SYS_fork));
             if (pid == 0) _exit(0);
             waitpid(pid, nullptr, 0);
           }}};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<double> measure(const std::vector<Load>& all) {
  std::vector<double> costs;
  for (const Load& load : all) {
    std::vector<double> runs;
    for (int i = 0; i < kRuns; ++i) runs.push_back(cost(load.count, load.body));
    costs.push_back(median(runs));
  }
  return costs;
}

// What it costs to tell which files were opened and to compare a call's arguments.
void measure_protection() {
  const std::vector<Load> all = {
      loads()[0], loads()[2], {"unlink of a missing file", 100'000, 1, [] {
                                 syscall(SYS_unlink, "/tmp/no/such/file");
                               }}};
  std::vector<std::vector<double>> costs;
  for (const bool on : {false, true}) {
    LiveSettings settings;
    settings.syscalls = {Sc::OPENAT, Sc::CLOSE, Sc::UNLINK};
    settings.real_paths = on;
    if (on) settings.compared = {Sc::UNLINK};
    auto source = open_live(settings);
    if (!source) return;
    std::atomic<bool> stop = false;
    std::thread reader([&] {
      Record record;
      while (!stop) (*source)->next(&record);
    });
    costs.push_back(measure(all));
    stop = true;
    reader.join();
  }
  for (size_t i = 0; i < all.size(); ++i) {
    fmt::print("{:28} {:8.0f} ns, with paths and unlink compared {:8.0f} ns: {:6.0f} ns more\n",
               all[i].name, costs[0][i], costs[1][i], costs[1][i] - costs[0][i]);
  }
}

int run(int argc, char** argv) {
  const std::vector<Load> all = loads();
  const double untouched = measure({all[0]})[0];
  LiveSettings settings;
  if (argc > 1 && std::string_view(argv[1]) == "per_syscall") {
    settings.attach_mode = AttachMode::PerSyscall;
  }
  settings.syscalls = {Sc::OPENAT, Sc::CLOSE, Sc::FORK, Sc::SCHED_PROCESS_EXIT};
  const double before = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  auto source = open_live(settings);
  if (!source) {
    fmt::print("{}\n", source.error().message);
    return 77;
  }
  for (const std::string& warning : (*source)->warnings()) fmt::print("{}\n", warning);
  const double loaded = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  const auto snapshot = (*source)->take_snapshot();
  const double scanned = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  fmt::print("start: {:.0f} ms CPU, of which {:.0f} for the scan of {} threads\n",
             (scanned - before) / 1e6, (scanned - loaded) / 1e6,
             snapshot ? snapshot->threads.size() : 0);
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    Record record;
    while (!stop) (*source)->next(&record);
  });
  const std::vector<Sc> chosen = settings.syscalls;
  (*source)->collect({});
  const std::vector<double> without = measure(all);
  (*source)->collect({.syscalls = chosen});
  const std::vector<double> with = measure(all);
  fmt::print(
      "{:28} {:8.0f} ns without a probe, {:8.0f} ns with one that does not want it: {:.0f} more\n",
      all[0].name, untouched, with[0], with[0] - untouched);
  for (size_t i = 1; i < all.size(); ++i) {
    const double more = with[i] - without[i];
    fmt::print("{:28} {:8.0f} ns, collected {:8.0f} ns: {:6.0f} ns more", all[i].name, without[i],
               with[i], more);
    fmt::print(", {:.0f} per event\n", more / all[i].events);
  }
  stop = true;
  reader.join();
  const double idle_from = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
  (*source)->collect({.syscalls = {Sc::KEYCTL}});
  Record record;
  const double until = cpu_ns(CLOCK_MONOTONIC) + 3e9;
  while (cpu_ns(CLOCK_MONOTONIC) < until) (*source)->next(&record);
  fmt::print("idle: {:.2f} ms CPU a second\n",
             (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - idle_from) / 3e6);
  const SourceCounters counters = (*source)->counters();
  fmt::print("events {}, lost {}: {}\n", counters.events,
             counters.lost_ring_full + counters.lost_other, counters.lost_detail);
  return 0;
}

}  // namespace
}  // namespace gyr

int main(int argc, char** argv) {
  const int status = gyr::run(argc, argv);
  if (status == 0) gyr::measure_protection();
  return status;
}
