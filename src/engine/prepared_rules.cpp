// SPDX-License-Identifier: Apache-2.0
#include "engine/prepared_rules.h"

#include <utility>

#include "field/fields.h"

namespace gyr {

std::shared_ptr<const PreparedRules> prepare_rules(std::shared_ptr<const Ruleset> ruleset,
                                                   RuleUse use, std::string_view source) {
  auto prepared = std::make_shared<PreparedRules>();
  std::vector<CheckedPtr> conditions;
  for (const Rule& rule : ruleset->rules) {
    if (!rule.active() || rule.source != source) continue;
    prepared->active.push_back(&rule);
    conditions.push_back(rule.condition);
  }
  const Dialect dialect{.fields = all_fields(), .event_types = kEventCount};
  prepared->program = compile(conditions, dialect, use.compile);
  prepared->ruleset = std::move(ruleset);
  prepared->use = std::move(use);
  return prepared;
}

}  // namespace gyr
