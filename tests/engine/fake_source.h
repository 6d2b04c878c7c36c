// SPDX-License-Identifier: Apache-2.0
// A source that plays a script, for tests.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "source/source.h"

namespace gyr {

class FakeSource final : public Source {
 public:
  // An open that the thread `tid` made at `ts_ns`; the note tells `real`.
  void add_open(int64_t tid, uint64_t ts_ns, std::string_view path, std::string_view real = {}) {
    EventBuilder builder;
    builder.begin(Ev::OPEN_X, ts_ns, tid);
    builder.add_value<int64_t>(3);    // fd
    builder.add_text(path);           // name
    builder.add_value<uint32_t>(1);   // flags: read only
    builder.add_value<uint32_t>(0);   // mode
    builder.add_value<uint32_t>(0);   // dev
    builder.add_value<uint64_t>(77);  // ino
    add(builder.finish(), 0);
    if (real.empty()) return;
    steps_.back().note.push_back(0);
    steps_.back().note.insert(steps_.back().note.end(), real.begin(), real.end());
  }
  void add_user_added(uint64_t ts_ns) {
    EventBuilder builder;
    builder.begin(Ev::USER_ADDED_E, ts_ns, 0);
    builder.add_value<uint32_t>(1000);
    builder.add_value<uint32_t>(1000);
    for (const char* text : {"alice", "/home/alice", "/bin/sh", ""}) builder.add_text(text);
    add(builder.finish(), 0);
  }
  void add(Bytes bytes, uint32_t flags) {
    steps_.push_back({SourceStatus::Event, {bytes.begin(), bytes.end()}, flags});
  }
  void add(SourceStatus status) { steps_.push_back({status, {}, 0}); }
  void repeat_idle() { idle_for_ever_ = true; }
  void set_live() { live_ = true; }

  // What counters() tells; called before each answer, if set.
  std::function<void(SourceCounters*)> on_counters;
  // Called at each Idle, on the thread of the engine.
  std::function<void()> on_idle;

  int snapshots = 0;
  std::vector<Collection> collected;  // what it was told to collect
  Snapshot snapshot;

  Result<Snapshot> take_snapshot() override {
    ++snapshots;
    return snapshot;
  }
  SourceStatus next(Record* record) override {
    if (steps_.empty() && idle_for_ever_ && on_idle) on_idle();
    if (steps_.empty()) return idle_for_ever_ ? SourceStatus::Idle : SourceStatus::End;
    current_ = std::move(steps_.front());
    steps_.pop_front();
    *record = {.bytes = current_.bytes, .cpu = 2, .flags = current_.flags, .note = current_.note};
    return current_.status;
  }
  std::vector<std::string> collect(const Collection& what) override {
    collected.push_back(what);
    return {};
  }
  const Error& error() const override { return error_; }
  SourceCounters counters() const override {
    SourceCounters now;
    if (on_counters) on_counters(&now);
    return now;
  }
  bool is_live() const override { return live_; }

 private:
  struct Step {
    SourceStatus status;
    std::vector<uint8_t> bytes;
    uint32_t flags;
    std::vector<uint8_t> note{};
  };
  std::deque<Step> steps_;
  Step current_;
  Error error_{"offset 42: the file is cut off"};
  bool idle_for_ever_ = false;
  bool live_ = false;
};

}  // namespace gyr
