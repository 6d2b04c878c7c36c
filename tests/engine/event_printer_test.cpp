// SPDX-License-Identifier: Apache-2.0
#include "engine/event_printer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "engine/fake_source.h"
#include "field/fields.h"
#include "lang/compile.h"

namespace gyr {
namespace {

Dialect dialect() { return {.fields = all_fields(), .event_types = kEventCount}; }

std::shared_ptr<const OutputTemplate> format(std::string_view text) {
  std::vector<TextFault> faults;
  auto parsed = OutputTemplate::parse(text, dialect(), &faults);
  EXPECT_TRUE(parsed);
  return parsed;
}

EventFilter filter(std::string_view text) {
  std::vector<TextFault> faults;
  const CheckedPtr checked = check_condition(parse_condition(text, &faults), dialect(), &faults);
  EXPECT_TRUE(checked);
  return EventFilter(checked);
}

struct Printing : testing::Test {
  void SetUp() override { ASSERT_EQ(pipe(ends.data()), 0); }
  void TearDown() override {
    for (const int fd : ends) close(fd);
  }
  PrintResult print(std::string_view text, EventFilter* selected = nullptr, uint64_t limit = 0) {
    EventStream stream(source, {});
    EXPECT_TRUE(stream.open());
    const auto parsed = format(text);
    return print_events(
        stream, {.format = *parsed, .filter = selected, .limit = limit, .fd = ends[1]}, stop);
  }
  std::string printed() {
    std::array<char, 4096> bytes;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    const ssize_t got = read(ends[0], bytes.data(), bytes.size());
    return got > 0 ? std::string(bytes.data(), static_cast<size_t>(got)) : "";
  }
  FakeSource source;
  std::atomic<bool> stop{false};
  std::array<int, 2> ends{};
};

TEST_F(Printing, ValuesCannotBreakALineAndLiteralsStay) {
  source.add_open(7, 1, "/a\nb\x01\tc");
  EXPECT_EQ(print("%evt.num\x1f%fd.name|%k8s.pod.name").end, RunEnd::Finished);
  EXPECT_EQ(printed(), "1\x1f/a\\nb\\x01\tc|<NA>\n");
}

TEST_F(Printing, TheLongestArgumentThatIsOneWins) {
  source.add_open(7, 1, "/a");
  EXPECT_EQ(print("%evt.arg.named|%evt.arg.name.|%evt.rawarg.flagss").end, RunEnd::Finished);
  EXPECT_EQ(printed(), "/ad|/a.|1s\n");
  std::vector<TextFault> faults;
  EXPECT_FALSE(OutputTemplate::parse("%evt.arg.qx", dialect(), &faults));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].message.find("no event has a parameter 'qx'"), std::string::npos);
}

// What steers terminals: C1 in UTF-8, and its bytes alone. Letters with such bytes stay.
TEST_F(Printing, NoControlCharacterOfAValueReachesATerminal) {
  source.add_open(7, 1, "/\x1b[m\x7f\xc2\x9bm\x9bÛ\xc2\xa0\xff");
  EXPECT_EQ(print("%fd.name").end, RunEnd::Finished);
  EXPECT_EQ(printed(), "/\\x1b[m\\x7f\\xc2\\x9bm\\x9bÛ\xc2\xa0\xff\n");
}

TEST_F(Printing, FilterAndLimit) {
  for (int i = 0; i < 10; ++i) source.add_open(7, 1, i % 2 == 0 ? "/even" : "/odd");
  EventFilter odd = filter("fd.name = /odd");
  EXPECT_EQ(print("%evt.num", &odd, 2).lines, 2u);
  EXPECT_EQ(printed(), "2\n4\n");
}

TEST_F(Printing, WhatCameBeforeAFaultIsPrinted) {
  source.add_open(7, 1, "/a");
  source.add(SourceStatus::Failed);
  const PrintResult result = print("%evt.num");
  EXPECT_EQ(result.end, RunEnd::Failed);
  EXPECT_EQ(result.reason, "offset 42: the file is cut off");
  EXPECT_EQ(printed(), "1\n");
}

TEST_F(Printing, AReaderThatLeavesEndsTheRun) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  close(ends[0]);
  for (int i = 0; i < 20000; ++i) source.add_open(7, 1, "/a");
  EXPECT_EQ(print("%evt.num %fd.name").end, RunEnd::ReaderGone);
  signal(SIGPIPE, before);
}

TEST_F(Printing, AFullDiskIsAFault) {
  close(ends[1]);
  ends[1] = open("/dev/full", O_WRONLY);
  source.add_open(7, 1, "/a");
  const PrintResult result = print("%evt.num");
  EXPECT_EQ(result.end, RunEnd::Failed);
  EXPECT_NE(result.reason.find("No space left"), std::string::npos);
}

}  // namespace
}  // namespace gyr
