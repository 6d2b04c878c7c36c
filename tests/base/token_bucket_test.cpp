// SPDX-License-Identifier: Apache-2.0
#include "base/token_bucket.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kYear = 365 * 24 * 3600 * kSecond;

uint64_t drain(TokenBucket* bucket, uint64_t now_ns) {
  uint64_t taken = 0;
  while (bucket->take(now_ns)) ++taken;
  return taken;
}

TEST(TokenBucket, BeginsFullAndRefillsAtItsRate) {
  TokenBucket bucket(0.5, 3);
  EXPECT_EQ(drain(&bucket, 7 * kSecond), 3u);
  EXPECT_EQ(drain(&bucket, 9 * kSecond - 1), 0u);
  EXPECT_EQ(drain(&bucket, 9 * kSecond), 1u);
  EXPECT_EQ(drain(&bucket, 1000 * kSecond), 3u);  // no more than it holds
}

TEST(TokenBucket, NothingIsLostByAskingOften) {
  TokenBucket bucket(3, 1000);
  uint64_t taken = drain(&bucket, 0);
  const uint64_t step = 333'333;  // no divisor of a token's time
  uint64_t now = 0;
  while (now < 100 * kSecond) taken += bucket.take(now += step) ? 1 : 0;
  EXPECT_EQ(taken, 1000u + 3 * now / kSecond);
}

TEST(TokenBucket, ExtremeRates) {
  TokenBucket none(0, 2);
  EXPECT_EQ(drain(&none, 0), 2u);
  EXPECT_EQ(drain(&none, 10 * kYear), 0u);
  TokenBucket negative(-1, 1);
  EXPECT_EQ(drain(&negative, 0), 1u);
  EXPECT_EQ(drain(&negative, 10 * kYear), 0u);
  TokenBucket endless(std::numeric_limits<double>::infinity(), 5);
  EXPECT_EQ(drain(&endless, 0), 5u);
  EXPECT_EQ(drain(&endless, 1000), 5u);
  TokenBucket empty(1000, 0);
  EXPECT_EQ(drain(&empty, 0), 0u);
  EXPECT_EQ(drain(&empty, kYear), 0u);
  TokenBucket rare(1e-12, 1);
  EXPECT_EQ(drain(&rare, 0), 1u);
  EXPECT_EQ(drain(&rare, 100 * kYear), 0u);
}

// Whatever the clock does, a step back adds nothing and takes nothing, and the bucket goes on.
TEST(TokenBucket, StepsBackNeitherAddNorTake) {
  const uint64_t steps[] = {1,           1000,         kSecond / 2,       kSecond - 1, kSecond,
                            kSecond + 1, 60 * kSecond, 24 * 60 * kSecond, kYear};
  for (const uint64_t begin : {kYear * 2, uint64_t{5}, ~uint64_t{0} - 3}) {
    for (const uint64_t step : steps) {
      TokenBucket bucket(1, 10);
      ASSERT_EQ(drain(&bucket, begin), 10u);
      ASSERT_EQ(drain(&bucket, begin + 4 * kSecond), 4u);
      const uint64_t back = begin + 4 * kSecond - step;
      EXPECT_EQ(drain(&bucket, back), 0u) << step;
      // Seconds go by on the clock as it is now: after a short step some count only once the clock
      // has caught up, and no second counts twice.
      const uint64_t later = drain(&bucket, back + 3 * kSecond);
      EXPECT_LE(later, 3u) << step;
      EXPECT_GE(later, 2u) << step;
      // Tokens that are there stay.
      TokenBucket full(1, 10);
      ASSERT_TRUE(full.take(begin));
      EXPECT_EQ(drain(&full, begin - step), 9u) << step;
    }
  }
}

TEST(TokenBucket, StepForwardFillsAtMostTheBucket) {
  for (const uint64_t step : {10 * kYear, 100 * kYear}) {
    TokenBucket bucket(1000, 7);
    ASSERT_EQ(drain(&bucket, kSecond), 7u);
    EXPECT_EQ(drain(&bucket, kSecond + step), 7u);
    EXPECT_EQ(drain(&bucket, kSecond + step), 0u);
    EXPECT_EQ(drain(&bucket, kSecond + step + 2'000'000), 2u);
  }
}

TEST(TokenBucket, ClockThatWrapsGoesOn) {
  TokenBucket bucket(1, 5);
  const uint64_t begin = ~uint64_t{0} - kSecond / 2;
  ASSERT_EQ(drain(&bucket, begin), 5u);
  EXPECT_EQ(drain(&bucket, begin + 3 * kSecond), 3u);  // past 2^64
  EXPECT_EQ(drain(&bucket, begin + 4 * kSecond), 1u);
}

// Random walks of a clock with steps of all sizes: what is given never exceeds what the bucket
// holds at each forward step plus what the time between steps adds, and after every step, however
// wild, an honest clock gets its rate again within a second.
TEST(TokenBucket, RandomStepsNeverWinAndNeverStarve) {
  std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp): the same walk each time
  for (int round = 0; round < 2000; ++round) {
    constexpr uint64_t kBurst = 20;
    TokenBucket bucket(10, kBurst);
    uint64_t now = random();
    uint64_t given = drain(&bucket, now);
    uint64_t most = kBurst;
    for (int i = 0; i < 50; ++i) {
      const uint64_t size = uint64_t{1} << (random() % 58);  // 1 ns to 9 years
      const uint64_t step = size + random() % size;
      if (random() % 2 == 0) {
        now -= step;
      } else {
        most += std::min(kBurst, step / (kSecond / 10) + 1);
        now += step;
      }
      given += drain(&bucket, now);
      ASSERT_LE(given, most) << "round " << round;
    }
    drain(&bucket, now);
    uint64_t honest = 0;
    for (int i = 0; i < 200; ++i) honest += bucket.take(now += kSecond / 10) ? 1 : 0;
    EXPECT_GE(honest, 189u) << "round " << round;
    EXPECT_LE(honest, 201u) << "round " << round;
  }
}

}  // namespace
}  // namespace gyr
