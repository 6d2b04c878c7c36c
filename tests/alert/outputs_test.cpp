// SPDX-License-Identifier: Apache-2.0
#include "alert/outputs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <sstream>

#include "alert/sinks/file.h"
#include "alert/sinks/stdout.h"

namespace gyr {
namespace {

AlertPtr numbered(int number) {
  auto alert = std::make_shared<Alert>();
  alert->message = std::to_string(number);
  return alert;
}

const auto kNever = [] { return false; };
const auto kAtOnce = [] { return true; };

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A sink that blocks until it is let go.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  bool entered = false;
  void let_go() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  void wait_entered() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
};

class GatedSink final : public Sink {
 public:
  explicit GatedSink(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  std::string_view name() const override { return "gated"; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing>) override {
    std::unique_lock lock(gate_->mutex);
    gate_->entered = true;
    gate_->changed.notify_all();
    gate_->changed.wait(lock, [&] { return gate_->open; });
    return {};
  }

 private:
  std::shared_ptr<Gate> gate_;
};

struct TempFile {
  std::string path = testing::TempDir() + "gyr_outputs_" + std::to_string(getpid()) + ".txt";
  ~TempFile() { unlink(path.c_str()); }
};

TEST(Outputs, FileGetsEveryLineInOrder) {
  for (const bool keep_alive : {false, true}) {
    TempFile file;
    std::string wanted;
    {
      Outputs outputs({.queue_capacity = 4, .wait_when_full = true}, null_logger());
      ASSERT_TRUE(outputs.add(make_file_sink({file.path, keep_alive})));
      for (int i = 0; i < 500; ++i) {
        outputs.send(numbered(i), kNever);
        wanted += alert_time_text(0, false) + ": Debug " + std::to_string(i) + "\n";
      }
      outputs.finish();
      EXPECT_EQ(outputs.counters().at(0).sent, 500u);
      EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::QueueFull), 0u);
    }
    EXPECT_EQ(content(file.path), wanted);
  }
}

TEST(Outputs, FileIsAppendedToAndMayBeMovedAway) {
  TempFile file;
  TempFile moved;
  moved.path += ".1";
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(make_file_sink({file.path, true})));
  outputs.send(numbered(1), kNever);
  while (outputs.counters().at(0).sent < 1) usleep(1000);
  ASSERT_EQ(rename(file.path.c_str(), moved.path.c_str()), 0);
  outputs.reopen();
  outputs.send(numbered(2), kNever);
  outputs.finish();
  EXPECT_NE(content(moved.path).find("Debug 1\n"), std::string::npos);
  EXPECT_NE(content(file.path).find("Debug 2\n"), std::string::npos);
}

TEST(Outputs, SinkThatCannotOpenIsAnErrorThatNamesIt) {
  Outputs outputs({}, null_logger());
  const Result<void> added = outputs.add(make_file_sink({"/nonexistent/dir/file", true}));
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message.find("/nonexistent/dir/file"), std::string::npos);
  EXPECT_TRUE(outputs.empty());
}

TEST(Outputs, FullDiskIsCounted) {
  Outputs outputs({.finish_timeout_ms = 20}, null_logger());
  ASSERT_TRUE(outputs.add(make_file_sink({"/dev/full", true})));
  outputs.send(numbered(1), kNever);
  outputs.finish();
  EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::Unfinished), 1u);
  EXPECT_EQ(outputs.counters().at(0).sent, 0u);
  EXPECT_FALSE(outputs.reader_gone());
}

// A disk that is full in the middle of a line: a limit on file sizes cuts writes the same way.
TEST(Outputs, WhatFollowsACutLineBeginsOnItsOwn) {
  const auto before = signal(SIGXFSZ, SIG_IGN);
  for (const bool keep_alive : {false, true}) {
    TempFile file;
    const std::unique_ptr<Sink> sink = make_file_sink({file.path, keep_alive});
    SinkPort port;
    port.logger = null_logger();
    ASSERT_TRUE(sink->open(port));
    const auto write = [&](std::string_view line) {
      const Outgoing alert{.line = line, .id = "", .priority = Priority::Debug};
      return sink->send({&alert, 1}).status;
    };
    EXPECT_EQ(write("first"), SinkStatus::Ok);
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    const rlimit small{.rlim_cur = 10, .rlim_max = old.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_EQ(write("second"), SinkStatus::Failed);
    EXPECT_EQ(write("third"), SinkStatus::Failed) << "not even the end of the line fits";
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT_EQ(write("fourth"), SinkStatus::Ok);
    EXPECT_EQ(write("fifth"), SinkStatus::Ok);
    EXPECT_EQ(content(file.path), "first\nseco\nfourth\nfifth\n");

    // A file begun anew has nothing to be told apart from.
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    EXPECT_EQ(write("sixth"), SinkStatus::Failed);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    ASSERT_EQ(truncate(file.path.c_str(), 0), 0);
    EXPECT_EQ(write("seventh"), SinkStatus::Ok);
    EXPECT_EQ(content(file.path), "seventh\n");
  }
  signal(SIGXFSZ, before);
}

TEST(Outputs, ClosedPipeIsReported) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  Outputs outputs({}, null_logger());
  ASSERT_TRUE(outputs.add(make_stdout_sink({ends[1]})));
  outputs.send(numbered(1), kNever);
  outputs.finish();
  EXPECT_TRUE(outputs.reader_gone());
  close(ends[1]);
  signal(SIGPIPE, before);
}

TEST(Outputs, IdleOutputIsFlushedWhenBuffered) {
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  Outputs outputs({.buffered = true}, null_logger());
  ASSERT_TRUE(outputs.add(make_stdout_sink({ends[1]})));
  outputs.send(numbered(7), kNever);
  std::array<char, 64> bytes;
  const ssize_t got = read(ends[0], bytes.data(), bytes.size());  // the test hangs otherwise
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(bytes.data(), static_cast<size_t>(got)).substr(18), ": Debug 7\n");
  outputs.finish();
  close(ends[0]);
  close(ends[1]);
}

TEST(Outputs, LiveDropsAndCountsBehindABlockedSink) {
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.queue_capacity = 2}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  outputs.send(numbered(0), kNever);
  gate->wait_entered();  // the queue is empty again, the sink's thread is stuck
  for (int i = 1; i <= 5; ++i) outputs.send(numbered(i), kNever);
  EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::QueueFull), 3u);
  gate->let_go();
  outputs.finish();
  EXPECT_EQ(outputs.counters().at(0).sent, 3u);
}

TEST(Outputs, WaitingForRoomCanBeGivenUp) {
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.queue_capacity = 1, .wait_when_full = true}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  outputs.send(numbered(0), kNever);
  gate->wait_entered();
  outputs.send(numbered(1), kNever);
  outputs.send(numbered(2), kAtOnce);
  EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::QueueFull), 1u);
  gate->let_go();
}

TEST(Outputs, HurryLeavesABlockedSinkBehindAndCounts) {
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.finish_timeout_ms = 20}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  outputs.send(numbered(0), kNever);
  gate->wait_entered();
  outputs.send(numbered(1), kNever);
  outputs.finish([] { return true; });
  EXPECT_EQ(outputs.counters().at(0).lost_for(AlertLoss::Unfinished), 2u);
  gate->let_go();
}

// A start that fails has nobody who would end the wait.
TEST(Outputs, WithoutAnEndOfTheRunABlockedSinkIsLeftBehindToo) {
  auto gate = std::make_shared<Gate>();
  {
    Outputs outputs({.finish_timeout_ms = 20}, null_logger());
    ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
    outputs.send(numbered(0), kNever);
    gate->wait_entered();
  }
  gate->let_go();
}

TEST(Outputs, BlockedSinkIsUnhealthyUntilItWorksAgain) {
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.finish_timeout_ms = 1}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  outputs.send(numbered(0), kNever);
  gate->wait_entered();
  while (outputs.counters().at(0).healthy) outputs.send(numbered(1), kNever);
  gate->let_go();
  while (!outputs.counters().at(0).healthy) usleep(1000);
}

// A replay waits for its outputs without end: whoever waits with it must be told why.
TEST(Outputs, WaitingForABlockedSinkAtTheEndIsTold) {
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.wait_when_full = true, .finish_timeout_ms = 20}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  outputs.send(numbered(0), kNever);
  gate->wait_entered();
  bool told = false;
  int asked = 0;
  outputs.finish([&] {
    told = told || !outputs.counters().at(0).healthy;
    if (told || ++asked == 100) gate->let_go();
    return false;
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(outputs.counters().at(0).sent, 1u);
}

TEST(Outputs, BlockedSinkDoesNotHoldUpAnother) {
  TempFile file;
  auto gate = std::make_shared<Gate>();
  Outputs outputs({.queue_capacity = 100}, null_logger());
  ASSERT_TRUE(outputs.add(std::make_unique<GatedSink>(gate)));
  ASSERT_TRUE(outputs.add(make_file_sink({file.path, false})));
  for (int i = 0; i < 50; ++i) outputs.send(numbered(i), kNever);
  while (outputs.counters().at(1).sent < 50) usleep(1000);
  EXPECT_EQ(outputs.counters().at(0).sent, 0u);
  gate->let_go();
}

}  // namespace
}  // namespace gyr
