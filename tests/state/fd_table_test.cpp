// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "host.h"

namespace gyr {
namespace {

FdInfo with_ino(uint64_t ino) {
  FdInfo info;
  info.kind = FdKind::FileV2;
  info.ino = ino;
  return info;
}

TEST(FdTable, FindsWhatWasAdded) {
  FdTable table;
  EXPECT_EQ(table.find(0), nullptr);
  ASSERT_NE(table.add(3, with_ino(30)), nullptr);
  ASSERT_NE(table.add(100000, with_ino(31)), nullptr) << "numbers beyond the vector are kept too";
  EXPECT_EQ(table.find(3)->ino, 30u);
  EXPECT_EQ(table.find(100000)->ino, 31u);
  EXPECT_EQ(table.find(4), nullptr);
  EXPECT_EQ(table.find(99999), nullptr);
  EXPECT_EQ(table.find(-1), nullptr);
  EXPECT_EQ(table.add(-1, {}), nullptr);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(table.remove(100000));
  EXPECT_FALSE(table.remove(100000));
  EXPECT_EQ(table.find(100000), nullptr);
}

TEST(FdTable, HoldsAtMostItsLimit) {
  FdPool pool;
  FdTable table(&pool);
  for (int64_t fd = 0; fd < kFdLimit; ++fd) ASSERT_NE(table.add(fd * 3, with_ino(1)), nullptr);
  EXPECT_NE(table.add(3, with_ino(2)), nullptr) << "replacing needs no room";
  EXPECT_EQ(pool.replaced(), 0u);
  for (int64_t fd = 0; fd < 3000; ++fd) {
    const int64_t fresh = kFdLimit * 3 + fd;
    ASSERT_NE(table.add(fresh, with_ino(3)), nullptr);
    ASSERT_EQ(table.find(fresh)->ino, 3u) << "what is opened last is known";
    ASSERT_EQ(table.size(), static_cast<size_t>(kFdLimit));
  }
  EXPECT_EQ(pool.replaced(), 3000u);
  size_t walked = 0;
  table.for_each([&](int64_t, const FdInfo&) { ++walked; });
  EXPECT_EQ(walked, static_cast<size_t>(kFdLimit));
  table.clear();
  EXPECT_EQ(pool.entries(), 0u);
}

// Whoever spreads numbers widely costs neither time nor room without a bound.
TEST(FdTable, HoldsFewNumbersThatAreFarApart) {
  FdPool pool;
  FdTable table(&pool);
  for (int64_t fd = 1 << 20; fd > 64; fd -= 64) ASSERT_NE(table.add(fd, with_ino(1)), nullptr);
  EXPECT_EQ(table.size() + pool.replaced(), (1u << 20) / 64 - 1);
  EXPECT_GT(pool.replaced(), 0u);
  EXPECT_LT(table.size(), 5000u);
  EXPECT_NE(table.find(128), nullptr);
}

TEST(FdTable, NumbersThatBeginHighUpAreAllKnown) {
  FdPool pool;
  FdTable table(&pool);
  for (int64_t fd = 10'000; fd < 60'000; ++fd) table.add(fd, with_ino(static_cast<uint64_t>(fd)));
  EXPECT_EQ(table.size(), 50'000u);
  for (int64_t fd = 10'000; fd < 60'000; ++fd) {
    ASSERT_EQ(table.find(fd)->ino, static_cast<uint64_t>(fd));
  }
}

TEST(FdTable, IsSmallWhileAllTogetherAreCrowded) {
  constexpr size_t kCrowded = 1000;
  FdPool pool(kCrowded);
  FdTable large(&pool);
  for (int64_t fd = 0; fd < 5000; ++fd) large.add(fd, with_ino(1));
  EXPECT_EQ(large.size(), kCrowded);
  EXPECT_EQ(large.find(4999)->ino, 1u);
  FdTable small(&pool);
  for (int64_t fd = 0; fd < 300; ++fd) small.add(fd, with_ino(1));
  EXPECT_EQ(small.size(), static_cast<size_t>(kCrowdedFdLimit));
  EXPECT_NE(small.find(299), nullptr);
}

// A process with many descriptors forks children that each change one: what is copied is little.
TEST(FdTable, ACopyWhileCrowdedLeavesOutButWhatIsAskedFor) {
  FdPool pool(6000);
  FdTable parent(&pool);
  for (int64_t fd = 0; fd < 6000; ++fd) parent.add(fd, with_ino(static_cast<uint64_t>(fd)));
  FdTable child(&pool);
  child.share(parent);
  EXPECT_EQ(child.find(5500), parent.find(5500));
  child.edit(5500)->open_flags = 1;
  EXPECT_EQ(child.find(5500)->ino, 5500u);
  EXPECT_EQ(child.find(5500)->open_flags, 1u);
  EXPECT_EQ(parent.find(5500)->open_flags, 0u);
  EXPECT_LT(child.size(), 4200u);
  EXPECT_EQ(parent.size(), 6000u);
  size_t walked = 0;
  child.for_each([&](int64_t, const FdInfo&) { ++walked; });
  EXPECT_EQ(walked, child.size());
  FdTable other(&pool);
  other.share(parent);
  EXPECT_FALSE(other.remove(5500)) << "not copied, so not there any more";
  EXPECT_EQ(other.find(5500), nullptr);
}

TEST(FdTable, SharedEntriesAreCopiedBeforeTheyChange) {
  FdPool pool;
  FdTable parent(&pool);
  parent.add(3, with_ino(30));
  parent.add(4, with_ino(40));
  FdTable child(&pool);
  child.share(parent);
  EXPECT_EQ(child.find(3), parent.find(3)) << "a clone copies nothing";
  child.edit(3)->ino = 31;
  EXPECT_EQ(parent.find(3)->ino, 30u);
  EXPECT_EQ(child.find(3)->ino, 31u);
  EXPECT_EQ(child.find(4), parent.find(4)) << "what did not change is still shared";
  parent.remove(4);
  EXPECT_EQ(child.find(4)->ino, 40u);
  parent.add(3, with_ino(99));
  EXPECT_EQ(child.find(3)->ino, 31u);
}

TEST(FdPool, AssignedEmptyTableTakesItsPool) {
  FdPool pool;
  FdTable table;
  table = FdTable(&pool);
  const FdInfo* first = table.add(3, with_ino(1));
  table.remove(3);
  EXPECT_EQ(pool.take(), first) << "the entry did not go back to the pool";
}

TEST(FdPool, GivesBlankEntriesAgain) {
  StrPool strings;
  FdPool pool;
  FdTable table(&pool);
  FdInfo full = with_ino(7);
  full.role = FdRole::Server;
  full.l4 = L4::Raw;
  full.connected = full.upper_layer = full.lower_layer = full.from_snapshot = true;
  full.open_flags = full.dev = full.mount_id = 1;
  full.source_port = full.dest_port = 2;
  full.source_ip[15] = full.dest_ip[15] = 3;
  full.unix_source = full.unix_dest = 4;
  full.pid = 5;
  full.name = full.name_raw = full.real_path = strings.intern("name");
  table.add(3, full);
  table.remove(3);
  const FdInfo& again = *table.add_blank(3);
  const FdInfo blank;
  EXPECT_EQ(again.refs, 1u);
  EXPECT_EQ(again.kind, blank.kind);
  EXPECT_EQ(again.role, blank.role);
  EXPECT_EQ(again.l4, blank.l4);
  EXPECT_FALSE(again.connected || again.upper_layer || again.lower_layer || again.from_snapshot);
  EXPECT_EQ(again.open_flags + again.dev + again.mount_id, 0u);
  EXPECT_EQ(again.source_port + again.dest_port, 0);
  EXPECT_EQ(again.source_ip, blank.source_ip);
  EXPECT_EQ(again.dest_ip, blank.dest_ip);
  EXPECT_EQ(again.ino + again.unix_source + again.unix_dest, 0u);
  EXPECT_EQ(again.pid, 0);
  EXPECT_TRUE(again.name.empty() && again.name_raw.empty() && again.real_path.empty());
  EXPECT_EQ(strings.intern("name").rep()->refs, 4u) << "`full` and the probe alone hold it";
}

TEST(FdTable, NumbersFarApartMoveIntoTheVector) {
  FdTable table;
  table.add(255, with_ino(255));
  table.add(40, with_ino(40));
  for (int64_t fd = 0; fd < 300; ++fd) {
    if (table.find(fd) == nullptr) table.add(fd, with_ino(static_cast<uint64_t>(fd)));
  }
  for (int64_t fd = 0; fd < 300; ++fd) {
    ASSERT_NE(table.find(fd), nullptr) << fd;
    EXPECT_EQ(table.find(fd)->ino, static_cast<uint64_t>(fd));
  }
  EXPECT_EQ(table.size(), 300u);
}

// A family of tables does what a family of plain maps does.
TEST(FdTable, AgreesWithAMap) {
  constexpr size_t kTables = 5;
  constexpr int kSteps = 40000;
  FdPool pool;
  std::vector<FdTable> tables(kTables, FdTable(&pool));
  std::vector<std::map<int64_t, uint64_t>> models(kTables);
  std::mt19937 random(7);
  const auto pick = [&](size_t below) {
    return std::uniform_int_distribution<size_t>(0, below - 1)(random);
  };
  for (int step = 0; step < kSteps; ++step) {
    const size_t at = pick(kTables);
    FdTable& table = tables[at];
    auto& model = models[at];
    const auto fd = static_cast<int64_t>(pick(40) < 36 ? pick(60) : 4096 + pick(20) * 1000);
    switch (pick(6)) {
      case 0:
      case 1:
        ASSERT_NE(table.add(fd, with_ino(static_cast<uint64_t>(step))), nullptr);
        model[fd] = static_cast<uint64_t>(step);
        break;
      case 2:
        ASSERT_EQ(table.remove(fd), model.erase(fd) > 0);
        break;
      case 3:
        if (FdInfo* info = table.edit(fd)) {
          info->ino = static_cast<uint64_t>(step);
          model[fd] = static_cast<uint64_t>(step);
        } else {
          ASSERT_FALSE(model.contains(fd));
        }
        break;
      case 4: {
        const size_t from = pick(kTables);
        table.share(tables[from]);
        model = models[from];
        break;
      }
      case 5:
        ASSERT_EQ(table.remove_if([](int64_t number, const FdInfo&) { return number % 7 == 0; }),
                  std::erase_if(model, [](const auto& entry) { return entry.first % 7 == 0; }));
        break;
    }
    for (size_t i = 0; i < kTables; ++i) {
      std::map<int64_t, uint64_t> seen;
      tables[i].for_each([&](int64_t number, const FdInfo& info) { seen[number] = info.ino; });
      ASSERT_EQ(seen, models[i]) << "table " << i << " after step " << step;
      ASSERT_EQ(tables[i].size(), models[i].size());
    }
  }
}

}  // namespace
}  // namespace gyr
