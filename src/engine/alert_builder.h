// SPDX-License-Identifier: Apache-2.0
// A match → an alert: renders the output and copies the values of its fields out of the event and
// the state, so that the alert may leave the engine's thread.
#pragma once

#include <string>

#include "alert/alert.h"
#include "field/context.h"
#include "rules/ruleset.h"

namespace gyr {

struct AlertSettings {
  std::string hostname;
  bool iso_8601 = false;  // evt.time.iso8601 instead of evt.time among the fields
};

AlertPtr build_alert(const Rule& rule, const EvalContext& context, const AlertSettings& settings);

// A field's value as JSON knows it: numbers stay numbers, lists lists; absolute times are
// nanoseconds since the epoch, addresses and numbers printed in hex or octal are text.
AlertValue alert_value(const FieldUse& use, const EvalContext& context);

}  // namespace gyr
