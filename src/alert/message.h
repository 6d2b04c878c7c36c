// SPDX-License-Identifier: Apache-2.0
// One alert for all outputs: each form of it is made once, by the first output that needs it, and
// shared by the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "alert/format.h"

namespace gyr {

// What a sink gets as its line.
enum class LineForm : uint8_t {
  Configured,        // text or JSON, as json_output says
  ConfiguredWithId,  // the same; as JSON it has the alert's id
  Json,              // JSON whatever json_output says
  JsonWithId,
  OtlpRecord,  // one log record of OTLP/HTTP as JSON
};
inline constexpr size_t kLineForms = 5;

// The same for the same event, rule and content, in any process and on any machine: 128 bits as 32
// hexadecimal digits. `occurrence` tells alerts apart that are alike to the nanosecond.
std::string alert_id(const Alert& alert, uint64_t occurrence);

class Message {
 public:
  // An empty id: nobody wants one.
  Message(AlertPtr alert, const AlertFormat& format, std::string id);

  const Alert& alert() const { return *alert_; }
  const std::string& id() const { return id_; }
  // Any thread.
  const std::string& line(LineForm form) const;
  // Bytes that it takes in memory, its lines included, about. What queues count.
  size_t weight() const { return weight_; }

 private:
  std::string make(LineForm form) const;

  AlertPtr alert_;
  AlertFormat format_;
  std::string id_;
  size_t weight_;
  mutable std::array<std::once_flag, kLineForms> made_;
  mutable std::array<std::string, kLineForms> lines_;
};
using MessagePtr = std::shared_ptr<const Message>;

// Gives alerts their ids, in the order in which the engine sends them.
class AlertNumbering {
 public:
  std::string next_id(const Alert& alert);

 private:
  // More alerts of one nanosecond than this, all different, are told apart by content alone.
  static constexpr size_t kMaxOfOneTime = 256;
  struct Seen {
    std::string id;
    uint64_t occurrences;
  };
  uint64_t time_ns_ = 0;
  std::vector<Seen> of_this_time_;
};

}  // namespace gyr
