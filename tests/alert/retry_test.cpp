// SPDX-License-Identifier: Apache-2.0
// When a failed output is tried again; no test here waits.
#include "alert/retry.h"

#include <gtest/gtest.h>

namespace gyr {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr RetryPolicy kPolicy{
    .first_ms = 100, .max_ms = 1000, .give_up_ms = 5000, .max_timeouts = 2};

TEST(Retry, PausesDoubleWithJitterUpToTheLongest) {
  for (uint64_t seed = 1; seed < 50; ++seed) {
    Retry retry(kPolicy, seed);
    EXPECT_TRUE(retry.is_due(0));
    uint64_t now = 7;
    for (const uint64_t most : {100, 200, 400, 800, 1000, 1000, 1000}) {
      retry.failed(now, 0, false);
      EXPECT_TRUE(retry.is_failing());
      const uint64_t pause = retry.next_ns() - now;
      EXPECT_GE(pause, most / 2 * kMs);
      EXPECT_LE(pause, most * kMs);
      EXPECT_FALSE(retry.is_due(retry.next_ns() - 1));
      EXPECT_TRUE(retry.is_due(retry.next_ns()));
      now = retry.next_ns();
    }
  }
}

TEST(Retry, JitterDiffers) {
  Retry one(kPolicy, 1);
  Retry two(kPolicy, 1'234'567);
  one.failed(0, 0, false);
  two.failed(0, 0, false);
  EXPECT_NE(one.next_ns(), two.next_ns());
}

TEST(Retry, WishesOfPeersCountWithinTheBound) {
  struct Row {
    uint64_t wish_ms;
    uint64_t least_ms;
    uint64_t most_ms;
  };
  for (const Row& row : {Row{1, 50, 100}, Row{700, 700, 700}, Row{86'400'000, 1000, 1000}}) {
    Retry retry(kPolicy, 3);
    retry.failed(0, row.wish_ms, false);
    EXPECT_GE(retry.next_ns(), row.least_ms * kMs);
    EXPECT_LE(retry.next_ns(), row.most_ms * kMs);
  }
}

TEST(Retry, EndlessFailuresOverflowNothing) {
  Retry retry({.first_ms = 250, .max_ms = 31'536'000'000}, 1);
  uint64_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    retry.failed(0, 0, true);
    EXPECT_GT(retry.next_ns(), 0u);
    before = std::max(before, retry.next_ns());
  }
  EXPECT_LE(before, (250ull << 20) * kMs);
}

TEST(Retry, GivesUpByAgeAndByTimeouts) {
  Retry retry(kPolicy, 1);
  EXPECT_FALSE(retry.gives_up(1'000'000 * kMs, 0)) << "nothing failed";
  retry.failed(0, 0, false);
  EXPECT_FALSE(retry.gives_up(4999 * kMs, 0));
  EXPECT_TRUE(retry.gives_up(5000 * kMs, 0));
  EXPECT_FALSE(retry.gives_up(5000 * kMs, 1));
  Retry slow(kPolicy, 1);
  slow.failed(1'000'000 * kMs, 0, false);
  EXPECT_FALSE(slow.gives_up(1'000'001 * kMs, 0)) << "an old alert, but the output has just failed";
  EXPECT_FALSE(retry.gives_up(1, 5)) << "queued after the clock was read";
  retry.succeeded();
  EXPECT_FALSE(retry.is_failing());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(retry.gives_up(1, 0)) << i;
    retry.failed(0, 0, true);
  }
  EXPECT_TRUE(retry.gives_up(1, 0)) << "one timeout more than allowed";
  retry.forget_timeouts_if_exceeded();
  EXPECT_FALSE(retry.gives_up(1, 0));
}

TEST(Retry, AtTheEndPausesAreShort) {
  Retry retry(kPolicy, 1);
  for (int i = 0; i < 5; ++i) retry.failed(0, 1000, false);
  retry.hurry();
  EXPECT_TRUE(retry.is_due(0));
  retry.failed(0, 1000, false);
  EXPECT_LE(retry.next_ns(), 200 * kMs);
}

}  // namespace
}  // namespace gyr
