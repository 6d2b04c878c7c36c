// SPDX-License-Identifier: Apache-2.0
// Captures damaged in hundreds of ways, the same ones in every run: the reader gives all that lies
// before the damage, explains itself with place and reason, and never crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/capture_builder.h"
#include "capture/read_all.h"
#include "capture/sample.h"

namespace gyr::test {
namespace {

using testing::MatchesRegex;

// A small random generator of our own: the standard ones may differ between libraries.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t roll(uint64_t limit) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % limit;
  }

 private:
  uint64_t state_;
};

struct Damage {
  std::string capture;
  size_t at;  // everything before is as it was
};

size_t some_block(const std::string& capture, Dice& dice) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < capture.size();
       at += load<uint32_t>(as_bytes(capture).data() + at + 4)) {
    starts.push_back(at);
  }
  return starts[dice.roll(starts.size())];
}

Damage damage(std::string capture, uint64_t seed) {
  Dice dice(seed);
  size_t at = dice.roll(capture.size());
  switch (seed % 5) {
    case 0:
      capture.resize(at);
      break;
    case 1:
      capture[at] = static_cast<char>(capture[at] ^ (1 << dice.roll(8)));
      break;
    case 2:  // the length of a block
      at = some_block(capture, dice) + 4;
      capture.replace(at, 4,
                      le(static_cast<uint32_t>(dice.roll(seed % 2 == 0 ? 200 : 1ULL << 32))));
      break;
    case 3:  // any 32 bits
      at = std::min(at, capture.size() - 4);
      capture.replace(at, 4, le(static_cast<uint32_t>(dice.roll(1ULL << 32))));
      break;
    default:
      capture.erase(at, 1 + dice.roll(9));
      break;
  }
  return {capture, at};
}

// Events of blocks that end before `at`.
std::vector<Seen> events_before(const std::string& capture, size_t at,
                                const std::vector<Seen>& all) {
  size_t events = 0;
  size_t start = 0;
  while (start < capture.size()) {
    const auto type = load<uint32_t>(as_bytes(capture).data() + start);
    start += load<uint32_t>(as_bytes(capture).data() + start + 4);
    if (start > at) break;
    if (capture::block_info(type).kind == capture::BlockKind::Event) ++events;
  }
  return {all.begin(), all.begin() + static_cast<ptrdiff_t>(events)};
}

TEST(DamagedCaptures, AreReadUpToTheFaultAndExplained) {
  const std::string whole = sample_capture();
  const Outcome good = read_all(whole);
  ASSERT_EQ(good.error, "");
  ASSERT_EQ(good.events.size(), 30u);
  size_t refused = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    const Damage damaged = damage(whole, seed);
    const Outcome outcome = read_all(damaged.capture);
    const std::vector<Seen> before = events_before(whole, damaged.at, good.events);
    ASSERT_GE(outcome.events.size(), before.size());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), outcome.events.begin()));
    if (outcome.error.empty()) continue;
    ++refused;
    EXPECT_THAT(outcome.error, MatchesRegex("capture file test.scap: offset [0-9]+: .+"));
  }
  // Most damage shows: what does not lies in parameters, padding and the like.
  EXPECT_GT(refused, 500u);
}

TEST(DamagedCaptures, CompressionChangesNothingButTheWords) {
  const std::string whole = sample_capture();
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Damage damaged = damage(whole, seed);
    const Outcome plain = read_all(damaged.capture);
    Outcome packed = read_all(gzip(damaged.capture));
    const std::string words = " of the uncompressed data";
    const size_t at = packed.error.find(words);
    if (at != std::string::npos) packed.error.erase(at, words.size());
    EXPECT_EQ(packed.error, plain.error);
    EXPECT_TRUE(packed.events == plain.events);
  }
}

TEST(DamagedCaptures, DamagedCompressionIsExplained) {
  const std::string packed = gzip(sample_capture());
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Dice dice(seed);
    std::string damaged = packed;
    const size_t at = dice.roll(damaged.size());
    if (seed % 2 == 0) {
      damaged.resize(at);
    } else {
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << dice.roll(8)));
    }
    const Outcome outcome = read_all(damaged);
    EXPECT_TRUE(seed % 2 == 1 || !outcome.error.empty());
    if (outcome.error.empty()) continue;
    EXPECT_THAT(
        outcome.error,
        MatchesRegex("capture file test.scap: offset [0-9]+( of the uncompressed data)?: .+"));
  }
}

TEST(DamagedCaptures, EveryTruncationIsNoticedOrEndsBetweenBlocks) {
  const std::string whole = sample_capture();
  for (size_t size = 0; size < whole.size(); ++size) {
    const Outcome outcome = read_all(std::string_view(whole).substr(0, size));
    const bool between_blocks = [&] {
      size_t at = 0;
      while (at < size) at += load<uint32_t>(as_bytes(whole).data() + at + 4);
      return at == size;
    }();
    EXPECT_EQ(outcome.error.empty(), between_blocks && !outcome.events.empty()) << size;
  }
}

}  // namespace
}  // namespace gyr::test
