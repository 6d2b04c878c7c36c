// SPDX-License-Identifier: Apache-2.0
// The replay source: what it hands out, counts and refuses; and that its events carry the numbers
// and types that the reference implementation shows for real captures.
#include "source/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "capture/capture_builder.h"
#include "capture/format.h"
#include "capture/read_all.h"

namespace gyr::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kReadE = static_cast<uint16_t>(Ev::READ_E);
constexpr auto kReadX = static_cast<uint16_t>(Ev::READ_X);

const Event kEnter{kReadE, {le<int64_t>(5), le<uint32_t>(512)}};
const Event kExit{kReadX, {le<int64_t>(3), "abc"}};

std::unique_ptr<Source> replay(std::string_view capture) {
  auto source = replay_bytes(as_bytes(capture), "test.scap");
  EXPECT_TRUE(source) << source.error().message;
  return *std::move(source);
}

std::vector<SourceStatus> statuses(Source& source) {
  std::vector<SourceStatus> all;
  Record record;
  do {
    all.push_back(source.next(&record));
    EXPECT_NE(all.back(), SourceStatus::Restart);
  } while (all.back() != SourceStatus::End && all.back() != SourceStatus::Failed);
  EXPECT_EQ(source.next(&record), all.back());
  return all;
}

TEST(Replay, HandsOutUpgradedEventsAndCounts) {
  const std::string capture = section() + event_block(kEnter) + event_block(kExit) +
                              event_block({65000, {}}) + event_block(kExit);
  const auto source = replay(capture);
  EXPECT_FALSE(source->is_live());
  EXPECT_TRUE(source->take_snapshot());
  Record record;
  EventView view;
  EXPECT_EQ(source->next(&record), SourceStatus::Dropped);
  ASSERT_EQ(source->next(&record), SourceStatus::Event);
  ASSERT_TRUE(view.decode(record));
  EXPECT_EQ(view.get<int64_t>(2), 5);
  EXPECT_EQ(view.get<uint32_t>(3), 512u);
  ASSERT_EQ(source->next(&record), SourceStatus::Event);
  EXPECT_EQ(source->next(&record), SourceStatus::End);
  EXPECT_EQ(source->counters().events, 2u);
  EXPECT_EQ(source->counters().filtered, 1u);
  EXPECT_EQ(source->counters().unknown_types, 1u);
  EXPECT_EQ(source->counters().lost_detail, "");
}

TEST(Replay, AnAppendedCaptureStartsAnew) {
  const std::string capture = section() + event_block(kEnter) + section() + event_block(kExit);
  const auto source = replay(capture);
  Record record;
  EXPECT_EQ(source->next(&record), SourceStatus::Dropped);
  EXPECT_EQ(source->next(&record), SourceStatus::Restart);
  EXPECT_TRUE(source->take_snapshot());
  ASSERT_EQ(source->next(&record), SourceStatus::Event);
  EventView view;
  ASSERT_TRUE(view.decode(record));
  EXPECT_EQ(view.get<int64_t>(2), 0) << "the enter event belongs to the first capture";
}

TEST(Replay, AnEventWithoutARuleEndsTheReplayAtItsPlace) {
  const std::string good = section() + event_block(kExit);
  const Event odd{kReadX, {"a", "b", "c"}};
  const std::string capture = good + event_block(odd) + event_block(kExit);
  const auto source = replay(capture);
  EXPECT_THAT(statuses(*source), ElementsAre(SourceStatus::Event, SourceStatus::Failed));
  EXPECT_EQ(source->error().message,
            "capture file test.scap: offset " + std::to_string(good.size()) +
                ": there is no rule to upgrade event READ_X with 3 parameters");
  EXPECT_EQ(source->counters().events, 1u);
}

TEST(Replay, DamageEndsTheReplayAfterWhatLiesBefore) {
  const std::string capture = section() + event_block(kExit) + event_block(kExit);
  const std::string cut = capture.substr(0, capture.size() - 3);
  const auto source = replay(cut);
  EXPECT_THAT(statuses(*source), ElementsAre(SourceStatus::Event, SourceStatus::Failed));
  EXPECT_THAT(source->error().message, HasSubstr("cut off"));
  EXPECT_EQ(source->counters().events, 1u);
}

// A current event is checked by who decodes it, an old one when it is upgraded.
TEST(Replay, AnEventThatCannotBeDecodedEndsTheReplay) {
  const Event current{kReadX, {le<int64_t>(3), "abc", le<int64_t>(5), le<uint32_t>(512)}};
  const std::string good = section() + event_block(current);
  std::string bad = event_block(current);
  bad.replace(capture::kBlockHeader + 2 + kEventHeaderSize, 2, "\xff\xff");
  const std::string capture = good + bad + event_block(current);
  const auto source = replay(capture);
  Record record;
  ASSERT_EQ(source->next(&record), SourceStatus::Event);
  EXPECT_TRUE(EventView().decode(record));
  ASSERT_EQ(source->next(&record), SourceStatus::Event);
  ASSERT_FALSE(EventView().decode(record));
  const std::string reason = source->damaged_event().message;
  EXPECT_THAT(reason,
              HasSubstr("offset " + std::to_string(good.size()) + ": the event's parameters need"));
  EXPECT_EQ(source->next(&record), SourceStatus::Failed);
  EXPECT_EQ(source->error().message, reason) << "as after any other failure";
  EXPECT_EQ(source->counters().events, 1u);
}

TEST(Replay, AStrangeEnterEventIsTold) {
  const std::string capture = section() +
                              event_block({static_cast<uint16_t>(Ev::CLOSE_E), {le<int64_t>(1)}}) +
                              event_block(kExit);
  const auto source = replay(capture);
  EXPECT_THAT(statuses(*source),
              ElementsAre(SourceStatus::Dropped, SourceStatus::Event, SourceStatus::End));
  EXPECT_THAT(source->counters().lost_detail, HasSubstr("1 did not belong to the call that ended"));
}

TEST(Replay, FilesThatAreNoCaptures) {
  const auto missing = open_replay("/nonexistent/a.scap");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/a.scap: No such file"));
  const auto text = replay_bytes(as_bytes("not a capture"), "text");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr("capture file text: offset 0: "));
}

std::string unpack(const std::string& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  std::string part(1 << 16, '\0');
  for (int got; (got = gzread(file, part.data(), static_cast<unsigned>(part.size()))) > 0;) {
    text.append(part, 0, static_cast<size_t>(got));
  }
  gzclose(file);
  return text;
}

struct GoldenRow {
  uint64_t num = 0;
  std::string time, type, dir;
};

std::vector<GoldenRow> golden_rows(const std::string& path) {
  const std::string text = unpack(path);
  std::vector<GoldenRow> rows;
  std::vector<std::string_view> names;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> cells = split(line, '\x1f');
    if (names.empty()) {
      names = cells;
      continue;
    }
    if (cells.size() != names.size()) continue;
    GoldenRow row;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == "evt.num") row.num = std::stoull(std::string(cells[i]));
      if (names[i] == "evt.rawtime") row.time = cells[i];
      if (names[i] == "evt.type") row.type = cells[i];
      if (names[i] == "evt.dir") row.dir = cells[i];
    }
    rows.push_back(row);
  }
  return rows;
}

// What the engine keeps from users although it has a number: enter events, what is for the state
// alone, and the events that tell the initial state.
bool is_hidden(const EventView& view) {
  static const std::set<Ev> kHidden{
      Ev::OPEN_E,      Ev::OPENAT_2_E, Ev::OPENAT2_E,    Ev::CREAT_E,       Ev::CONNECT_E,
      Ev::EXECVE_19_E, Ev::EXECVEAT_E, Ev::USER_ADDED_E, Ev::GROUP_ADDED_E, Ev::CONTAINER_JSON_2_E};
  return (view.flags() & kStateOnly) != 0 || kHidden.contains(view.type());
}

// A generic event shows the name of its call; where the collector did not know it, the name that
// goes with the machine's number.
std::string shown_type(const EventView& view) {
  if (view.type() != Ev::GENERIC_E && view.type() != Ev::GENERIC_X) {
    return std::string(view.info().name);
  }
  const auto number = view.get<uint16_t>(0);
  const ScInfo* call = number == 0 ? syscall_of_x86_64(view.get<uint16_t>(1)) : sc_info(number);
  return call == nullptr ? "unknown" : std::string(call->name);
}

void compare(const std::string& capture, const std::vector<GoldenRow>& rows, bool sampled) {
  auto opened = open_replay(capture);
  ASSERT_TRUE(opened) << opened.error().message;
  Source& source = **opened;
  ASSERT_TRUE(source.take_snapshot());
  Record record;
  EventView view;
  uint64_t num = 0;
  size_t at = 0;
  size_t shown = 0;
  while (true) {
    const SourceStatus status = source.next(&record);
    if (status == SourceStatus::Dropped) continue;
    if (status != SourceStatus::Event) break;
    ++num;
    ASSERT_TRUE(view.decode(record));
    if (at < rows.size() && rows[at].num == num) {
      ASSERT_FALSE(is_hidden(view)) << num;
      ASSERT_EQ(shown_type(view), rows[at].type) << num;
      ASSERT_EQ(std::to_string(view.ts_ns()), rows[at].time) << num;
      ASSERT_EQ(view.info().is_exit() ? "<" : ">", rows[at].dir) << num;
      ++at;
      ++shown;
    } else {
      ASSERT_TRUE(sampled || is_hidden(view)) << num << " " << view.info().code;
    }
  }
  EXPECT_EQ(source.error().message, "");
  EXPECT_EQ(at, rows.size());
  EXPECT_GT(shown, 100u);
}

TEST(ReplayGolden, NumbersTypesAndTimesAreThoseOfTheReference) {
  const std::string data = conformance();
  if (data.empty()) GTEST_SKIP() << "no conformance data (see GYR_CONFORMANCE)";
  for (const auto& entry : std::filesystem::directory_iterator(data + "/golden")) {
    const std::string file = entry.path().filename();
    if (!file.ends_with(".usv.gz")) continue;
    const std::string name = file.substr(0, file.size() - 7);
    SCOPED_TRACE(name);
    const bool sampled = std::filesystem::exists(data + "/golden/" + name + ".sampled");
    compare(data + "/captures/" + name + ".scap", golden_rows(entry.path()), sampled);
  }
}

}  // namespace
}  // namespace gyr::test
