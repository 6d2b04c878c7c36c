// SPDX-License-Identifier: Apache-2.0
// Many checked conditions → one program: equal parts are shared across the whole ruleset, each
// event type gets a specialised plan. See vm/program.h for running it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "lang/condition.h"
#include "vm/program.h"

namespace gyr {

struct CompileSettings {
  // Each cache can be switched off: answers are the same (the tests compare), only slower.
  bool string_cache = true;
  bool thread_cache = true;
  bool event_cache = true;
  bool specialise = true;
};

// `conditions[i]` becomes rule number i; earlier rules are tried first.
std::shared_ptr<const Program> compile(std::span<const CheckedPtr> conditions,
                                       const Dialect& dialect,
                                       const CompileSettings& settings = {});

}  // namespace gyr
