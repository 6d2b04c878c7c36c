// SPDX-License-Identifier: Apache-2.0
#include "engine/alert_limiter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kBegin = 1000 * kSecond;

struct Limited : testing::Test {
  Limited() {
    rules.resize(3);
    for (size_t i = 0; i < rules.size(); ++i) rules[i].name = "rule " + std::to_string(i);
    rules[0].priority = Priority::Critical;
    rules[1].priority = Priority::Warning;
    rules[2].priority = Priority::Notice;
    rules[2].tags = {"noisy"};
  }
  AlertLimiter make(AlertLimiterSettings settings) const {
    std::vector<const Rule*> pointers;
    for (const Rule& rule : rules) pointers.push_back(&rule);
    return {std::move(settings), pointers, 7};
  }
  static AlertLimit window(std::string rule, uint64_t seconds) {
    return {.rule = std::move(rule), .tag = "", .window_ns = seconds * kSecond};
  }

  std::vector<Rule> rules;
};

uint64_t sum(const std::vector<SuppressedAlerts>& told) {
  uint64_t count = 0;
  for (const SuppressedAlerts& each : told) count += each.count;
  return count;
}

TEST_F(Limited, RepeatsAreToldOnceWithTheirNumber) {
  AlertLimiter limiter = make({.limits = {window("rule 1", 60)}});
  EXPECT_TRUE(limiter.admit(1, "a", kBegin));
  for (uint64_t i = 1; i <= 5; ++i) EXPECT_FALSE(limiter.admit(1, "a", kBegin + i * kSecond));
  EXPECT_TRUE(limiter.admit(1, "b", kBegin));
  EXPECT_TRUE(limiter.admit(2, "a", kBegin)) << "another rule";
  EXPECT_TRUE(limiter.admit(2, "a", kBegin)) << "it has no limit";
  EXPECT_FALSE(limiter.is_due(kBegin + 59 * kSecond));
  ASSERT_TRUE(limiter.is_due(kBegin + 60 * kSecond));
  const auto told = limiter.take_due(kBegin + 60 * kSecond);
  ASSERT_EQ(told.size(), 1u) << "nothing was left out of b";
  EXPECT_EQ(told[0].rule, "rule 1");
  EXPECT_EQ(told[0].key, "a");
  EXPECT_EQ(told[0].count, 5u);
  EXPECT_EQ(told[0].period_ns, 5 * kSecond);
  EXPECT_EQ(told[0].priority, Priority::Warning);
  EXPECT_TRUE(limiter.admit(1, "a", kBegin + 61 * kSecond)) << "a new window";
}

TEST_F(Limited, TheFirstLimitThatFitsCounts) {
  AlertLimit none{.rule = "", .tag = "noisy"};
  AlertLimiter limiter = make({.limits = {none, window("*", 60)}});
  EXPECT_FALSE(limiter.has_window(2));
  EXPECT_TRUE(limiter.has_window(0));
}

TEST_F(Limited, RatesOfARuleAndOfAll) {
  AlertLimit two{.rule = "rule 1", .tag = "", .max_per_second = 1, .burst = 2};
  AlertLimiter limiter = make({.limits = {two}, .max_per_second = 1, .burst = 3});
  int told = 0;
  for (int i = 0; i < 10; ++i) told += limiter.admit(1, "", kBegin) ? 1 : 0;
  EXPECT_EQ(told, 2);
  for (int i = 0; i < 10; ++i) told += limiter.admit(2, "", kBegin) ? 1 : 0;
  EXPECT_EQ(told, 3) << "of all together";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.admit(0, "", kBegin)) << "is protected";
  EXPECT_FALSE(limiter.is_due(kBegin + 9 * kSecond));
  const auto summary = limiter.take_due(kBegin + 10 * kSecond);
  ASSERT_EQ(summary.size(), 2u);
  EXPECT_EQ(summary[0].why, SuppressedAlerts::Why::TooMany);
  EXPECT_EQ(summary[0].count, 8u);
  EXPECT_EQ(summary[1].count, 9u);
  EXPECT_TRUE(limiter.take_all(kBegin + 10 * kSecond).empty());
}

// An alert that a limit leaves out begins no window: else nobody would see its key for so long.
TEST_F(Limited, WhatIsLeftOutBeginsNoWindow) {
  AlertLimit limit = window("rule 1", 60);
  limit.max_per_second = 1;
  limit.burst = 1;
  AlertLimiter limiter = make({.limits = {limit}});
  EXPECT_TRUE(limiter.admit(1, "a", kBegin));
  EXPECT_FALSE(limiter.admit(1, "b", kBegin));
  EXPECT_TRUE(limiter.admit(1, "b", kBegin + 2 * kSecond));
}

TEST_F(Limited, TheTableIsBoundedAndNothingIsHidden) {
  AlertLimiter limiter = make({.limits = {window("rule 1", 60), window("rule 2", 3600)}});
  uint64_t left_out = 0;
  uint64_t told = 0;
  constexpr size_t kKeys = AlertLimiter::kKeysMax * 3;
  for (size_t i = 0; i < kKeys; ++i) {
    const std::string key = std::to_string(i) + std::string(1000, 'x');
    EXPECT_TRUE(limiter.admit(1 + i % 2, key, kBegin + i));
    left_out += limiter.admit(1 + i % 2, key, kBegin + i) ? 0 : 1;
    for (const SuppressedAlerts& each : limiter.take_due(kBegin + i)) {
      told += each.count;
      EXPECT_LE(each.key.size(), AlertLimiter::kKeyTextMax);
    }
  }
  EXPECT_EQ(left_out, kKeys);
  EXPECT_EQ(told, kKeys - AlertLimiter::kKeysMax);
  EXPECT_EQ(sum(limiter.take_all(kBegin + kKeys)), AlertLimiter::kKeysMax);
}

// Whatever the clock does: each alert is told or counted, and a step back hides nothing for long.
TEST_F(Limited, ClockStepsHideNothing) {
  constexpr uint64_t kYear = 365ull * 24 * 3600 * kSecond;
  std::mt19937_64 random(3);
  for (const uint64_t step : {uint64_t{1}, kSecond, 3600 * kSecond, kYear}) {
    AlertLimit limit = window("*", 60);
    limit.max_per_second = 5;
    limit.burst = 5;
    AlertLimiter limiter = make({.limits = {limit}, .max_per_second = 7, .burst = 9});
    uint64_t now = kBegin + 2 * kYear;
    uint64_t admitted = 0, counted = 0;
    constexpr uint64_t kAlerts = 5000;
    for (uint64_t i = 0; i < kAlerts; ++i) {
      now += random() % (kSecond / 10);
      if (i % 500 == 250) now -= step;
      if (i % 500 == 400) now += 10 * step;
      admitted += limiter.admit(i % 3, std::to_string(i % 7), now) ? 1 : 0;
      counted += sum(limiter.take_due(now));
    }
    counted += sum(limiter.take_all(now));
    EXPECT_EQ(admitted + counted, kAlerts);
    now -= kYear;
    limiter.take_due(now);
    now += 2 * kSecond;
    EXPECT_TRUE(limiter.admit(0, "a key of its own", now)) << step;
  }
}

}  // namespace
}  // namespace gyr
