// SPDX-License-Identifier: Apache-2.0
// Turns events of older collectors into current ones: exit events that carry all parameters. The
// rules are the rows of schema/conversions.def. Enter events whose parameters an exit event will
// need are remembered per thread.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/result.h"
#include "event/event_view.h"

namespace gyr {

enum class Upgrade : uint8_t {
  Keep,    // the record is current now; a changed one lies in the upgrader until the next call
  Drop,    // nobody is to see it
  Failed,  // no rule for it: reason() tells
};

struct UpgradeCounters {
  uint64_t converted = 0;
  uint64_t dropped = 0;
  uint64_t enters_evicted = 0;     // enter events forgotten because too many were remembered
  uint64_t enters_mismatched = 0;  // remembered ones of another call than the exit event's
};

class Upgrader {
 public:
  Upgrade upgrade(Record* record) {
    return is_current(*record) ? Upgrade::Keep : upgrade_slow(record);
  }
  // Whether upgrade() would keep the record as it is.
  static bool is_current(const Record& record) {
    const auto type = load<uint16_t>(record.bytes.data() + 20);
    const auto count = load<uint32_t>(record.bytes.data() + 22);
    const uint32_t settled = kSettled[type];
    return settled == kAnyCount || settled == count;
  }
  // Forgets the enter events: another capture begins.
  void restart();

  const std::string& reason() const { return reason_; }
  const UpgradeCounters& counters() const { return counters_; }

 private:
  // By event: the number of parameters with which it is current, kAnyCount for any, kNoCount none.
  static constexpr uint32_t kAnyCount = 0xffffffff;
  static constexpr uint32_t kNoCount = 0xfffffffe;  // more than any record holds
  // A constant, defined with the rows in the source file.
  static const std::array<uint32_t, kEventCount> kSettled;

  struct Enter {
    int64_t tid = 0;
    std::vector<uint8_t> bytes;
  };
  using Enters = std::list<Enter>;
  // An event on its way, its parameters wherever they lie.
  struct Draft {
    Ev type = Ev::GENERIC_E;
    uint32_t count = 0;
    bool changed = false;
    std::array<Bytes, kMaxParams> params;
  };

  Upgrade upgrade_slow(Record* record);
  Upgrade convert_all(Record* record, Draft& draft);
  void convert(Draft& draft, const struct Conversion& rule, int64_t tid);
  Bytes source_value(const struct Fill& fill, Type type, const Draft& draft, const Enter* enter);
  Upgrade keep(Record* record, const Draft& draft);
  Upgrade drop();
  Upgrade fail(std::string reason);
  void remember(int64_t tid, Bytes bytes);
  const Enter* find_enter(int64_t tid, Ev exit);
  void forget(int64_t tid);

  Enters enters_;  // oldest first
  Enters spare_;   // nodes to use again
  size_t enter_bytes_ = 0;
  absl::flat_hash_map<int64_t, Enters::iterator> by_tid_;
  std::vector<uint8_t> result_;
  std::string json_;
  std::string reason_;
  UpgradeCounters counters_;
};

}  // namespace gyr
