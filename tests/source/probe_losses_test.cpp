// SPDX-License-Identifier: Apache-2.0
// Which processes lost events, by a map of losers that changes while it is read, as the probe's.
#include "source/probe_losses.h"

#include <gmock/gmock.h>

#include <random>

namespace gyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int64_t kAny = LostEvents::kAnyProcess;

class FakeProbe {
 public:
  void lose(uint32_t pid) {
    lose_untold();
    gyr_loser& loser = losers.try_emplace(pid, gyr_loser{0, now_ns, 0}).first->second;
    ++loser.count;
    loser.last_ns = now_ns;
  }
  // The map had no room for the process.
  void lose_untold() {
    ++now_ns;
    ++cpus[0].lost[GYR_BULK];
    ++losses[0].lost[GYR_RING_FULL][0];
  }
  LoserMap map() {
    return {.next = [this](const uint32_t* before) -> std::optional<uint32_t> {
              auto at = before == nullptr ? losers.end() : losers.find(*before);
              at = at == losers.end() ? losers.begin() : std::next(at);
              if (at == losers.end()) return std::nullopt;
              return at->first;
            },
            .find = [this](uint32_t pid) -> std::optional<gyr_loser> {
              const auto at = losers.find(pid);
              if (at == losers.end()) return std::nullopt;
              const gyr_loser found = at->second;
              if (meanwhile) meanwhile(pid);
              return found;
            }};
  }
  std::vector<gyr_cpu> cpus = std::vector<gyr_cpu>(2);
  std::vector<gyr_losses> losses = std::vector<gyr_losses>(2);
  std::map<uint32_t, gyr_loser> losers;
  uint64_t now_ns = 1000;
  std::function<void(uint32_t pid)> meanwhile;  // after an entry has been read
};

class ProbeLossesTest : public testing::Test {
 protected:
  // What a look tells.
  std::vector<LostEvents> look() {
    losses.look(probe.now_ns);
    std::vector<LostEvents> told;
    while (losses.next_ns() != ProbeLosses::kNever) told.push_back(losses.take());
    return told;
  }
  std::vector<int64_t> losers() {
    std::vector<int64_t> pids;
    for (const LostEvents& each : look()) pids.push_back(each.pid);
    return pids;
  }
  FakeProbe probe;
  ProbeLosses losses{probe.cpus, probe.losses, probe.map(), [this] { return ++probe.now_ns; }};
};

TEST_F(ProbeLossesTest, processes_are_told_as_often_as_they_lost) {
  EXPECT_THAT(losers(), IsEmpty());
  probe.lose(7);
  probe.lose(8);
  probe.lose(7);
  EXPECT_THAT(losers(), UnorderedElementsAre(7, 8));
  EXPECT_THAT(losers(), IsEmpty());
  probe.lose(8);
  EXPECT_THAT(losers(), ElementsAre(8));
  probe.lose(7);
  probe.lose_untold();
  EXPECT_THAT(losers(), ElementsAre(kAny));
  probe.lose(7);
  EXPECT_THAT(losers(), ElementsAre(7));
}

TEST_F(ProbeLossesTest, an_entry_that_was_made_again_counts_anew) {
  for (int i = 0; i < 5; ++i) probe.lose(7);
  EXPECT_THAT(losers(), ElementsAre(7));
  probe.losers.erase(7);
  probe.lose(7);
  EXPECT_THAT(losers(), ElementsAre(7));
  probe.lose_untold();
  EXPECT_THAT(losers(), ElementsAre(kAny));
}

// The walk through the map begins again, past entries that it has seen.
TEST_F(ProbeLossesTest, a_walk_that_begins_again_hides_no_later_loss) {
  for (const uint32_t pid : {1u, 2u, 3u}) probe.lose(pid);
  EXPECT_THAT(losers(), UnorderedElementsAre(1, 2, 3));
  for (const uint32_t pid : {1u, 2u, 3u}) probe.lose(pid);
  probe.meanwhile = [this](uint32_t pid) {
    if (pid == 2) probe.losers.erase(2);
  };
  EXPECT_THAT(losers(), ElementsAre(kAny));
  probe.meanwhile = nullptr;
  probe.lose(3);
  EXPECT_THAT(losers(), ElementsAre(3)) << "the others are not told twice";
  probe.lose_untold();
  EXPECT_THAT(losers(), ElementsAre(kAny));
}

TEST_F(ProbeLossesTest, a_map_that_never_keeps_still_is_given_up) {
  uint32_t newest = 1;
  probe.lose(newest);
  probe.meanwhile = [&](uint32_t pid) {
    probe.lose(++newest);
    probe.losers.erase(pid - 1);
  };
  EXPECT_THAT(losers(), ElementsAre(kAny));
  probe.meanwhile = nullptr;
  EXPECT_THAT(losers(), ElementsAre(kAny)) << "what was lost since is told";
  probe.lose(5);
  EXPECT_THAT(losers(), ElementsAre(5));
}

TEST_F(ProbeLossesTest, losses_while_any_process_is_told_are_neither_told_twice_nor_hidden) {
  probe.lose(1);
  probe.lose_untold();
  int reads = 0;
  probe.meanwhile = [&](uint32_t) {
    if (++reads <= 2) probe.lose(1);
  };
  EXPECT_THAT(losers(), ElementsAre(kAny));
  EXPECT_THAT(losers(), IsEmpty());
  probe.lose(2);
  EXPECT_THAT(losers(), ElementsAre(2));
  probe.lose_untold();
  EXPECT_THAT(losers(), ElementsAre(kAny));
}

// Losses and evictions at random moments: once all is quiet, each loss has been told, and one whose
// process is not known is told of any.
TEST_F(ProbeLossesTest, whatever_happens_meanwhile_each_loss_is_told) {
  std::mt19937 random(1);
  std::map<int64_t, uint64_t> untold;  // by process, when it lost last
  const auto happen = [&] {
    const auto pid = static_cast<uint32_t>(1 + random() % 20);
    if (random() % 3 == 0) {
      probe.losers.erase(pid);
      return;
    }
    probe.lose(pid);
    untold[pid] = probe.now_ns;
  };
  const auto hear = [&] {
    for (const LostEvents& told : look()) {
      std::erase_if(untold, [&](const auto& each) {
        return (told.pid == kAny || told.pid == each.first) && each.second <= told.until_ns;
      });
    }
  };
  for (int round = 0; round < 2000; ++round) {
    for (auto count = random() % 5; count > 0; --count) happen();
    const bool is_quiet = round % 4 == 0;
    probe.meanwhile = [&](uint32_t) {
      if (!is_quiet && random() % 10 == 0) happen();
    };
    hear();
    if (!is_quiet) continue;
    hear();
    ASSERT_THAT(untold, IsEmpty()) << "round " << round;
    probe.lose_untold();
    ASSERT_THAT(losers(), ElementsAre(kAny)) << "round " << round;
  }
}

TEST_F(ProbeLossesTest, critical_losses_are_told_once) {
  probe.lose(7);
  losers();
  EXPECT_FALSE(losses.take_critical());
  ++probe.cpus[1].lost[GYR_CRITICAL_CLASS];
  EXPECT_THAT(losers(), ElementsAre(kAny));
  EXPECT_TRUE(losses.take_critical());
  EXPECT_FALSE(losses.take_critical());
}

TEST_F(ProbeLossesTest, each_reason_has_its_words) {
  for (size_t reason = 0; reason < GYR_REASONS; ++reason) {
    probe.losses[1].lost[reason][static_cast<size_t>(Sc::OPENAT)] = 10 + reason;
  }
  const auto table = losses.table();
  ASSERT_EQ(table.size(), size_t{GYR_REASONS});
  EXPECT_EQ(table[GYR_YIELDED].reason, LossReason::Yielded);
  EXPECT_EQ(losses_text(std::span(table).last(2)),
            "13 lost because their process talks most and the ring was half full (openat 13), "
            "14 lost because requests to io_uring could not be followed (openat 14)");
}

}  // namespace
}  // namespace gyr
