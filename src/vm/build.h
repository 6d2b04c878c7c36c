// SPDX-License-Identifier: Apache-2.0
// Checked trees → program.
#pragma once

#include <memory>
#include <span>

#include "vm/program.h"
#include "vm/tree.h"

namespace gyr {

struct BuildSettings {
  bool string_cache = true;
  bool thread_cache = true;
  bool event_cache = true;
  bool specialise = true;
};

// `trees[i]` becomes rule number i. `event_types`: FieldInfo::fold is asked for each smaller
// number.
std::shared_ptr<const Program> build_program(std::span<const TreePtr> trees, uint16_t event_types,
                                             const BuildSettings& settings);

}  // namespace gyr
