// SPDX-License-Identifier: Apache-2.0
// Where alerts go: implement Sink and give it to an engine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gyr/field.h"

namespace gyr::api {

// The numbers are those of syslog.
enum class Priority : uint8_t {
  Emergency,
  Alert,
  Critical,
  Error,
  Warning,
  Notice,
  Informational,
  Debug
};

// A match of a rule. Owns all it says.
struct Alert {
  uint64_t time_ns = 0;  // of the event, since the epoch
  std::string rule;
  Priority priority = Priority::Debug;
  std::string source;
  std::vector<std::string> tags;             // sorted
  std::string message;                       // the rule's output, without time and priority
  std::map<std::string, FieldValue> fields;  // those the output names
};

// The engine owns it until it is destroyed itself. write() is called from one thread, which belongs
// to the sink: a slow sink does not hold up the others. It must not throw: an exception ends the
// program.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string_view name() const = 0;  // valid while the sink lives
  // `line` is the alert as the engine's settings form it, without newline: text or JSON. False: the
  // alert is lost, and is counted. Both arguments live until write() returns.
  virtual bool write(const Alert& alert, std::string_view line) = 0;
};

}  // namespace gyr::api
