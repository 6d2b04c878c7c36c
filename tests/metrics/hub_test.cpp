// SPDX-License-Identifier: Apache-2.0
#include "metrics/hub.h"

#include <gtest/gtest.h>

#include <thread>

namespace gyr {
namespace {

using std::chrono::milliseconds;

SampleHub::Sample at(uint64_t monotonic_ns) {
  auto sample = std::make_shared<MetricsSample>();
  sample->monotonic_ns = monotonic_ns;
  return sample;
}

TEST(SampleHub, NothingIsAskedForWhatIsFresh) {
  SampleHub hub;
  EXPECT_FALSE(hub.is_wanted());
  hub.publish(at(1000));
  EXPECT_EQ(hub.get(1500, 500, milliseconds(0))->monotonic_ns, 1000u);
  EXPECT_FALSE(hub.is_wanted());
}

TEST(SampleHub, AnOldSampleIsBetterThanNoneWhenTheLoopStands) {
  SampleHub hub;
  EXPECT_EQ(hub.get(1500, 500, milliseconds(1)), nullptr);
  EXPECT_TRUE(hub.is_wanted());
  hub.publish(at(1000));
  EXPECT_FALSE(hub.is_wanted());
  EXPECT_EQ(hub.get(1501, 500, milliseconds(1))->monotonic_ns, 1000u);
  EXPECT_TRUE(hub.is_wanted());
}

// Several threads ask while one publishes, as the engine's does.
TEST(SampleHub, EverybodyGetsAFreshOne) {
  SampleHub hub;
  std::atomic<bool> done{false};
  std::thread engine([&] {
    for (uint64_t now = 1; !done; ++now) {
      hub.beat(now);
      if (hub.is_wanted()) hub.publish(at(1'000'000));
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto sample = hub.get(1'000'000, 0, std::chrono::seconds(60));
        ASSERT_NE(sample, nullptr);
        EXPECT_EQ(sample->monotonic_ns, 1'000'000u);
        EXPECT_FALSE(hub.trouble().empty());
        hub.beat_ns();
      }
    });
  }
  for (std::thread& asker : askers) asker.join();
  done = true;
  engine.join();
}

}  // namespace
}  // namespace gyr
