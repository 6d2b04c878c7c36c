// SPDX-License-Identifier: Apache-2.0
// Runs system calls in a child process (our own are not collected) and hands out the events the
// probe made of them. One probe, with every collectable call selected, serves the whole program.
// With GYR_LIVE_DRIVER=ptrace in the environment the same is asked of the driver without eBPF.
// With GYR_LIVE_PORTABLE in the environment it is the probe for older kernels.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "event/event_view.h"
#include "source/live.h"

namespace gyr::test {

// A copied event.
struct Seen {
  std::vector<uint8_t> record;
  uint16_t cpu = 0;
  std::vector<uint8_t> note{};
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

// ThreadSanitizer gives each process a thread, which makes calls: tests that count all of them
// skip then, with this reason.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
inline constexpr const char* kSeesThreadSanitizer =
    "what ThreadSanitizer itself does in each process would be seen";

// Why a test does not apply to the driver that is tested.
inline constexpr const char* kOfTheProbe = "is about the probe";
inline constexpr const char* kNot32Bit = "calls of 32-bit programs have no tracepoint";
inline constexpr const char* kNoTracepoint = "the kernel has no tracepoint of this call";
inline constexpr const char* kOneTracer = "who is traced already cannot be traced";
inline constexpr const char* kNoPageFaults = "ptrace does not see page faults";

class LiveTest : public testing::Test {
 public:
  // Whether the tracer of source/ptrace.h is tested instead of the probe.
  static bool by_ptrace();
  // Whether the probe is attached to single calls, where 32-bit calls do not come by.
  static bool per_syscall();
  // How a test that takes snapshots of its own shall look: GYR_LIVE_ITERATORS=always, never or
  // unset.
  static IteratorUse iterators();
  // Whether it cannot be attached to this one.
  static bool lacks_tracepoint(Sc sc);
  // Whether this run has a probe.
  static bool is_possible();

 protected:
  static void SetUpTestSuite();
  void SetUp() override;

  // Forks, runs `body` in the child, waits for it; the child's events in order, its exit last.
  // `body` returns the exit status.
  template <class Body>
  std::vector<Seen> run(const Body& body) {
    return own(run_all(body));
  }
  // All events until the child's exit, of all processes below it too.
  template <class Body>
  std::vector<Seen> run_all(const Body& body) {
    if constexpr (std::is_void_v<decltype(body())>) {
      return run_child([&] {
        body();
        return 0;
      });
    } else {
      return run_child(body);
    }
  }
  // Like run_all(), with more selected than every_call().
  std::vector<Seen> run_with(std::initializer_list<Sc> more, const std::function<int()>& body);
  int64_t child() const { return child_; }
  int status() const { return status_; }

  // The events of that type, in order.
  static std::vector<Seen> of(const std::vector<Seen>& events, Ev type);
  // The only event of that type.
  static Seen only(const std::vector<Seen>& events, Ev type);
  // Exactly two: the call that succeeded and the one that failed.
  struct Both {
    Seen good, bad;
  };
  static Both both(const std::vector<Seen>& events, Ev type);
  // Every named parameter has that value, and together they are all parameters of the event.
  struct Expected {
    std::string_view name;
    std::variant<int64_t, std::string> value;
  };
  static void expect(const Seen& seen, const std::vector<Expected>& params);

  LiveSource& source();
  // A place the child writes to and the parent reads: results of its calls.
  int64_t& out(size_t index) { return out_[index]; }
  // A fresh directory, removed at the end.
  const std::string& dir() const { return dir_; }
  void TearDown() override;

 private:
  std::vector<Seen> run_child(const std::function<int()>& body);
  std::vector<Seen> own(std::vector<Seen> events) const;
  int64_t child_ = 0;
  int status_ = 0;
  int64_t* out_ = nullptr;
  std::string dir_;
};

// The value of a parameter with any bytes: it is there, what it is, another check tells.
inline const std::string kAny = "<any>";
inline const std::string kEmpty = "<empty>";

// Every call the probe collects with an event of its own, and the end of processes.
std::vector<Sc> every_call();
// What the shared source collects between tests: these calls, with all that can be told of them.
Collection collection_of(std::vector<Sc> calls);

}  // namespace gyr::test
