// SPDX-License-Identifier: Apache-2.0
// Runs system calls in a child process (our own are not collected) and hands out the events the
// probe made of them. One probe, with every collectable call selected, serves the whole program.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "event/event_view.h"
#include "source/live.h"

namespace gyr::test {

// A copied event.
struct Seen {
  std::vector<uint8_t> record;
  uint16_t cpu = 0;
  Ev type() const { return view().type(); }
  int64_t tid() const { return view().tid(); }
  EventView view() const;
  // Parameters by name; a test fails when there is no such parameter.
  Bytes param(std::string_view name) const;
  bool has(std::string_view name) const { return !param(name).empty(); }
  int64_t number(
      std::string_view name) const;  // of any width, sign-extended when the type is signed
  uint64_t bits(std::string_view name) const;     // of any width, zero-extended
  std::string text(std::string_view name) const;  // without the NUL, which must be there
  std::string bytes_of(std::string_view name) const;
  size_t index_of(std::string_view name) const;
};

class LiveTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  void SetUp() override;

  // Forks, runs `body` in the child, waits for it; the child's events in order, its exit last.
  // `body` returns the exit status.
  std::vector<Seen> run(const std::function<int()>& body);
  // All events until the child's exit, of all processes below it too.
  std::vector<Seen> run_all(const std::function<int()>& body);
  int64_t child() const { return child_; }
  int status() const { return status_; }

  // The events of that type, in order.
  static std::vector<Seen> of(const std::vector<Seen>& events, Ev type);
  // The only event of that type.
  static Seen only(const std::vector<Seen>& events, Ev type);

  LiveSource& source();

 private:
  int64_t child_ = 0;
  int status_ = 0;
};

// Every call the probe collects with an event of its own, and the end of processes.
std::vector<Sc> every_call();

}  // namespace gyr::test
