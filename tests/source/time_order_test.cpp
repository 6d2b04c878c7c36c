// SPDX-License-Identifier: Apache-2.0
#include "source/time_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace gyr {
namespace {

TEST(TimeOrder, releases_in_order_of_time_and_frees_in_order_of_the_ring) {
  TimeOrder order;
  order.add({30, 100, nullptr, 0, 0});
  order.add({10, 200, nullptr, 0, 0});
  order.add({20, 300, nullptr, 0, 0});
  ASSERT_NE(order.oldest(), nullptr);
  EXPECT_EQ(order.oldest()->ts_ns, 10u);
  order.release();
  EXPECT_EQ(order.free_position(), 0u) << "the first record of the ring is still held";
  EXPECT_EQ(order.oldest()->ts_ns, 20u);
  order.release();
  EXPECT_EQ(order.oldest()->ts_ns, 30u);
  order.release();
  EXPECT_EQ(order.free_position(), 300u);
  EXPECT_EQ(order.oldest(), nullptr);
  EXPECT_TRUE(order.empty());
}

TEST(TimeOrder, memory_of_a_burst_is_given_back_when_it_is_over) {
  TimeOrder order;
  uint64_t end = 0;
  const auto round = [&](size_t records) {
    for (size_t i = 0; i < records; ++i) order.add({end, end + 1, nullptr, 0, 0}), ++end;
    while (!order.empty()) order.release();
  };
  round(200'000);
  EXPECT_GE(order.capacity(), 200'000u);
  for (int i = 0; i < 5000; ++i) round(10);
  EXPECT_LT(order.capacity(), 10'000u);
  EXPECT_EQ(order.free_position(), end);
  for (int i = 0; i < 5000; ++i) round(3000);
  EXPECT_LT(order.capacity(), 20'000u) << "what is needed all the time is kept";
  EXPECT_EQ(order.free_position(), end);
}

TEST(TimeOrder, stays_in_order_and_small_over_a_long_run_that_never_empties) {
  TimeOrder order;
  std::mt19937 random(7);
  uint64_t last = 0;
  uint64_t end = 0;
  size_t most = 0;
  for (uint64_t now = 1000; now < 2'000'000; now += 10) {
    order.add({now + random() % 100, ++end, nullptr, 0, 0});
    for (const TimeOrder::Item* item = order.oldest(); item != nullptr && item->ts_ns + 100 <= now;
         item = order.oldest()) {
      EXPECT_LE(last, item->ts_ns);
      last = item->ts_ns;
      order.release();
    }
    most = std::max(most, order.size());
  }
  EXPECT_LT(most, 50u);
  EXPECT_FALSE(order.empty());
  EXPECT_GT(order.free_position(), end - 50);
}

}  // namespace
}  // namespace gyr
