// SPDX-License-Identifier: Apache-2.0
#include "app/memory_bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gyr::app {
namespace {

using testing::HasSubstr;
constexpr uint64_t kMiB = 1ull << 20;
constexpr MemoryBounds kBounds{.rings = 10 * kMiB,
                               .queues = 64 * kMiB,
                               .history = 16 * kMiB,
                               .threads = 30 * kMiB,
                               .rest = 64 * kMiB};

TEST(MemoryBounds, AddUp) {
  EXPECT_EQ(kBounds.total(), 184 * kMiB);
  EXPECT_EQ(kBounds.text(),
            "184 MiB (rings 10 MiB, alerts that wait 64 MiB, events before an alert 16 MiB, "
            "threads 30 MiB, the rest 64 MiB)");
}

TEST(MemoryBounds, AWarningNamesLimitAndWhatToChange) {
  EXPECT_TRUE(judge_memory(kBounds, {184 * kMiB, "/g/memory.max"}).fits);
  const MemoryVerdict less = judge_memory(kBounds, {184 * kMiB - 1, "/g/memory.max"});
  EXPECT_FALSE(less.fits);
  for (const char* part : {"184 MiB", "183 MiB", "/g/memory.max", "raise the limit",
                           "gyr.outputs.NAME.queue_mb", "falco_libs.thread_table_size"}) {
    EXPECT_THAT(less.text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace gyr::app
