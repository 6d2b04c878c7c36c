// SPDX-License-Identifier: Apache-2.0
// gyr_live_watch CALL SECONDS: collects one call and prints "CALL parameter=hexadecimal bytes …"
// per event. The helper of tests/integration/add_row_test.sh: knows nothing but the schema.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "source/live.h"

int main(int argc, char** argv) {
  using namespace gyr;
  if (argc != 3) return 2;
  const ScInfo* call = find_syscall(argv[1]);
  if (!call || !is_collected(call->sc)) {
    fmt::print(stderr, "{} is not collected\n", argv[1]);
    return 1;
  }
  LiveSettings settings;
  settings.syscalls = {call->sc};
  auto source = open_live(settings);
  if (!source) {
    fmt::print(stderr, "{}\n", source.error().message);
    return 77;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  while (std::chrono::steady_clock::now() < end) {
    Record record;
    EventView event;
    if ((*source)->next(&record) != SourceStatus::Event || !event.decode(record)) continue;
    fmt::print("{}", event.info().name);
    const auto params = event.info().params();
    for (size_t i = 0; i < params.size(); ++i) {
      fmt::print(" {}=", params[i].name);
      for (const uint8_t byte : event.param(i)) fmt::print("{:02x}", byte);
    }
    fmt::print("\n");
    std::fflush(stdout);
  }
  return 0;
}
