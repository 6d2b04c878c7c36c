// SPDX-License-Identifier: Apache-2.0
#include "lang/compile.h"

#include "lang/checked.h"
#include "vm/build.h"

namespace gyr {

std::shared_ptr<const Program> compile(std::span<const CheckedPtr> conditions,
                                       const Dialect& dialect, const CompileSettings& settings) {
  std::vector<TreePtr> trees;
  trees.reserve(conditions.size());
  for (const CheckedPtr& condition : conditions) trees.push_back(condition->root);
  return build_program(trees, dialect.event_types,
                       {.string_cache = settings.string_cache,
                        .thread_cache = settings.thread_cache,
                        .event_cache = settings.event_cache,
                        .specialise = settings.specialise});
}

}  // namespace gyr
