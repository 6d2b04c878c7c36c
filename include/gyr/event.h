// SPDX-License-Identifier: Apache-2.0
// One event with the state of the machine after it. It refers to its reader: use it until the next
// call of EventReader::next() and not longer than the reader lives.
#pragma once

#include <cstdint>
#include <string>

#include "gyr/field.h"

namespace gyr {
class EventStream;
}

namespace gyr::api {

class Event {
 public:
  uint64_t number() const;   // from 1 through the whole source; hidden events count too
  uint64_t time_ns() const;  // since the epoch
  int64_t thread_id() const;
  std::string type() const;  // "openat"; empty if it has no name

  FieldValue get(const Field& field) const { return field.get(*this); }
  std::string text(const Field& field) const { return field.text(*this); }

 private:
  friend struct EventAccess;
  explicit Event(const EventStream& stream) : stream_(&stream) {}
  const EventStream* stream_;
};

}  // namespace gyr::api
