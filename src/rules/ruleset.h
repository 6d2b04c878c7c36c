// SPDX-License-Identifier: Apache-2.0
// A loaded ruleset: what rule files say once macros, lists, exceptions, appends, overrides and the
// selection of the configuration are applied. Plain data, immutable once load_rules() gave it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/priority.h"
#include "lang/condition.h"
#include "lang/diagnostic.h"
#include "lang/output.h"

namespace gyr {

// "and not (…)" behind a condition, written as a table of values.
struct RuleException {
  std::string name;
  std::vector<std::string> fields;     // one for an exception on a single field
  std::vector<std::string> operators;  // one per field
  size_t value_count = 0;              // 0: it is not part of the condition
};

// A field that the configuration adds to the alerts of a rule (append_output.extra_fields).
struct ExtraField {
  std::string name;                             // key in output_fields
  std::shared_ptr<const OutputTemplate> value;  // "%field" or the format given
  bool raw = false;                             // a plain field: keeps its JSON type
};

struct Rule {
  std::string name;
  std::string description;
  std::string source = "syscall";
  Priority priority = Priority::Debug;
  std::vector<std::string> tags;  // each once, in order of appearance
  bool enabled = true;            // after the selection
  bool below_priority = false;    // less severe than LoadSettings::min_priority
  bool warn_event_types = true;
  bool capture = false;
  std::optional<uint64_t> capture_duration_ms;

  std::string condition_text;      // as written, appends joined; without exceptions
  std::string compiled_text;       // with lists substituted and exceptions written out
  std::vector<std::string> lists;  // names of the lists the condition uses itself
  ExprPtr expr;                    // of compiled_text, macros not expanded
  CheckedPtr condition;            // macros expanded, ready for compile()
  EventNeeds needs;
  std::string output_text;                       // trimmed, without what the configuration appends
  std::string appended_text;                     // what it appends
  std::shared_ptr<const OutputTemplate> output;  // with what the configuration appends
  std::vector<ExtraField> extra_fields;
  std::vector<RuleException> exceptions;
  Position position;

  // Whether events are to be tested against it.
  bool active() const { return enabled && !below_priority; }
};

struct Macro {
  std::string name;
  std::string condition_text;      // as written, appends joined
  std::string compiled_text;       // with lists substituted
  std::vector<std::string> lists;  // names of the lists the condition uses itself
  ExprPtr expr;                    // macros not expanded
  ExprPtr expanded;
  bool used = false;  // by a rule or another macro
  Position position;
};

struct List {
  std::string name;
  std::vector<std::string> items;     // as written
  std::vector<std::string> expanded;  // with included lists written out, quoted where needed
  std::vector<std::string> lists;     // names of the lists it includes
  bool used = false;                  // by a condition or another list
  Position position;
};

struct PluginRequirement {
  struct Plugin {
    std::string name;
    std::string version;
  };
  Plugin plugin;
  std::vector<Plugin> alternatives;
};

// Everything in order of first appearance, which is the order of evaluation too.
struct Ruleset {
  std::vector<Rule> rules;
  std::vector<Macro> macros;
  std::vector<List> lists;
  std::string required_engine_version = "0.0.0";  // the highest one asked for
  std::vector<PluginRequirement> required_plugins;
  size_t rules_skipped = 0;  // that are missing because of errors (RulesOnError::Skip)
};

}  // namespace gyr
