// SPDX-License-Identifier: Apache-2.0
#include "source/ring_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gyr {
namespace {

using testing::HasSubstr;
constexpr uint64_t kMiB = 1ull << 20;
constexpr RingRequest kUsual{.ring_bytes = 8 * kMiB, .cpus_per_ring = 2, .cpus = 4};

MemoryLimit limit_of(uint64_t bytes) { return {bytes, "/group/memory.max"}; }

TEST(RingMemory, IsThatOfAllGroupsOfCpus) {
  EXPECT_EQ(memory_of_rings(kUsual), 2 * 10 * kMiB);
  EXPECT_EQ(memory_of_rings({8 * kMiB, 2, 5}), 3 * 10 * kMiB) << "the last CPU has rings too";
  EXPECT_EQ(memory_of_rings({8 * kMiB, 0, 64}), 10 * kMiB) << "one for all";
  EXPECT_EQ(memory_of_rings({1, 1, 1}), 2 * kRingBytesMin);
  EXPECT_EQ(memory_of_rings({8 * kMiB, 0, 0}), 10 * kMiB) << "CPUs unknown";
  EXPECT_EQ(memory_of_rings({5 * kMiB, 1, 1}), 10 * kMiB) << "rounded up";
}

TEST(RingMemory, RingsTakeHalfOfWhatALimitLeaves) {
  struct Row {
    std::optional<MemoryLimit> limit;
    uint64_t ring_bytes;  // 0: refused
  };
  const Row rows[] = {
      {std::nullopt, 8 * kMiB},
      {limit_of(kDetectionBytes + 40 * kMiB), 8 * kMiB},
      {limit_of(kDetectionBytes + 40 * kMiB - 1), 4 * kMiB},
      {limit_of(kDetectionBytes + 10 * kMiB), 2 * kMiB},
      {limit_of(kDetectionBytes + 512 * 1024), kRingBytesMin},
      {limit_of(kDetectionBytes + 512 * 1024 - 1), 0},
      {limit_of(kDetectionBytes), 0},
      {limit_of(1), 0},
  };
  for (const Row& row : rows) {
    const std::string what = row.limit ? std::to_string(row.limit->bytes) : "none";
    const auto fit = fit_rings(kUsual, row.limit);
    ASSERT_EQ(fit.has_value(), row.ring_bytes != 0) << what;
    if (!fit) continue;
    EXPECT_EQ(fit->ring_bytes, row.ring_bytes) << what;
    EXPECT_EQ(fit->warning.empty(), row.ring_bytes == kUsual.ring_bytes) << what;
  }
}

TEST(RingMemory, WhatIsWrongNamesLimitNeedAndRemedy) {
  const auto refused = fit_rings(kUsual, limit_of(24 * kMiB));
  ASSERT_FALSE(refused);
  for (const char* part : {"24 MiB", "/group/memory.max", "40 MiB", "256 KiB",
                           "MemoryMax=", "resources.limits.memory", "cpus_for_each_buffer=0"}) {
    EXPECT_THAT(refused.error().message, HasSubstr(part));
  }
  const auto shared = fit_rings({8 * kMiB, 0, 4}, limit_of(24 * kMiB));
  ASSERT_FALSE(shared);
  EXPECT_THAT(shared.error().message, Not(HasSubstr("cpus_for_each_buffer"))) << "it is so already";
  const auto small = fit_rings(kUsual, limit_of(kDetectionBytes + 10 * kMiB));
  ASSERT_TRUE(small);
  for (const char* part : {"2 MiB instead of 8 MiB", "/group/memory.max", "buf_size_preset"}) {
    EXPECT_THAT(small->warning, HasSubstr(part));
  }
}

}  // namespace
}  // namespace gyr
