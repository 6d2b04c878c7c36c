// SPDX-License-Identifier: Apache-2.0
// What the state costs per event: descriptors that come and go, processes that come and go.
// Counters give the time of one event, not of one cycle.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "event/event_view.h"
#include "state/state.h"

namespace gyr {
namespace {

using Record = std::vector<uint8_t>;

constexpr int64_t kShell = 100;
constexpr uint64_t kStartNs = 1'000'000'000'000;

Record finished(EventBuilder& builder) {
  const Bytes bytes = builder.finish();
  return {bytes.begin(), bytes.end()};
}

Record open_event(const std::string& name) {
  EventBuilder builder;
  builder.begin(Ev::OPENAT_2_X, kStartNs, kShell);
  builder.add_value<int64_t>(5);
  builder.add_value<int64_t>(kAtFdcwd);
  builder.add_text(name);
  builder.add_value<uint32_t>(1);
  builder.add_value<uint32_t>(0);
  builder.add_value<uint32_t>(3);
  builder.add_value<uint64_t>(4);
  return finished(builder);
}

Record close_event() {
  EventBuilder builder;
  builder.begin(Ev::CLOSE_X, kStartNs, kShell);
  builder.add_value<int64_t>(0);
  builder.add_value<int64_t>(5);
  return finished(builder);
}

void begin_process(EventBuilder& builder, Ev type, int64_t tid, const char* comm) {
  builder.begin(type, kStartNs, tid);
  builder.add_value<int64_t>(0);
  builder.add_text(comm);
  builder.add(as_bytes(std::string_view("-l\0/usr/share\0", 14)));
  for (const int64_t id : {tid, tid, kShell}) builder.add_value(id);
  builder.add_text("");
  builder.add_value<int64_t>(1024);
  for (int fault = 0; fault < 2; ++fault) builder.add_value<uint64_t>(1);
  for (int size = 0; size < 3; ++size) builder.add_value<uint32_t>(1000);
  builder.add_text(comm);
  builder.add(as_bytes(std::string_view("cpu=/user.slice\0memory=/user.slice\0", 35)));
}

Record clone_event(int64_t tid) {
  EventBuilder builder;
  begin_process(builder, Ev::CLONE_20_X, tid, "sh");
  for (int field = 0; field < 3; ++field) builder.add_value<uint32_t>(0);  // flags, uid, gid
  for (const int64_t id : {tid, tid}) builder.add_value(id);
  return finished(builder);
}

Record exec_event(int64_t tid) {
  EventBuilder builder;
  begin_process(builder, Ev::EXECVE_19_X, tid, "ls");
  builder.add(as_bytes(std::string_view("HOME=/root\0", 11)));
  builder.add_value<uint32_t>(0);
  builder.add_value<int64_t>(tid);
  for (int field = 0; field < 2; ++field) builder.add_value<uint32_t>(0);
  for (int field = 0; field < 6; ++field) builder.add_value<uint64_t>(7);
  builder.add_value<uint32_t>(0);
  builder.add_text("/usr/bin/ls");
  return finished(builder);
}

Record exit_event(int64_t tid) {
  EventBuilder builder;
  builder.begin(Ev::PROCEXIT_1_E, kStartNs, tid);
  return finished(builder);
}

struct Host {
  Host() {
    Snapshot snapshot;
    for (const int64_t tid : {int64_t{1}, kShell}) {
      SnapshotThread& thread = snapshot.threads.emplace_back();
      thread.tid = thread.pid = thread.vtid = thread.vpid = tid;
      thread.ptid = tid == 1 ? 0 : 1;
      thread.comm = "sh";
      thread.cwd = "/home/user";
    }
    for (const int64_t fd : {0, 1, 2, 255}) {
      SnapshotFd& entry = snapshot.fds.emplace_back();
      entry.tid = kShell;
      entry.fd = fd;
      entry.kind = FdKind::FileV2;
      entry.name = "/dev/pts/1";
    }
    state.load(snapshot);
  }
  void apply(const Record& record) {
    event.decode({.bytes = record});
    benchmark::DoNotOptimize(state.apply(event));
  }
  StrPool pool;
  State state{StateSettings{}, pool};
  EventView event;
};

void count_events(benchmark::State& run, int64_t per_cycle) {
  run.SetItemsProcessed(run.iterations() * per_cycle);
  run.counters["event"] =
      benchmark::Counter(static_cast<double>(run.iterations() * per_cycle),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// `names` different files in turn: few stay in every memory, many in none.
void open_close(benchmark::State& run) {
  Host host;
  std::vector<Record> opens;
  for (int64_t i = 0; i < run.range(0); ++i) {
    opens.push_back(open_event("lib/module_" + std::to_string(i) + "/source.cpp"));
  }
  const Record close = close_event();
  size_t at = 0;
  for (auto _ : run) {
    host.apply(opens[at]);
    host.apply(close);
    if (++at == opens.size()) at = 0;
  }
  count_events(run, 2);
}
BENCHMARK(open_close)->ArgName("names")->Arg(1)->Arg(1000)->Arg(200000);

void clone_exec_exit(benchmark::State& run) {
  Host host;
  constexpr int64_t kProcesses = 64;
  std::vector<Record> clones, execs, exits;
  for (int64_t tid = 200; tid < 200 + kProcesses; ++tid) {
    clones.push_back(clone_event(tid));
    execs.push_back(exec_event(tid));
    exits.push_back(exit_event(tid));
  }
  size_t at = 0;
  for (auto _ : run) {
    host.apply(clones[at]);
    host.apply(execs[at]);
    host.apply(exits[at]);
    if (++at == clones.size()) at = 0;
  }
  count_events(run, 3);
}
BENCHMARK(clone_exec_exit);

}  // namespace
}  // namespace gyr

BENCHMARK_MAIN();
