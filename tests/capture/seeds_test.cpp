// SPDX-License-Identifier: Apache-2.0
// Makes the captures that capture_fuzz starts from, in the folder that GYR_FUZZ_SEEDS names or else
// a temporary one, and sees that each is read to its end.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "capture/conversions.h"
#include "capture/read_all.h"
#include "capture/sample.h"

namespace gyr::test {
namespace {

// Every event that has an upgrade rule, with parameters of their least size.
std::string old_events(size_t first, size_t step) {
  std::string capture = section(1, 0);
  size_t at = 0;
  for (const EventInfo& info : all_events()) {
    for (uint32_t count = 0; count <= kMaxParams; ++count) {
      if (find_conversion(info.type, count) == nullptr || at++ % step != first) continue;
      Event event{static_cast<uint16_t>(info.type), {}};
      for (uint32_t i = 0; i < count; ++i) {
        event.params.emplace_back(type_info(info.params()[i].type).size_min, '\1');
      }
      capture += block(0x204, Raw().u16(0).raw(old_record(event)).bytes);
    }
  }
  return capture;
}

TEST(FuzzSeeds, AreMade) {
  std::map<std::string, std::string> seeds{
      {"sample", sample_capture()},
      {"sample_gzip", gzip(sample_capture())},
      {"twice", sample_capture() + sample_capture()},
      {"twice_gzip", gzip(sample_capture()) + gzip(sample_capture())},
  };
  constexpr size_t kParts = 8;
  for (size_t i = 0; i < kParts; ++i) {
    seeds["old_events_" + std::to_string(i)] = old_events(i, kParts);
  }
  const char* named = std::getenv("GYR_FUZZ_SEEDS");
  const std::filesystem::path folder =
      named != nullptr ? named : testing::TempDir() + "gyr_capture_seeds";
  std::filesystem::create_directories(folder);
  for (const auto& [name, bytes] : seeds) {
    std::ofstream(folder / (name + ".scap"), std::ios::binary) << bytes;
    const Outcome outcome = drain(CaptureReader::open(folder / (name + ".scap")));
    EXPECT_EQ(outcome.error, "") << name;
    EXPECT_FALSE(outcome.events.empty()) << name;
  }
  if (named == nullptr) std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gyr::test
