// SPDX-License-Identifier: Apache-2.0
// The upgrade of old events: single rules, chains, the memory for enter events, and a walk over
// every rule.
#include "capture/upgrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "capture/capture_builder.h"
#include "capture/conversions.h"

namespace gyr::test {
namespace {

using testing::HasSubstr;

using Params = std::vector<std::string>;

std::string zeros(size_t size) { return std::string(size, '\0'); }
std::string num(Ev type, size_t param) {
  return std::string(event_info(type).code) + "." + std::to_string(param);
}

// Feeds hand-made events to one upgrader.
class Feed {
 public:
  std::optional<Upgrade> last;
  // The parameters of the upgraded event, or none when it was not delivered.
  std::optional<Params> give(Ev type, const Params& params, int64_t tid = 1) {
    Event event{static_cast<uint16_t>(type), params, tid, 99};
    given = record(event);
    Record rec{as_bytes(given), 7, 0};
    last = upgrader.upgrade(&rec);
    if (*last != Upgrade::Keep) return std::nullopt;
    EventView view;
    EXPECT_TRUE(view.decode(rec));
    EXPECT_EQ(view.tid(), tid);
    EXPECT_EQ(view.ts_ns(), 99u);
    EXPECT_EQ(view.cpu(), 7u);
    became = view.type();
    untouched = rec.bytes.data() == as_bytes(given).data();
    Params result;
    const auto count = load<uint32_t>(rec.bytes.data() + 22);
    for (size_t i = 0; i < count; ++i) result.emplace_back(as_text(view.param(i)));
    return result;
  }
  Upgrader upgrader;
  Ev became = Ev::GENERIC_E;
  bool untouched = false;
  std::string given;
};

TEST(Upgrade, CurrentEventsStayWhereTheyLie) {
  Feed feed;
  const Params params{le<int64_t>(0), le<int64_t>(3)};
  EXPECT_EQ(feed.give(Ev::CLOSE_X, params), params);
  EXPECT_TRUE(feed.untouched);
  // An event that no rule manages may have more parameters than we know.
  EXPECT_TRUE(feed.give(Ev::PLUGINEVENT_E, {}));
  EXPECT_EQ(feed.upgrader.counters().converted, 0u);
}

TEST(Upgrade, AnExitEventGetsWhatItsEnterEventSaid) {
  Feed feed;
  EXPECT_EQ(feed.give(Ev::READ_E, {le<int64_t>(5), le<uint32_t>(512)}), std::nullopt);
  EXPECT_EQ(feed.last, Upgrade::Drop);
  const Params old{le<int64_t>(3), "abc"};
  const Params full{le<int64_t>(3), "abc", le<int64_t>(5), le<uint32_t>(512)};
  EXPECT_EQ(feed.give(Ev::READ_X, old), full);
  // It is used once; without it the defaults stand.
  const Params without{le<int64_t>(3), "abc", zeros(8), zeros(4)};
  EXPECT_EQ(feed.give(Ev::READ_X, old), without);
  // Fallback "empty" differs from "default".
  EXPECT_EQ(feed.give(Ev::SETUID_X, {le<int64_t>(0)}), (Params{le<int64_t>(0), ""}));
}

TEST(Upgrade, EnterEventsAreKeptPerThread) {
  Feed feed;
  feed.give(Ev::CLOSE_E, {le<int64_t>(11)}, 1);
  feed.give(Ev::CLOSE_E, {le<int64_t>(22)}, 2);
  feed.give(Ev::CLOSE_E, {le<int64_t>(33)}, 1);  // replaces the first
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {le<int64_t>(0)}, 2), (Params{le<int64_t>(0), le<int64_t>(22)}));
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {le<int64_t>(0)}, 1), (Params{le<int64_t>(0), le<int64_t>(33)}));
  feed.give(Ev::CLOSE_E, {le<int64_t>(44)}, 1);
  feed.upgrader.restart();
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {le<int64_t>(0)}, 1), (Params{le<int64_t>(0), zeros(8)}));
}

TEST(Upgrade, AnEnterEventOfAnotherCallSaysNothing) {
  Feed feed;
  feed.give(Ev::CLOSE_E, {le<int64_t>(5)});
  EXPECT_EQ(feed.give(Ev::READ_X, {le<int64_t>(3), "abc"}),
            (Params{le<int64_t>(3), "abc", zeros(8), zeros(4)}));
  EXPECT_EQ(feed.upgrader.counters().enters_mismatched, 1u);
  // The call it belongs to can still use it.
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {le<int64_t>(0)}), (Params{le<int64_t>(0), le<int64_t>(5)}));
}

TEST(Upgrade, AParameterTheEnterEventLacksIsEmpty) {
  Feed feed;
  // An enter event with another number of parameters has no rule, so a stored one is always whole:
  // what can be missing is what it carries empty.
  feed.give(Ev::CLOSE_E, {""});
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {le<int64_t>(0)}), (Params{le<int64_t>(0), ""}));
}

TEST(Upgrade, TheLongestChainIsWalked) {
  Feed feed;
  EXPECT_EQ(feed.give(Ev::EXECVE_8_E, {}), (Params{""}));
  EXPECT_EQ(feed.became, Ev::EXECVE_19_E);
  Params old;
  for (int i = 0; i < 8; ++i) old.push_back("o" + std::to_string(i));
  const std::optional<Params> full = feed.give(Ev::EXECVE_8_X, old);
  ASSERT_TRUE(full);
  EXPECT_EQ(feed.became, Ev::EXECVE_19_X);
  ASSERT_EQ(full->size(), 31u);
  for (size_t i = 0; i < 31; ++i) EXPECT_EQ((*full)[i], i < 8 ? old[i] : "") << i;
}

TEST(Upgrade, TypesChangeWithTheirParametersInPlace) {
  Feed feed;
  Params clone;
  for (int i = 0; i < 11; ++i) clone.push_back("c" + std::to_string(i));
  const std::optional<Params> full = feed.give(Ev::CLONE_11_X, clone);
  ASSERT_TRUE(full);
  EXPECT_EQ(feed.became, Ev::CLONE_20_X);
  // 11 -> 16 puts five in front of o8, 16 -> 17 and 17 -> 20 more, 20 -> 21 one at the end.
  const Params expected{"c0", "c1", "c2", "c3", "c4", "c5", "c6",  "c7", "", "", "",
                        "",   "",   "",   "",   "c8", "c9", "c10", "",   "", ""};
  EXPECT_EQ(*full, expected);

  EXPECT_EQ(feed.give(Ev::NEWSELECT_X, {"r"}), (Params{"r"}));
  EXPECT_EQ(feed.became, Ev::SELECT_X);
  feed.give(Ev::LINKAT_E, {"a", "b", "c", "d"});
  EXPECT_EQ(feed.give(Ev::LINKAT_X, {"r"}), (Params{"r", "a", "b", "c", "d", ""}));
  EXPECT_EQ(feed.became, Ev::LINKAT_2_X);
}

TEST(Upgrade, ContainersBecomeJson) {
  Feed feed;
  const std::optional<Params> full = feed.give(
      Ev::CONTAINER_E,
      {zeros(0) + "id\"1" + zeros(1), le<uint32_t>(3), "na\nme" + zeros(1), "im\\age" + zeros(1)});
  ASSERT_TRUE(full);
  EXPECT_EQ(feed.became, Ev::CONTAINER_JSON_2_E);
  EXPECT_EQ((*full)[0],
            "{\"id\":\"id\\\"1\",\"type\":3,\"name\":\"na\\u000ame\",\"image\":\"im\\\\age\"}" +
                zeros(1));
}

TEST(Upgrade, WhatNobodyNeedsIsDropped) {
  Feed feed;
  for (const EventInfo& info : all_events()) {
    const bool unused = info.has(EF_UNUSED);
    const bool old_enter =
        info.has(EF_OLD_VERSION) && !info.has(EF_CONVERTER_MANAGED) && !info.is_exit();
    if (!unused && !old_enter) continue;
    EXPECT_EQ(feed.give(info.type, {}), std::nullopt) << info.code;
    EXPECT_EQ(feed.last, Upgrade::Drop) << info.code;
    // Also with a number of parameters that could be taken for a mark of the table.
    EXPECT_EQ(feed.give(info.type, Params(254)), std::nullopt) << info.code;
    EXPECT_EQ(feed.last, Upgrade::Drop) << info.code;
  }
  EXPECT_GT(feed.upgrader.counters().dropped, 100u);
}

TEST(Upgrade, WhatCannotBeUpgradedIsNamed) {
  const struct {
    Ev type;
    size_t count;
    const char* reason;
  } cases[] = {
      {Ev::READ_E, 1, "no rule to upgrade event READ_E with 1 parameters"},
      {Ev::READ_X, 3, "no rule to upgrade event READ_X with 3 parameters"},
      {Ev::READ_X, 5,
       "event READ_X has 5 parameters: it is newer than this program, which knows 4"},
      {Ev::READ_E, 40, "no rule to upgrade event READ_E with 40 parameters"},
      {Ev::EXECVE_8_X, 0, "no rule to upgrade event EXECVE_8_X with 0 parameters"},
  };
  for (const auto& c : cases) {
    Feed feed;
    EXPECT_EQ(feed.give(c.type, Params(c.count)), std::nullopt);
    EXPECT_EQ(feed.last, Upgrade::Failed);
    EXPECT_THAT(feed.upgrader.reason(), HasSubstr(c.reason));
  }
}

TEST(Upgrade, AnEventThatGrowsTooLongIsRefused) {
  Feed feed;
  // Header, four lengths, result, fd, size and this just fit 65536 bytes.
  const size_t most = 65536 - 26 - 4 * 2 - 8 - 8 - 4;
  EXPECT_TRUE(feed.give(Ev::WRITE_X, {zeros(8), std::string(most, 'w')}));
  EXPECT_EQ(feed.give(Ev::WRITE_X, {zeros(8), std::string(most + 1, 'w')}), std::nullopt);
  EXPECT_THAT(feed.upgrader.reason(), HasSubstr("has 65537 bytes after the upgrade"));
}

TEST(Upgrade, TheMemoryForEnterEventsIsBounded) {
  Feed feed;
  for (int64_t tid = 0; tid < 65'536 + 10; ++tid) feed.give(Ev::CLOSE_E, {le<int64_t>(tid)}, tid);
  EXPECT_EQ(feed.upgrader.counters().enters_evicted, 10u);
  // The oldest went.
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {zeros(8)}, 9), (Params{zeros(8), zeros(8)}));
  EXPECT_EQ(feed.give(Ev::CLOSE_X, {zeros(8)}, 10), (Params{zeros(8), le<int64_t>(10)}));
  Feed large;
  const std::string path(60'000, 'p');
  for (int64_t tid = 0; tid < 1'200; ++tid) large.give(Ev::EXECVE_19_E, {path}, tid);
  EXPECT_GT(large.upgrader.counters().enters_evicted, 50u);
  EXPECT_LT(large.upgrader.counters().enters_evicted, 200u);
}

// Every rule, applied to an event whose parameters name themselves, leads to a current event in
// which each parameter comes from where the rule says; chains end.
TEST(Upgrade, EveryRuleLeadsToACurrentEvent) {
  size_t rules = 0;
  for (const EventInfo& info : all_events()) {
    for (uint32_t count = 0; count <= kMaxParams; ++count) {
      const Conversion* rule = find_conversion(info.type, count);
      if (rule == nullptr) continue;
      ++rules;
      SCOPED_TRACE(std::string(info.code) + "/" + std::to_string(count));
      Feed feed;
      Params params;
      for (uint32_t i = 0; i < count; ++i) params.push_back(num(info.type, i));
      const std::optional<Params> result = feed.give(info.type, params);
      ASSERT_NE(feed.last, Upgrade::Failed) << feed.upgrader.reason();
      if (!result) {
        // Enter events are remembered at the end of their chain.
        EXPECT_EQ(feed.last, Upgrade::Drop);
        EXPECT_FALSE(info.is_exit());
        continue;
      }
      EXPECT_NE(rule->action, Action::store);
      ASSERT_TRUE(result);
      const EventInfo& now = event_info(feed.became);
      EXPECT_FALSE(now.has(EF_UNUSED));
      EXPECT_TRUE(!now.is_exit() || result->size() == now.nparams);
      if (rule->action != Action::add_params) continue;
      // What was there stays in front.
      ASSERT_GE(result->size(), params.size());
      for (size_t i = 0; i < params.size(); ++i) EXPECT_EQ((*result)[i], params[i]);
    }
  }
  EXPECT_EQ(rules, 253u);
}

// Every exit event that takes parameters from its enter event finds them there.
TEST(Upgrade, EveryRuleThatReadsTheEnterEventFindsIt) {
  size_t read = 0;
  for (const EventInfo& info : all_events()) {
    for (uint32_t count = 0; info.is_exit() && count <= kMaxParams; ++count) {
      const Conversion* rule = find_conversion(info.type, count);
      if (rule == nullptr) continue;
      SCOPED_TRACE(std::string(info.code) + "/" + std::to_string(count));
      const Ev enter = static_cast<Ev>(static_cast<uint16_t>(info.type) - 1);
      Feed feed;
      Params said;
      for (size_t i = 0; i < event_info(enter).nparams; ++i) said.push_back(num(enter, i));
      feed.give(enter, said);
      ASSERT_NE(feed.last, Upgrade::Failed);
      const std::optional<Params> result = feed.give(info.type, Params(count));
      ASSERT_TRUE(result);
      const bool same_type = rule->action == Action::add_params;
      size_t at = same_type ? count : 0;
      for (const Fill& fill : rule->fills()) {
        if (fill.source == FillSource::from_enter) {
          const size_t most = type_info(event_info(rule->to).params()[at].type).size_max;
          ++read;
          EXPECT_EQ((*result)[at], num(enter, fill.param).substr(0, most));
        }
        ++at;
      }
    }
  }
  EXPECT_GT(read, 150u);
}

}  // namespace
}  // namespace gyr::test
