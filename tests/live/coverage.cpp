// SPDX-License-Identifier: Apache-2.0
#include "coverage.h"

#include <gtest/gtest.h>

#include "live_fixture.h"

namespace gyr::test {

Coverage& Coverage::instance() {
  static Coverage one;
  return one;
}

// Results that are ids, sizes or addresses are negative when they are read as what the call
// returns.
bool Coverage::has_failed(const EventView& event) {
  if (event.type() == Ev::PROCEXIT_1_E) return false;
  const Bytes first = event.param(0);
  return !first.empty() && (first.back() & 0x80) != 0;
}

namespace {

// The last check: it needs no list, the schema says which events there are.
class EveryCallHasATest : public testing::Environment {
 public:
  void TearDown() override {
    const bool all = testing::GTEST_FLAG(filter) == "*" && testing::GTEST_FLAG(repeat) == 1;
    if (!all || kThreadSanitizer || !LiveTest::is_possible()) return;
    for (const Sc sc : every_call()) {
      if (LiveTest::lacks_tracepoint(sc)) continue;
      const ScInfo& info = *sc_info(static_cast<uint16_t>(sc));
      const EventInfo& event = event_info(info.event);
      // A call without parameters tells nothing but that it was made; an end cannot fail.
      const bool can_fail = event.nparams > 0 && info.event != Ev::PROCEXIT_1_E;
      // Who is traced cannot trace.
      const bool can_succeed = info.event != Ev::PTRACE_X || !LiveTest::by_ptrace();
      EXPECT_TRUE(!can_succeed || Coverage::instance().has(info.event, false))
          << info.name << ": no test sees " << event.code << " of a call that succeeds";
      EXPECT_TRUE(!can_fail || Coverage::instance().has(info.event, true))
          << info.name << ": no test sees " << event.code << " of a call that fails";
    }
  }
};
const testing::Environment* const kRegistered =
    testing::AddGlobalTestEnvironment(new EveryCallHasATest);

}  // namespace
}  // namespace gyr::test
