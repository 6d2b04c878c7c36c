// SPDX-License-Identifier: Apache-2.0
// The reader on captures made by hand: every version of the event blocks, how files may be put
// together, and what is said of files that are not whole.
#include "capture/reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "capture/capture_builder.h"
#include "capture/read_all.h"

namespace gyr::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint16_t kCloseX = static_cast<uint16_t>(Ev::CLOSE_X);
constexpr uint16_t kPlugin = static_cast<uint16_t>(Ev::PLUGINEVENT_E);
constexpr uint16_t kNotification = static_cast<uint16_t>(Ev::NOTIFICATION_E);

Event close_event(int64_t fd = 3) { return {kCloseX, {le<int64_t>(0), le<int64_t>(fd)}}; }
Event plugin_event(size_t payload = 5) {
  return {kPlugin, {le<uint32_t>(7), std::string(payload, 'x')}, -1};
}
std::string body(uint16_t cpu, std::string_view record) { return Raw().u16(cpu).raw(record).bytes; }
std::string body(uint16_t cpu, uint32_t flags, std::string_view record) {
  return Raw().u16(cpu).u32(flags).raw(record).bytes;
}

TEST(CaptureReader, EventBlocksOfEveryVersion) {
  const std::string now = record(close_event());
  const std::string old = old_record(close_event());
  const std::string large = record(plugin_event(), 4);
  const struct {
    const char* what;
    std::string block;
    Seen expected;
  } cases[] = {
      {"V2", block(0x216, body(3, now)), {now, 3, 0}},
      {"V2 with flags", block(0x217, body(2, 1, now)), {now, 2, 1}},
      {"large", block(0x221, body(1, large)), {large, 1, 0}},
      {"large with flags", block(0x222, body(1, 1, large)), {large, 1, 1}},
      {"large event in a small block", block(0x216, body(1, large)), {large, 1, 0}},
      {"small event in a large block", block(0x221, body(1, now)), {now, 1, 0}},
      {"V1", block(0x204, body(4, old)), {now, 4, 0}},
      {"V1 internal", block(0x8010ABCD, body(4, old)), {now, 4, 0}},
      {"V1 with flags", block(0x208, body(5, 1, old)), {now, 5, 1}},
      {"V1 of a type with long lengths",
       block(0x204, body(6, old_record(plugin_event()))),
       {large, 6, 0}},
      {"V1 with three bytes too many",
       block(0x204, body(0, old_record({kNotification, {"id", "text"}}, 3))),
       {record({kNotification, {"id", "text"}}), 0, 0}},
      {"bytes behind the event", block(0x216, body(3, now + std::string(20, 'o'))), {now, 3, 0}},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read_all(section() + c.block);
    EXPECT_EQ(outcome.error, "") << c.what;
    ASSERT_EQ(outcome.events.size(), 1u) << c.what;
    EXPECT_EQ(outcome.events[0], c.expected) << c.what;
  }
}

TEST(CaptureReader, OldRecordsTellTheirParameterCountByTheirLength) {
  for (size_t count = 0; count <= 2; ++count) {
    Event event = close_event();
    event.params.resize(count);
    const Outcome outcome = read_all(section() + block(0x204, body(0, old_record(event))));
    ASSERT_EQ(outcome.events.size(), 1u) << outcome.error;
    EXPECT_EQ(outcome.events[0].bytes, record(event));
  }
}

TEST(CaptureReader, EveryNumberOfParametersIsSummedRight) {
  // The fast path adds the lengths eight at a time; one byte too few must be noticed for each
  // count.
  const auto execve = static_cast<uint16_t>(Ev::EXECVE_19_X);
  for (size_t count = 0; count <= 40; ++count) {
    Event event{execve, {}};
    for (size_t i = 0; i < count; ++i) event.params.emplace_back(i * 37 % 300, 'p');
    EXPECT_EQ(read_all(section() + event_block(event)).events.size(), 1u) << count;
    for (size_t longer = 0; longer < count; ++longer) {
      std::string bytes = record(event);
      const size_t at = 26 + longer * 2;
      const auto length = static_cast<uint16_t>(load<uint16_t>(as_bytes(bytes).data() + at) + 1);
      bytes.replace(at, 2, le(length));
      const Outcome outcome = read_all(section() + block(0x216, body(0, bytes)));
      EXPECT_THAT(outcome.error, HasSubstr("parameters need")) << count << " " << longer;
    }
  }
}

TEST(CaptureReader, UnknownTypesAreSkippedAndCounted) {
  const Event unknown{454, {"abc"}};
  const std::string capture = section() + event_block(close_event()) + event_block(unknown) +
                              block(0x204, body(0, old_record({65535, {}}))) +
                              event_block(close_event());
  const Outcome outcome = read_all(capture);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.events.size(), 2u);
  EXPECT_EQ(outcome.unknown_types, 2u);
}

TEST(CaptureReader, FilesMayBePutTogether) {
  const std::string first = section() + event_block(close_event(1)) + event_block(close_event(2));
  const std::string second = section(1, 0) + event_block(close_event(3));
  const std::string gz_first = gzip(first);
  const struct {
    const char* what;
    std::string capture;
    size_t sections, events;
  } cases[] = {
      {"plain", first, 1, 2},
      {"gzip", gz_first, 1, 2},
      {"plain twice", first + second, 2, 3},
      {"gzip twice", gz_first + gzip(second), 2, 3},
      {"a member that ends inside a block", gzip(first.substr(0, 33)) + gzip(first.substr(33)), 1,
       2},
      {"an empty member", gz_first + gzip("") + gzip(second), 2, 3},
      {"zeros behind gzip", gz_first + std::string(512, '\0'), 1, 2},
      {"options of the section header",
       section(1, 2, std::string(88, 'c')) + event_block(close_event()), 1, 1},
      {"unknown block before the events",
       section() + block(0x777, "new") + event_block(close_event()), 1, 1},
      {"a section without events before one", section() + first, 1, 2},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read_all(c.capture);
    EXPECT_EQ(outcome.error, "") << c.what;
    EXPECT_EQ(outcome.sections.size(), c.sections) << c.what;
    EXPECT_EQ(outcome.events.size(), c.events) << c.what;
  }
}

TEST(CaptureReader, LargeEventsGrowTheWindowAndSmallOnesShrinkItAgain) {
  std::string capture = section();
  for (const size_t size : {10u, 70'000u, 1'000'000u, 3u, 5'000'000u}) {
    capture += block(0x221, body(0, record(plugin_event(size), 4)));
    for (int i = 0; i < 3000; ++i) capture += event_block(close_event(i));
  }
  for (const std::string& bytes : {capture, gzip(capture)}) {
    const Outcome outcome = read_all(bytes);
    EXPECT_EQ(outcome.error, "");
    ASSERT_EQ(outcome.events.size(), 5u * 3001);
    EXPECT_EQ(outcome.events[4 * 3001].bytes, record(plugin_event(5'000'000), 4));
    EXPECT_EQ(outcome.events.back().bytes, record(close_event(2999)));
  }
}

TEST(CaptureReader, FaultsAreNamedWithTheirPlace) {
  const std::string good = section() + event_block(close_event());  // 28 + 64 bytes
  const std::string now = record(close_event());
  const auto with_record = [&](size_t at, std::string_view bytes) {
    std::string damaged = now;
    damaged.replace(at, bytes.size(), bytes);
    return good + block(0x216, body(0, damaged));
  };
  std::string bad_magic = good;
  bad_magic[8] = 0;
  std::string bad_trailer = section() + block(0x777, "abcd");
  bad_trailer[bad_trailer.size() - 4] = 99;
  const size_t at = good.size();
  const struct {
    std::string capture, reason;
    size_t offset, events;
  } cases[] = {
      {"", "the file is empty", 0, 0},
      {"hello", "not a capture file", 0, 0},
      {std::string(100, 'h'), "not a capture file", 0, 0},
      {section().substr(0, 20), "cut off", 0, 0},
      {bad_magic, "wrong magic number", 0, 0},
      {section(2, 0) + event_block(close_event()), "format version 2.0", 0, 0},
      {section(), "no events", 28, 0},
      {section() + block(0x777, "abcd"), "no events", 44, 0},
      {bad_trailer, "wrong block length: 16 in front of the block, 99 behind it", 40, 0},
      {section() + Raw().u32(0x777).u32(6).bytes, "impossible length 6", 28, 0},
      {section() + Raw().u32(0x777).u32(14).zeros(6).bytes, "impossible length 14", 28, 0},
      {section() + Raw().u32(0x777).u32(4000).zeros(40).bytes, "cut off", 76, 0},
      {section() + "abc", "cut off: the block header", 28, 0},
      {good + "abc", "cut off: the block header", at, 1},
      {good + event_block(close_event()).substr(0, 50), "cut off: the event block", at, 1},
      {good + block(0x777, "abcd"), "unexpected block of type 0x777 among the events", at, 1},
      {good + section() + "x", "cut off: the block header", at + 28, 1},
      {good + Raw().u32(0x216).u32(12).zeros(40).bytes, "impossible length 12", at, 1},
      {good + Raw().u32(0x216).u32(66).zeros(70).bytes, "impossible length 66", at, 1},
      {good + Raw().u32(0x216).u32(65'548).zeros(70'000).bytes, "too long: 65548 bytes", at, 1},
      {good + Raw().u32(0x221).u32(0xfffffff0).zeros(70'000).bytes, "too long", at, 1},
      {with_record(16, le<uint32_t>(25)), "the event claims 25 bytes", at, 1},
      {with_record(16, le<uint32_t>(60)), "the event claims 60 bytes, its block holds 46", at, 1},
      {with_record(22, le<uint32_t>(12)), "claims 12 parameters", at, 1},
      {with_record(22, le<uint32_t>(0x80000000)), "parameters, too many", at, 1},
      {with_record(26, le<uint16_t>(9)), "need 47 bytes, it has 46", at, 1},
      {good + block(0x204, body(0, Raw().zeros(30).bytes)), "claims 0 bytes", at, 1},
      {good + block(0x204, body(0, old_record(close_event(), 1))), "no number of parameters", at,
       1},
      {good + block(0x204, body(0, old_record({kNotification, {}}))), "too short for its type", at,
       1},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read_all(c.capture);
    EXPECT_THAT(outcome.error, HasSubstr(c.reason));
    EXPECT_THAT(outcome.error,
                StartsWith("capture file test.scap: offset " + std::to_string(c.offset) + ": "));
    EXPECT_EQ(outcome.events.size(), c.events) << c.reason;
  }
}

TEST(CaptureReader, FaultsOfGzipAreNamed) {
  const std::string plain = section() + event_block(close_event()) + event_block(close_event());
  const std::string good = gzip(plain);
  const Outcome cut = read_all(std::string_view(good).substr(0, good.size() - 9));
  EXPECT_THAT(cut.error, HasSubstr(" of the uncompressed data: the compressed data is cut off"));
  EXPECT_EQ(cut.events.size(), 2u);
  const Outcome garbage = read_all(good + "garbage");
  EXPECT_THAT(garbage.error, HasSubstr("bytes that are not gzip follow"));
  EXPECT_EQ(garbage.events.size(), 2u);
  std::string wrong_sum = good;
  wrong_sum[good.size() - 6] ^= 1;
  const Outcome damaged = read_all(wrong_sum);
  EXPECT_THAT(damaged.error, HasSubstr("damaged"));
  EXPECT_EQ(damaged.events.size(), 2u);
  EXPECT_THAT(read_all(good.substr(0, 2)).error, HasSubstr("cut off"));
  EXPECT_THAT(read_all(gzip("")).error, HasSubstr("the file is empty"));
}

TEST(CaptureReader, FilesThatCannotBeRead) {
  const auto missing = CaptureReader::open("/nonexistent/a.scap");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "cannot open capture file /nonexistent/a.scap: No such file or directory");
  const auto folder = CaptureReader::open("/");
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("Is a directory"));
}

TEST(CaptureReader, PipesAreReadAsTheyCome) {
  std::string capture = section();
  for (int i = 0; i < 20'000; ++i) capture += event_block(close_event(i));
  for (const std::string& bytes : {capture, gzip(capture)}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    // Odd pieces, so that headers are torn apart; the first one is a single byte.
    std::thread feeder([&] {
      size_t at = 0;
      for (size_t piece = 1; at < bytes.size(); piece = piece * 7 % 60'013 + 1) {
        const size_t size = std::min(piece, bytes.size() - at);
        const ssize_t wrote = write(ends[1], bytes.data() + at, size);
        if (wrote <= 0) break;
        at += static_cast<size_t>(wrote);
      }
      close(ends[1]);
    });
    const Outcome outcome = drain(CaptureReader::open("/dev/fd/" + std::to_string(ends[0])));
    close(ends[0]);
    feeder.join();
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.events.size(), 20'000u);
  }
}

}  // namespace
}  // namespace gyr::test
