// SPDX-License-Identifier: Apache-2.0
// The merge of the probe's rings, with rings that a test fills as the kernel does.
#include "source/ring_merge.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "shared.h"
#include "source/probe_rings.h"

namespace gyr {
namespace {

constexpr size_t kBytes = 4096;
constexpr uint32_t kBusy = 1u << 31;

// As a BPF ring buffer looks to its reader: a page with the reader's position, one with the
// writer's, the data twice.
class FakeRing {
 public:
  FakeRing() : fd_(memfd_create("ring", 0)), page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(2 * page_ + 2 * kBytes)), 0);
    at_ = static_cast<uint8_t*>(
        mmap(nullptr, 2 * page_ + 2 * kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
  }
  ~FakeRing() {
    munmap(at_, 2 * page_ + 2 * kBytes);
    close(fd_);
  }
  FakeRing(const FakeRing&) = delete;
  RingReader reader() const {
    auto reader = RingReader::open(fd_, kBytes);
    EXPECT_TRUE(reader);
    return *std::move(reader);
  }
  // Where the record begins; kFull if there is no room.
  static constexpr uint64_t kFull = ~uint64_t{0};
  uint64_t put(uint64_t ts_ns, bool finished = true) {
    constexpr uint32_t kSize = GYR_PREFIX + kEventHeaderSize;
    constexpr uint64_t kWhole = (8 + kSize + 7) / 8 * 8;
    uint64_t* end = reinterpret_cast<uint64_t*>(at_ + page_);
    uint64_t consumer = 0;
    std::memcpy(&consumer, at_, sizeof consumer);
    const uint64_t start = *end;
    if (start + kWhole - consumer > kBytes) return kFull;
    std::vector<uint8_t> record(kSize);
    std::memcpy(record.data() + GYR_PREFIX, &ts_ns, sizeof ts_ns);
    const uint32_t header[2] = {kSize | (finished ? 0 : kBusy), 0};
    write(start, header, sizeof header);
    write(start + 8, record.data(), record.size());
    __atomic_store_n(end, start + kWhole, __ATOMIC_RELEASE);
    return start;
  }
  void finish(uint64_t start) {
    constexpr uint32_t kSize = GYR_PREFIX + kEventHeaderSize;
    write(start, &kSize, sizeof kSize);
  }

 private:
  void write(uint64_t position, const void* from, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const size_t at = (position + i) & (kBytes - 1);
      const auto byte = static_cast<const uint8_t*>(from)[i];
      at_[2 * page_ + at] = byte;
      at_[2 * page_ + kBytes + at] = byte;
    }
  }
  int fd_;
  size_t page_;
  uint8_t* at_ = nullptr;
};

uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

class RingMergeTest : public testing::Test {
 protected:
  explicit RingMergeTest(size_t rings = 3, RingOrder order = {}) : cpus(2) {
    std::vector<RingReader> readers;
    for (size_t i = 0; i < rings; ++i) {
      fakes.push_back(std::make_unique<FakeRing>());
      readers.push_back(fakes.back()->reader());
    }
    merge = std::make_unique<RingMerge>(std::move(readers), order, cpus, 0);
  }
  std::vector<uint64_t> released() {
    std::vector<uint64_t> times;
    while (merge->next_ns() != RingMerge::kNever) {
      times.push_back(load<uint64_t>(merge->take().bytes.data()));
    }
    return times;
  }
  std::vector<gyr_cpu> cpus;
  std::vector<std::unique_ptr<FakeRing>> fakes;
  std::unique_ptr<RingMerge> merge;
};

using Times = std::vector<uint64_t>;

TEST_F(RingMergeTest, records_of_all_rings_come_in_order_of_time) {
  fakes[0]->put(30);
  fakes[0]->put(10);
  fakes[1]->put(20);
  fakes[2]->put(15);
  EXPECT_EQ(merge->drain(), 4u);
  EXPECT_EQ(released(), (Times{10, 15, 20, 30}));
  EXPECT_TRUE(merge->is_empty());
  EXPECT_EQ(merge->late(), 0u);
}

class RingPartsTest : public RingMergeTest {
 protected:
  // Two groups, each with two parts and a critical ring.
  RingPartsTest() : RingMergeTest(6, {.parts = 2}) {}
  void fill(size_t ring) const {
    while (fakes[ring]->put(1) != FakeRing::kFull) continue;
  }
};

TEST_F(RingPartsTest, a_ring_is_as_full_as_its_parts_together) {
  fill(4);
  merge->drain();
  EXPECT_NEAR(merge->take_peak_fill(), 0.5, 0.02);
  fill(3);
  merge->drain();
  EXPECT_NEAR(merge->take_peak_fill(), 1, 0.02);
  EXPECT_FALSE(released().empty());
  merge->drain();
  (void)merge->take_peak_fill();
  fill(2);  // for critical events: it has no parts
  merge->drain();
  EXPECT_NEAR(merge->take_peak_fill(), 1, 0.02);
}

TEST_F(RingMergeTest, nothing_younger_than_what_a_cpu_builds_is_released) {
  cpus[1].busy = 25;
  fakes[0]->put(20);
  fakes[0]->put(30);
  merge->drain();
  EXPECT_EQ(released(), (Times{20}));
  fakes[1]->put(25);
  cpus[1].busy = 0;
  merge->drain();
  EXPECT_EQ(released(), (Times{25, 30}));
}

TEST_F(RingMergeTest, a_cpu_that_takes_the_time_holds_everything_up) {
  cpus[0].busy = 1;
  fakes[0]->put(20);
  merge->drain();
  EXPECT_EQ(released(), Times{});
  cpus[0].busy = 0;
  merge->drain();
  EXPECT_EQ(released(), (Times{20}));
}

TEST_F(RingMergeTest, an_unfinished_record_hides_older_ones_until_it_is_finished) {
  const uint64_t start = fakes[0]->put(50, false);
  fakes[0]->put(10);
  fakes[1]->put(20);
  EXPECT_EQ(merge->drain(), 1u);
  EXPECT_EQ(released(), Times{}) << "10 is still to come";
  fakes[0]->finish(start);
  merge->drain();
  EXPECT_EQ(released(), (Times{10, 20, 50}));
}

// On a machine with many CPUs some record is unfinished at every look.
TEST_F(RingMergeTest, time_goes_on_although_there_is_always_an_unfinished_record) {
  uint64_t unfinished = fakes[0]->put(1, false);
  Times all;
  for (uint64_t i = 2; i < 200; ++i) {
    const uint64_t next = fakes[0]->put(i, false);
    ASSERT_NE(next, FakeRing::kFull);
    fakes[0]->finish(unfinished);
    unfinished = next;
    merge->drain();
    for (const uint64_t ts : released()) all.push_back(ts);
    ASSERT_GE(all.size() + 3, i) << "what was there two looks ago is out";
  }
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(RingMergeTest, what_comes_after_younger_ones_were_released_is_counted) {
  fakes[0]->put(50);
  merge->drain();
  EXPECT_EQ(released(), (Times{50}));
  fakes[1]->put(40);
  merge->drain();
  EXPECT_EQ(released(), (Times{40}));
  EXPECT_EQ(merge->late(), 1u);
}

// CPUs that build and put records in any order, and a reader that looks at any time.
TEST_F(RingMergeTest, any_interleaving_is_released_whole_and_in_order) {
  std::mt19937 random(11);
  for (int run = 0; run < 50; ++run) {
    size_t put = 0;
    Times all;
    struct Building {
      uint64_t ts = 0;
      size_t ring = 0;
      uint64_t start = 0;
      bool placed = false;
    };
    std::vector<Building> building(cpus.size());
    for (int step = 0; step < 2000; ++step) {
      const size_t cpu = random() % cpus.size();
      Building& one = building[cpu];
      if (one.ts == 0) {
        cpus[cpu].busy = 1;
        one = {.ts = now_ns(), .ring = random() % fakes.size()};
        cpus[cpu].busy = one.ts;
      } else if (!one.placed) {
        one.start = fakes[one.ring]->put(one.ts, false);
        one.placed = true;
        if (one.start == FakeRing::kFull) {
          one = {};
          cpus[cpu].busy = 0;
        }
      } else {
        fakes[one.ring]->finish(one.start);
        ++put;
        one = {};
        cpus[cpu].busy = 0;
      }
      if (random() % 4 != 0) continue;
      merge->drain();
      for (const uint64_t ts : released()) all.push_back(ts);
    }
    for (size_t cpu = 0; cpu < cpus.size(); ++cpu) {
      if (building[cpu].placed) {
        fakes[building[cpu].ring]->finish(building[cpu].start);
        ++put;
      }
      cpus[cpu].busy = 0;
    }
    usleep(200);  // past the margin that clocks are given
    for (int i = 0; i < 3; ++i) {
      merge->drain();
      for (const uint64_t ts : released()) all.push_back(ts);
    }
    ASSERT_EQ(all.size(), put);
    ASSERT_TRUE(std::is_sorted(all.begin(), all.end()));
    ASSERT_EQ(merge->late(), 0u);
  }
}

TEST(ProbeRings, cpu_lists_are_read_as_the_kernel_writes_them) {
  using Cpus = std::vector<uint32_t>;
  EXPECT_EQ(parse_cpu_list("0\n"), Cpus{0});
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n"), (Cpus{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(parse_cpu_list(""), Cpus{});
  EXPECT_EQ(parse_cpu_list("garbage"), Cpus{});
}

TEST(ProbeRings, online_cpus_share_rings_as_asked_and_the_others_join_them) {
  const std::vector<uint32_t> online{0, 1, 4, 5, 6};
  const auto groups = [&](uint32_t cpus_per_ring) {
    std::vector<uint32_t> all;
    for (const CpuPlace& place : place_cpus(online, 8, cpus_per_ring)) all.push_back(place.group);
    return all;
  };
  using Groups = std::vector<uint32_t>;
  EXPECT_EQ(groups(2), (Groups{0, 0, 2, 0, 1, 1, 2, 1}));
  EXPECT_EQ(groups(1), (Groups{0, 1, 2, 3, 2, 3, 4, 2}));
  EXPECT_EQ(groups(0), Groups(8, 0));
  EXPECT_EQ(place_cpus({}, 2, 2), (std::vector<CpuPlace>{{0, 0}, {0, 1}}));
}

TEST(ProbeRings, no_two_online_cpus_have_the_same_place) {
  const std::vector<uint32_t> online{0, 2, 5, 9, 11};
  for (const uint32_t cpus_per_ring : {0u, 1u, 2u, 3u, 7u}) {
    std::set<std::pair<uint32_t, uint32_t>> taken;
    const auto places = place_cpus(online, 12, cpus_per_ring);
    for (const uint32_t cpu : online) {
      EXPECT_TRUE(taken.emplace(places[cpu].group, places[cpu].within).second) << cpu;
      EXPECT_TRUE(cpus_per_ring == 0 || places[cpu].within < cpus_per_ring) << cpu;
    }
  }
}

TEST(ProbeRings, each_cpu_writes_to_its_own_part_and_its_groups_critical_ring) {
  gyr_cpu cpu{};
  assign_rings({.group = 0, .within = 1}, {.parts = 2}, &cpu);
  EXPECT_EQ(cpu.rings.bulk + cpu.rings.own, 1u);
  EXPECT_EQ(cpu.rings.critical, 2u);
  assign_rings({.group = 2, .within = 5}, {.parts = 4}, &cpu);
  EXPECT_EQ(cpu.rings.bulk, 10u);
  EXPECT_EQ(cpu.rings.parts, 4u);
  EXPECT_EQ(cpu.rings.own, 1u);
  EXPECT_EQ(cpu.rings.critical, 14u);
  EXPECT_EQ(ring_groups(4, 3), 2u);
  EXPECT_EQ(ring_groups(4, 0), 1u);
  EXPECT_EQ(ring_groups(0, 2), 1u);
}

TEST(ProbeRings, a_ring_has_a_part_for_each_cpu_while_parts_are_large) {
  constexpr uint64_t kMiB = 1ul << 20;
  EXPECT_EQ(ring_parts(8 * kMiB, 1), 1u);
  EXPECT_EQ(ring_parts(8 * kMiB, 2), 2u);
  EXPECT_EQ(ring_parts(8 * kMiB, 3), 4u);
  EXPECT_EQ(ring_parts(8 * kMiB, 64), 8u);
  EXPECT_EQ(ring_parts(512 * kMiB, 64), 8u);
  EXPECT_EQ(ring_parts(2 * kMiB, 8), 2u);
  EXPECT_EQ(ring_parts(kMiB, 8), 1u);
  EXPECT_EQ(ring_parts(64 * 1024, 2), 1u);
}

}  // namespace
}  // namespace gyr
