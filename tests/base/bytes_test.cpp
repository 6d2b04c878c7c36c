// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

#include "base/arena.h"
#include "base/bounded_queue.h"

namespace gyr {
namespace {

TEST(ByteReader, ErrorSticks) {
  const std::array<uint8_t, 5> bytes = {1, 0, 2, 0, 9};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read<uint16_t>(), 1);
  EXPECT_EQ(reader.read<uint16_t>(), 2);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.read<uint16_t>(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read<uint8_t>(), 0);  // one byte is left, but the reader has failed
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Arena, KeepsWhatItGaveUntilReset) {
  Arena arena;
  const std::string_view small = arena.copy("hello");
  const std::string big(100'000, 'x');
  const std::string_view large = arena.copy(big);
  EXPECT_EQ(small, "hello");
  EXPECT_EQ(large, big);
  arena.reset();
  EXPECT_EQ(arena.copy("again"), "again");
}

TEST(BoundedQueue, FullQueueRefusesOrWaits) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_FALSE(queue.try_push(2));
  std::thread producer([&] { queue.push(3); });
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 3);
  producer.join();
  queue.close();
  EXPECT_FALSE(queue.push(4));
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BoundedQueue, CloseDeliversWhatIsQueued) {
  BoundedQueue<int> queue(4);
  queue.push(1);
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

}  // namespace
}  // namespace gyr
