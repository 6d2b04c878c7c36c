// SPDX-License-Identifier: Apache-2.0
#include "event/event_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace gyr {
namespace {

std::vector<uint8_t> open_event(int64_t fd, std::string_view name) {
  EventBuilder builder;
  builder.begin(Ev::OPEN_X, 17, 4711);
  builder.add_value(fd);
  builder.add_text(name);
  builder.add_value(uint32_t{1});
  const Bytes bytes = builder.finish();
  return {bytes.begin(), bytes.end()};
}

TEST(EventView, DecodesWhatTheBuilderWrote) {
  const std::vector<uint8_t> bytes = open_event(-2, "/etc/passwd");
  EventView event;
  ASSERT_TRUE(event.decode({bytes, 3, 0}));
  EXPECT_EQ(event.type(), Ev::OPEN_X);
  EXPECT_EQ(event.ts_ns(), 17u);
  EXPECT_EQ(event.tid(), 4711);
  EXPECT_EQ(event.cpu(), 3);
  EXPECT_EQ(event.nparams(), 3u);
  EXPECT_EQ(event.result(), -2);
  EXPECT_TRUE(event.has_result());
  EXPECT_FALSE(event.succeeded());
  EXPECT_EQ(event.text(1), "/etc/passwd");
  EXPECT_EQ(event.get<uint32_t>(2), 1u);
  EXPECT_FALSE(event.has(5));  // the event carries fewer than the table knows
  EXPECT_EQ(event.get<uint64_t>(5, 99), 99u);
}

TEST(EventView, NullTexts) {
  for (const char* text : {"(NULL)"}) {
    const std::vector<uint8_t> bytes = open_event(3, text);
    EventView event;
    ASSERT_TRUE(event.decode({bytes, 0, 0}));
    EXPECT_TRUE(event.is_null_text(1));
    EXPECT_TRUE(event.is_null_text(4));
    EXPECT_FALSE(event.is_null_text(0));
  }
}

TEST(EventView, LargeEventsHaveWideLengths) {
  EventBuilder builder;
  builder.begin(Ev::PLUGINEVENT_E, 1, -1);
  builder.add_value(uint32_t{4});
  const std::string payload(70'000, 'x');
  builder.add(as_bytes(payload));
  const Bytes record = builder.finish();
  EventView event;
  ASSERT_TRUE(event.decode({record, 0, 0}));
  EXPECT_EQ(event.param(1).size(), payload.size());
  EXPECT_EQ(event.param(1).data() - record.data(), 38);
}

// Few and many parameters, known and unknown ones, and records too short for the quick way give
// what a walk over the lengths gives.
TEST(EventView, ParametersAreWhereTheLengthsSay) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    const auto type = static_cast<Ev>(random() % kEventCount);
    const EventInfo& info = event_info(type);
    std::vector<std::string> params(random() % (info.nparams + 3u));
    EventBuilder builder;
    builder.begin(type, 1, 2);
    for (std::string& param : params) {
      param.assign(random() % 4 == 0 ? 0 : random() % 20, static_cast<char>(random()));
      builder.add(as_bytes(param));
    }
    const Bytes bytes = builder.finish();
    // Just the record, so that a sanitizer sees whoever reads behind it.
    const std::vector<uint8_t> record(bytes.begin(), bytes.end());
    EventView event;
    ASSERT_TRUE(event.decode({record, 0, 0}));
    ASSERT_EQ(event.nparams(), std::min<size_t>(params.size(), info.nparams));
    for (size_t i = 0; i < kMaxParams; ++i) {
      const bool there = i < event.nparams();
      ASSERT_EQ(as_text(event.param(i)), there ? params[i] : "") << info.code << ' ' << i;
    }
  }
}

TEST(EventView, EveryCutIsRefused) {
  const std::vector<uint8_t> bytes = open_event(3, "name");
  for (size_t size = 0; size < bytes.size(); ++size) {
    EventView event;
    EXPECT_FALSE(event.decode({Bytes(bytes).first(size), 0, 0})) << size;
  }
}

TEST(EventView, LyingLengthsAreRefused) {
  std::vector<uint8_t> bytes = open_event(3, "name");
  EventView event;
  bytes[22] = 0xff;  // nparams
  EXPECT_FALSE(event.decode({bytes, 0, 0}));
  bytes = open_event(3, "name");
  bytes[28] = 0xff;  // length of the second parameter
  EXPECT_FALSE(event.decode({bytes, 0, 0}));
  bytes = open_event(3, "name");
  bytes[20] = 0xc6;  // type 454, one past the last
  bytes[21] = 0x01;
  EXPECT_FALSE(event.decode({bytes, 0, 0}));
}

}  // namespace
}  // namespace gyr
