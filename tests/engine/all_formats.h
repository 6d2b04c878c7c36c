// SPDX-License-Identifier: Apache-2.0
// An output with all fields, for tests that compare what is shown of one event in two ways.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "field/fields.h"
#include "lang/output.h"

namespace gyr {

// All fields that a file can know: those that measure from an earlier event begin anew in each.
inline std::string all_formats() {
  const std::set<std::string_view> anew = {"evt.num",         "evt.around",       "evt.reltime",
                                           "evt.reltime.s",   "evt.reltime.ns",   "evt.deltatime",
                                           "evt.deltatime.s", "evt.deltatime.ns", "thread.cpu",
                                           "thread.cpu.user", "thread.cpu.system"};
  const Dialect dialect{.fields = all_fields(), .event_types = kEventCount};
  std::string text;
  for (const FieldClass& family : all_fields()) {
    if (family.hidden) continue;
    for (const FieldInfo& field : family.fields) {
      if (anew.contains(field.name)) continue;
      for (const char* argument : {"", "[1]", "[cpu]"}) {
        const std::string token = "%" + std::string(field.name) + argument;
        std::vector<TextFault> faults;
        if (OutputTemplate::parse(token, dialect, &faults) == nullptr) continue;
        text += (text.empty() ? "" : "\n") + token;
        break;
      }
    }
  }
  return text;
}

}  // namespace gyr
