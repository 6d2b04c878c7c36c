// SPDX-License-Identifier: Apache-2.0
// Which events of calls a run has checked, every parameter of them, after success and after
// failure; and whether that is all of them.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "event/event_view.h"

namespace gyr::test {

class Coverage {
 public:
  // Of the whole program.
  static Coverage& instance();

  void add(const EventView& event) { seen_.emplace(event.type(), has_failed(event)); }
  // What a test could not see here, with the reason that it printed.
  void excuse(Ev type, bool failed) { seen_.emplace(type, failed); }
  bool has(Ev type, bool failed) const { return seen_.contains({type, failed}); }

 private:
  static bool has_failed(const EventView& event);
  std::set<std::pair<Ev, bool>> seen_;
};

}  // namespace gyr::test
