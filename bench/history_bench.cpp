// SPDX-License-Identifier: Apache-2.0
// What captures on alert cost while there is no alert: each event is copied into the ring and,
// later, applied to the state that lags behind; and what one costs when an alert comes: the
// snapshot of that state. Counters give the time of one event.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "source/event_history.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kShell = 100;

std::vector<uint8_t> finished(EventBuilder& builder) {
  const Bytes bytes = builder.finish();
  return {bytes.begin(), bytes.end()};
}

// Opens and closes of `names` files in turn.
std::vector<std::vector<uint8_t>> opens_and_closes(int names) {
  std::vector<std::vector<uint8_t>> events;
  EventBuilder builder;
  for (int i = 0; i < names; ++i) {
    builder.begin(Ev::OPENAT_2_X, kSecond_ns, kShell);
    builder.add_value<int64_t>(5);
    builder.add_value<int64_t>(kAtFdcwd);
    builder.add_text("lib/module_" + std::to_string(i) + "/source.cpp");
    for (int number = 0; number < 3; ++number) builder.add_value<uint32_t>(1);
    builder.add_value<uint64_t>(4);
    events.push_back(finished(builder));
    builder.begin(Ev::CLOSE_X, kSecond_ns, kShell);
    builder.add_value<int64_t>(0);
    builder.add_value<int64_t>(5);
    events.push_back(finished(builder));
  }
  return events;
}

Snapshot host(int64_t processes, int64_t fds_each) {
  Snapshot snapshot;
  for (int64_t tid = kShell; tid < kShell + processes; ++tid) {
    SnapshotThread& thread = snapshot.threads.emplace_back();
    thread.tid = thread.pid = thread.vtid = thread.vpid = tid;
    thread.ptid = 1;
    thread.comm = "process";
    thread.exe = thread.exepath = "/usr/bin/process";
    thread.cwd = "/home/user";
    thread.args = "--with\0some\0arguments\0";
    thread.env = std::string(1500, 'e');
    for (int64_t fd = 0; fd < fds_each; ++fd) {
      SnapshotFd& entry = snapshot.fds.emplace_back();
      entry.tid = tid;
      entry.fd = fd;
      entry.kind = FdKind::FileV2;
      entry.name = "/var/lib/some/folder/file_" + std::to_string(fd);
    }
  }
  return snapshot;
}

void count_events(benchmark::State& run) {
  run.SetItemsProcessed(run.iterations());
  run.counters["event"] =
      benchmark::Counter(static_cast<double>(run.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Every event pushes another one out: the ring is full, as on a busy host.
void full(benchmark::State& run) {
  StrPool pool;
  EventHistory history({16 << 20, 10 * kSecond_ns}, {}, pool);
  history.begin_section(host(10, 4));
  const auto events = opens_and_closes(static_cast<int>(run.range(0)));
  size_t at = 0;
  const auto push = [&] {
    history.push({.bytes = events[at], .cpu = 1, .flags = 0});
    if (++at == events.size()) at = 0;
  };
  while (history.counters().no_room == 0) push();
  for (auto _ : run) push();
  count_events(run);
}
BENCHMARK(full)->ArgName("names")->Arg(1)->Arg(1000)->Arg(200000);

// Nothing must make room: the copy alone, into memory that was not used for long.
void copy(benchmark::State& run) {
  StrPool pool;
  EventHistory history({256u << 20, 10 * kSecond_ns}, {}, pool);
  const Snapshot snapshot = host(10, 4);
  history.begin_section(snapshot);
  const auto events = opens_and_closes(1000);
  size_t at = 0;
  for (auto _ : run) {
    history.push({.bytes = events[at], .cpu = 1, .flags = 0});
    if (++at == events.size()) at = 0;
    if (history.bytes() < (255u << 20)) continue;
    run.PauseTiming();
    history.begin_section(snapshot);
    run.ResumeTiming();
  }
  count_events(run);
}
BENCHMARK(copy);

// An alert comes.
void snapshot_of_state(benchmark::State& run) {
  StrPool pool;
  EventHistory history({1 << 20, 10 * kSecond_ns}, {}, pool);
  history.begin_section(host(run.range(0), run.range(1)));
  for (auto _ : run) benchmark::DoNotOptimize(history.state_before());
}
BENCHMARK(snapshot_of_state)
    ->ArgNames({"processes", "fds"})
    ->Args({100, 10})
    ->Args({300, 97})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gyr

BENCHMARK_MAIN();
