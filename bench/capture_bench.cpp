// SPDX-License-Identifier: Apache-2.0
// What reading a capture costs per event, without state and rules.
// GYR_BENCH_CAPTURE names the file; an uncompressed one shows the reader, a gzip one mostly zlib.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "source/replay.h"

namespace {

// Reads the file once per iteration; `decode` also indexes every event's parameters.
void read_capture(benchmark::State& state, bool decode) {
  const char* path = std::getenv("GYR_BENCH_CAPTURE");
  if (path == nullptr) {
    state.SkipWithError("GYR_BENCH_CAPTURE names no capture");
    return;
  }
  uint64_t events = 0;
  uint64_t bytes = 0;
  for (auto _ : state) {
    auto source = gyr::open_replay(path);
    if (!source) {
      state.SkipWithError(source.error().message.c_str());
      return;
    }
    gyr::Record record;
    gyr::EventView view;
    gyr::SourceStatus status;
    do {
      status = (*source)->next(&record);
      if (status != gyr::SourceStatus::Event) continue;
      ++events;
      bytes += record.bytes.size();
      if (decode) benchmark::DoNotOptimize(view.decode(record));
    } while (status != gyr::SourceStatus::End && status != gyr::SourceStatus::Failed);
    if (status == gyr::SourceStatus::Failed) {
      state.SkipWithError((*source)->error().message.c_str());
      return;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.SetItemsProcessed(static_cast<int64_t>(events));
  // Seconds, which the program prints with a unit: 17n are 17 ns.
  state.counters["per_event"] = benchmark::Counter(
      static_cast<double>(events), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void read_only(benchmark::State& state) { read_capture(state, false); }
void read_and_decode(benchmark::State& state) { read_capture(state, true); }
BENCHMARK(read_only)->Unit(benchmark::kMillisecond);
BENCHMARK(read_and_decode)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
