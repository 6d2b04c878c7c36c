// SPDX-License-Identifier: Apache-2.0
// A condition on its own, as the filter of a command: which events of a stream fit it, and which
// events it can fit at all.
#pragma once

#include <string_view>
#include <vector>

#include "engine/event_stream.h"
#include "lang/condition.h"
#include "vm/program.h"

namespace gyr {

class EventFilter {
 public:
  // `condition` is checked, without macros.
  explicit EventFilter(const CheckedPtr& condition);

  // Whether the stream's current event fits.
  bool matches(const EventStream& stream);
  const EventNeeds& needs() const { return needs_; }
  bool reads(std::string_view field) const { return reads_field(*condition_, field); }

 private:
  CheckedPtr condition_;
  EventNeeds needs_;
  Evaluator evaluator_;
};

}  // namespace gyr
