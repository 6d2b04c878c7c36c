// SPDX-License-Identifier: Apache-2.0
#include "engine/governor.h"

#include <gmock/gmock.h>

#include <memory>

#include "field/fields.h"
#include "rules/loader.h"

namespace gyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// fchmod only matters to a rule below the protected priority; openat to one above it.
constexpr std::string_view kRules = R"(
- rule: important
  desc: d
  condition: evt.type = openat and fd.name = /secret
  output: o
  priority: WARNING
- rule: nice to have
  desc: d
  condition: evt.type in (fchmod, openat)
  output: o
  priority: NOTICE
- rule: both
  desc: d
  condition: evt.type in (fchownat, mkdir)
  output: o
  priority: INFO
- rule: important too
  desc: d
  condition: evt.type = mkdir
  output: o
  priority: ERROR
)";

constexpr std::string_view kNeedsAll = R"(
- rule: important
  desc: d
  condition: evt.type in (openat, fchmod)
  output: o
  priority: CRITICAL
)";

constexpr uint64_t kSecond = 1'000'000'000;

class GovernorTest : public testing::Test {
 protected:
  GovernorTest() { make(kRules); }
  void make(std::string_view text) {
    LoadSettings load;
    load.dialect = {.fields = all_fields(), .event_types = kEventCount};
    const RuleSource source{"test.yaml", std::string(text)};
    const LoadResult loaded = load_rules(std::span(&source, 1), load);
    ASSERT_TRUE(loaded.ok());
    settings.collected = plan_syscalls(syscalls_of_rules(*loaded.ruleset), {}).collected;
    governor = std::make_unique<Governor>(settings, *loaded.ruleset);
    governor->look(now_ns, load_);
  }
  // A second passes in which so many events are lost.
  std::optional<Governor::Decision> second(uint64_t lost) {
    now_ns += kSecond;
    load_.lost += lost;
    return governor->look(now_ns, load_);
  }
  std::optional<Governor::Decision> seconds(int count, uint64_t lost) {
    for (int i = 0; i < count; ++i) {
      if (auto decided = second(lost)) return decided;
    }
    return std::nullopt;
  }
  void talk(int64_t pid, uint64_t events) {
    for (uint64_t i = 0; i < events; ++i) governor->count(pid);
  }
  GovernorSettings settings;
  std::unique_ptr<Governor> governor;
  Load load_;
  uint64_t now_ns = 100 * kSecond;
};

std::vector<std::string_view> names(const std::vector<Sc>& calls) {
  std::vector<std::string_view> out;
  for (const Sc call : calls) out.push_back(sc_info(static_cast<uint16_t>(call))->name);
  return out;
}

TEST_F(GovernorTest, without_pressure_it_does_nothing) {
  EXPECT_FALSE(seconds(100, 0));
  EXPECT_FALSE(governor->counts());
}

// Losses are counted while the counters are read.
TEST_F(GovernorTest, a_number_of_losses_that_goes_back_is_no_pressure) {
  seconds(2, 10);
  load_.lost -= 1;
  EXPECT_FALSE(second(0));
  EXPECT_EQ(governor->reductions(), 1u);
  const auto decided = second(10);
  ASSERT_TRUE(decided);
  EXPECT_EQ(decided->why, "10 events/s lost");
}

TEST_F(GovernorTest, talkers_lose_first_and_only_what_no_important_rule_needs) {
  EXPECT_FALSE(second(10)) << "first it looks who talks";
  EXPECT_TRUE(governor->counts());
  talk(7, 1000);
  talk(8, 20);
  talk(9, 400);
  const auto decided = second(10);
  ASSERT_TRUE(decided);
  EXPECT_TRUE(decided->reduced);
  EXPECT_THAT(decided->shedding.talkers, ElementsAre(7, 9));
  EXPECT_THAT(names(decided->shedding.calls), ElementsAre("fchmod", "fchownat"));
  EXPECT_FALSE(decided->shedding.of_everybody);
  EXPECT_THAT(decided->rules, ElementsAre("nice to have", "both"));
  EXPECT_EQ(decided->why, "10 events/s lost");
  EXPECT_EQ(
      decided->what,
      "fchmod, fchownat, and what is not critical while a ring is half full, of processes 7, 9");
}

TEST_F(GovernorTest, then_everybody_and_then_it_says_that_nothing_is_left) {
  second(10);
  talk(7, 1000);
  ASSERT_TRUE(second(10));
  talk(7, 1000);
  const auto all = second(10);
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->shedding.of_everybody);
  EXPECT_EQ(all->what, "fchmod, fchownat of all processes");
  EXPECT_THAT(all->shedding.talkers, ElementsAre(7));
  const auto last = second(10);
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->exhausted);
  EXPECT_FALSE(seconds(20, 10)) << "said once";
}

TEST_F(GovernorTest, steps_are_taken_back_one_by_one_when_it_is_calm) {
  second(10);
  talk(7, 1000);
  second(10);
  second(10);
  EXPECT_EQ(governor->step(), Governor::Step::Everybody);
  EXPECT_FALSE(seconds(10, 0));
  const auto first = second(0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->reduced);
  EXPECT_EQ(governor->step(), Governor::Step::Talkers);
  EXPECT_FALSE(seconds(9, 0));
  const auto second_step = second(0);
  ASSERT_TRUE(second_step);
  EXPECT_TRUE(second_step->shedding.calls.empty());
  EXPECT_TRUE(second_step->shedding.talkers.empty());
  EXPECT_EQ(second_step->what, "nothing");
  EXPECT_FALSE(seconds(100, 0));
  EXPECT_FALSE(governor->counts());
}

// Otherwise it would swing with the load that it takes away.
TEST_F(GovernorTest, pressure_that_comes_back_at_once_makes_it_wait_longer) {
  const auto press = [&] {
    while (governor->step() == Governor::Step::None) {
      talk(7, 1000);
      second(10);
    }
  };
  const auto calm_until_restored = [&] {
    int waited = 0;
    while (governor->step() != Governor::Step::None) {
      second(0);
      ++waited;
    }
    return waited;
  };
  press();
  const int once = calm_until_restored();
  press();
  const int twice = calm_until_restored();
  EXPECT_GE(twice, 2 * once - 2);
  EXPECT_FALSE(seconds(1000, 0));
  press();
  EXPECT_LE(calm_until_restored(), once) << "long ago is forgotten";
}

TEST_F(GovernorTest, pressure_in_every_other_second_is_met_too) {
  second(10);
  second(0);
  talk(7, 1000);
  const auto decided = second(10);
  ASSERT_TRUE(decided);
  EXPECT_THAT(decided->shedding.talkers, ElementsAre(7));
}

TEST_F(GovernorTest, that_nothing_is_left_is_said_again_after_a_calm_while) {
  make(kNeedsAll);
  const auto first = seconds(3, 10);  // nobody talks much
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->exhausted);
  EXPECT_FALSE(seconds(20, 0));
  const auto again = seconds(3, 10);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->exhausted);
}

TEST_F(GovernorTest, cpu_and_rings_are_limits_too) {
  load_.ring_fill = 0.9;
  second(0);
  load_.ring_fill = 0.8;
  const auto ring = second(0);
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->why, "a ring was 80 % full");
  load_.ring_fill = 0;
  load_.cpu_ns += 3 * kSecond / 2;
  const auto cpu = second(0);
  ASSERT_TRUE(cpu);
  EXPECT_EQ(cpu->why, "150 % of a CPU used");
}

TEST_F(GovernorTest, limits_that_are_off_do_not_count) {
  settings.max_cpu_percent = 0;
  settings.max_ring_fill_percent = 0;
  settings.max_lost_per_second = 1000;
  make(kRules);
  load_.ring_fill = 1;
  for (int i = 0; i < 10; ++i) {
    load_.cpu_ns += 100 * kSecond;
    EXPECT_FALSE(second(1000));
  }
  settings.enabled = false;
  make(kRules);
  EXPECT_FALSE(seconds(10, 5000));
}

TEST_F(GovernorTest, when_important_rules_need_everything_the_loudest_still_yield_the_ring) {
  make(kNeedsAll);
  second(10);
  talk(7, 1000);
  const auto decided = second(10);
  ASSERT_TRUE(decided);
  EXPECT_THAT(decided->shedding.talkers, ElementsAre(7));
  EXPECT_TRUE(decided->shedding.calls.empty());
  EXPECT_TRUE(decided->rules.empty());
  EXPECT_THAT(decided->what, HasSubstr("process 7"));
  const auto last = second(10);
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->exhausted);
}

}  // namespace
}  // namespace gyr
