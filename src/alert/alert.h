// SPDX-License-Identifier: Apache-2.0
// One alert: everything about a match that leaves the engine's thread. It owns what it says, so it
// may be queued, moved to other threads and outlive event and state.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/priority.h"

namespace gyr {

// A value of a field, with the type it has in JSON.
struct AlertValue {
  using List = std::vector<AlertValue>;
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, List> data;
  bool operator==(const AlertValue&) const = default;
};

struct Alert {
  uint64_t time_ns = 0;  // of the event, since the epoch
  std::string rule;
  Priority priority = Priority::Debug;
  std::string source;             // "syscall", "internal" …
  std::vector<std::string> tags;  // sorted
  std::string message;            // the rendered output, without time and priority
  std::map<std::string, AlertValue> fields;
  std::string hostname;
  // A message about this program: it has no tags and a form of its own, whatever the settings say.
  bool is_internal = false;
};
using AlertPtr = std::shared_ptr<const Alert>;

// What every message about this program has.
inline void mark_internal(const std::string& hostname, Alert* alert) {
  alert->source = "internal";
  alert->hostname = hostname;
  alert->is_internal = true;
}

}  // namespace gyr
