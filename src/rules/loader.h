// SPDX-License-Identifier: Apache-2.0
// Rule files → Ruleset. All files are read first and compiled once, together.
//
// Guarantees: any bytes give a ruleset or at least one error; every diagnostic has a code, a
// position that counts from 1 and the line it is about. Expansion of lists and macros is bounded.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/rules_on_error.h"
#include "rules/ruleset.h"

namespace gyr {

struct RuleSource {
  std::string name;  // as diagnostics show it, usually the path
  std::string text;
  std::string read_error{};  // not empty: why the file could not be read; reported as its error
};

// One entry of the configuration's `rules`: applied in order, the last one that fits a rule
// decides.
struct RuleSelector {
  bool enable = false;
  std::string rule;  // pattern of the whole name ('*' = any text), or empty
  std::string tag;   // exact tag, or empty
};

// One entry of the configuration's `append_output`: for the rules that fit all conditions that are
// set.
struct OutputAddition {
  struct Field {
    std::string name;
    std::string format;  // empty: the field called `name`
  };
  std::string rule;
  std::string source;
  std::vector<std::string> tags;  // all must be on the rule
  std::string text;               // appended to the output
  std::vector<Field> fields;
  bool suggested = false;  // append the fields that fields' rows suggest
};
// The text without %container.info, which old service files append and which prints nothing.
std::string without_dead_token(std::string text);

struct SatisfiedPlugin {
  std::string name;
  std::string version;  // empty: built in, satisfies any version
};

// The engine whose rule language this is; required_engine_version is compared with it.
inline constexpr std::string_view kEngineVersion = "0.63.0";

struct LoadSettings {
  Dialect dialect;
  std::vector<std::string> sources = {"syscall"};
  std::vector<SatisfiedPlugin> plugins = {{"container", ""}, {"json", ""}, {"k8saudit", ""}};
  std::vector<RuleSelector> selection;
  Priority min_priority = Priority::Debug;
  std::vector<OutputAddition> additions;
  // Errors reported per file. The reference stops at the first one, and tools count on that.
  size_t max_errors = 1;
  RulesOnError on_error = RulesOnError::Stop;
};

// What became of one file.
struct FileReport {
  std::string name;
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
  bool ok() const { return errors.empty(); }
};

struct LoadResult {
  std::vector<FileReport> files;           // one per source, in order
  std::shared_ptr<const Ruleset> ruleset;  // null if a file has errors and they are not skipped
  size_t items_skipped = 0;                // of all kinds, changes of rules among them
  bool ok() const { return ruleset != nullptr; }
};

// With RulesOnError::Skip at most kMaxSkippedErrors errors are told of a file; the ruleset is null
// if nothing is left, or if the fault is one of the settings (append_output).
inline constexpr size_t kMaxSkippedErrors = 1000;

// The fields of `settings.dialect` must outlive the ruleset.
LoadResult load_rules(std::span<const RuleSource> sources, const LoadSettings& settings);

}  // namespace gyr
