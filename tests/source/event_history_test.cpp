// SPDX-License-Identifier: Apache-2.0
// The ring of the last events: whatever comes in whatever sizes, it holds the newest ones without a
// gap, in its memory, and its state is the one that the oldest of them finds.
#include "source/event_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace gyr {
namespace {

constexpr uint64_t kSecond_ns = 1'000'000'000;

struct History : testing::Test {
  void SetUp() override {
    SnapshotThread& cat = snapshot.threads.emplace_back();
    cat.tid = cat.pid = cat.vtid = cat.vpid = 7;
    cat.ptid = 1;
    cat.comm = "cat";
  }
  // An open of descriptor 3 by thread 7.
  Record open(uint64_t ts_ns, const std::string& name) {
    builder.begin(Ev::OPEN_X, ts_ns, 7);
    builder.add_value<int64_t>(3);
    builder.add_text(name);
    for (int i = 0; i < 3; ++i) builder.add_value<uint32_t>(0);
    builder.add_value<uint64_t>(0);
    note.clear();
    if (name.size() % 3 == 0) note.assign(name.begin(), name.end());
    return {.bytes = builder.finish(), .cpu = 5, .flags = 0, .note = note};
  }
  // Name of the descriptor 3 in the state before the oldest record; "" if it is not open.
  static std::string name_before(EventHistory& history) {
    for (const SnapshotFd& fd : history.state_before().fds) {
      if (fd.fd == 3) return fd.name;
    }
    return "";
  }
  Snapshot snapshot;
  StrPool pool;
  EventBuilder builder;
  std::vector<uint8_t> note;
};

TEST_F(History, HoldsTheNewestWithoutAGapWhateverTheirSizes) {
  for (const uint64_t bytes : {256u, 1000u * 8u, 262144u}) {
    EventHistory history({bytes, 5 * kSecond_ns}, {}, pool);
    history.begin_section(snapshot);
    std::mt19937 random(static_cast<uint32_t>(bytes));
    std::deque<std::string> all;
    for (uint64_t i = 1; i < 3000; ++i) {
      const size_t length = random() % (random() % 20 == 0 ? bytes / 8 + 300 : 100);
      all.push_back("/" + std::to_string(i) + std::string(std::min<size_t>(length, 900), 'x'));
      history.push(open(i * kSecond_ns / 100, all.back()));
      ASSERT_LE(history.bytes(), bytes);
      size_t at = all.size() - history.count();
      if (i % 37 == 0) {
        ASSERT_EQ(name_before(history), at == 0 ? "" : all[at - 1]) << i;
      }
      history.for_each([&](const Record& record) {
        EventView event;
        ASSERT_TRUE(event.decode(record));
        ASSERT_EQ(event.text(1), all[at++]);
        ASSERT_EQ(record.cpu, 5);
        const std::string_view text = event.text(1);
        ASSERT_EQ(as_text(record.note), text.size() % 3 == 0 ? text : "");
      });
      ASSERT_EQ(at, all.size());
    }
    EXPECT_EQ(history.counters().records, 2999u);
    EXPECT_EQ(history.is_short_of_room(), bytes < 262144u);
    EXPECT_EQ(history.counters().too_large > 0, bytes == 256u);
  }
}

TEST_F(History, WhatIsOldGoesALittleAtATime) {
  EventHistory history({1 << 20, 5 * kSecond_ns}, {}, pool);
  history.begin_section(snapshot);
  for (int i = 0; i < 1000; ++i) history.push(open(kSecond_ns, "/" + std::to_string(i)));
  EXPECT_EQ(history.count(), 1000u);
  EXPECT_EQ(history.oldest_ts_ns(), kSecond_ns);
  history.push(open(7 * kSecond_ns, "/new"));
  EXPECT_LT(history.count(), 1001u);
  EXPECT_GT(history.count(), 900u) << "detection waits for this";
  history.tidy(7 * kSecond_ns);
  EXPECT_EQ(history.count(), 1u);
  for (int i = 0; i < 100; ++i) history.push(open(7 * kSecond_ns, "/new"));
  EXPECT_EQ(history.count(), 101u);
  EXPECT_EQ(name_before(history), "/999");
  EXPECT_FALSE(history.is_short_of_room());
}

TEST_F(History, FindingsStandAmongTheEvents) {
  EventHistory history({4096, 5 * kSecond_ns}, {}, pool);
  history.begin_section(snapshot);
  const auto learn = [&](int64_t tid, uint64_t second) {
    FoundThread found;
    found.thread.tid = found.thread.pid = tid;
    found.thread.ptid = 1;
    found.thread.comm = "found";
    history.learn(found, second * kSecond_ns);
  };
  const auto knows = [&](int64_t tid) {
    for (const SnapshotThread& thread : history.state_before().threads) {
      if (thread.tid == tid) return true;
    }
    return false;
  };
  learn(8, 1);
  EXPECT_TRUE(knows(8)) << "nothing stands before it";
  history.push(open(1 * kSecond_ns, "/a"));
  learn(9, 1);
  EXPECT_FALSE(knows(9)) << "the oldest event was before it was found";
  EXPECT_EQ(history.count(), 2u);
  history.push(open(2 * kSecond_ns, "/b"));
  history.push(open(7 * kSecond_ns, "/c"));
  EXPECT_TRUE(knows(9)) << "it goes with the event before it";
  EXPECT_EQ(history.count(), 2u);
  history.begin_section(snapshot);
  EXPECT_TRUE(history.empty());
  EXPECT_FALSE(knows(8));
  EXPECT_EQ(history.counters().unreadable, 0u);
}

TEST_F(History, LooksNothingUpItself) {
  StateSettings state;
  state.live = true;
  int asked = 0;
  state.find_thread = [&](int64_t) {
    ++asked;
    return std::nullopt;
  };
  state.on_finding = [&](const Finding&) { ++asked; };
  EventHistory history({64, kSecond_ns}, state, pool);
  history.begin_section(Snapshot());
  for (int i = 0; i < 10; ++i) history.push(open(kSecond_ns, "/a"));
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace gyr
