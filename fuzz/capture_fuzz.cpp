// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture: the reader, the upgrade of old events and the decoding of what they hand
// out. Seeds: GYR_FUZZ_SEEDS=FOLDER gyr_capture_test --gtest_filter=FuzzSeeds.*
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "capture/reader.h"
#include "capture/upgrade.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Touches every byte that a record claims to have.
void decode(const gyr::Record& record) {
  gyr::EventView view;
  require(view.decode(record));
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < view.nparams(); ++i) {
    for (const uint8_t byte : view.param(i)) sum = static_cast<uint8_t>(sum + byte);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto opened = gyr::CaptureReader::over({data, size}, "fuzz");
  if (!opened) {
    require(!opened.error().message.empty());
    return 0;
  }
  gyr::CaptureReader& reader = **opened;
  gyr::Upgrader upgrader;
  gyr::Record record;
  while (true) {
    const gyr::ReadStatus status = reader.next(&record);
    if (status == gyr::ReadStatus::Restart) {
      upgrader.restart();
      reader.take_snapshot();
      continue;
    }
    if (status == gyr::ReadStatus::Failed) require(!reader.error().message.empty());
    if (status != gyr::ReadStatus::Event) return 0;
    decode(record);
    const gyr::Upgrade upgrade = upgrader.upgrade(&record);
    if (upgrade == gyr::Upgrade::Keep) decode(record);
    if (upgrade == gyr::Upgrade::Failed) require(!upgrader.reason().empty());
  }
}
