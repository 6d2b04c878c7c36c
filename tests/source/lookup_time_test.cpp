// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "source/proc_fds.h"

namespace gyr {
namespace {

constexpr uint64_t kMs = 1'000'000;

TEST(LookupTime, is_a_share_of_the_time) {
  LookupTime time;
  uint64_t now = 1'000'000 * kMs;
  uint64_t used = 0;
  for (const uint64_t end = now + 10'000 * kMs; now < end; now += kMs) {
    if (!time.is_left(now)) continue;
    time.took(now, now + 3 * kMs);
    used += 3 * kMs;
  }
  EXPECT_LE(used, 10'000 * kMs / 20 + 23 * kMs);
  EXPECT_GE(used, 10'000 * kMs / 20 - 3 * kMs);
}

TEST(LookupTime, a_quiet_while_gives_some_of_it_at_once_and_no_more) {
  LookupTime time;
  const uint64_t now = 1'000'000 * kMs;
  int at_once = 0;
  while (time.is_left(now)) {
    time.took(now, now + kMs);
    ++at_once;
  }
  EXPECT_EQ(at_once, 21);
  EXPECT_FALSE(time.is_left(now + 19 * kMs));
  EXPECT_TRUE(time.is_left(now + 20 * kMs));
}

}  // namespace
}  // namespace gyr
