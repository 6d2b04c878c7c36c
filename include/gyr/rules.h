// SPDX-License-Identifier: Apache-2.0
// Rule files → rules that an engine can run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gyr::api {

struct RuleText {
  std::string name;  // as diagnostics show it
  std::string text;
};

struct Diagnostic {
  bool error = false;  // else a warning
  std::string code;    // "LOAD_ERR_COMPILE_CONDITION"
  std::string message;
  std::string file;
  uint32_t line = 1;
  uint32_t column = 1;  // in bytes
};

// Applied in order; the last one that fits a rule decides.
struct RuleSelection {
  bool enable = false;
  std::string rule{};  // pattern of the whole name, '*' is any text; or empty
  std::string tag{};   // or empty
};

struct RuleSettings {
  std::vector<RuleSelection> selection{};
  std::map<std::string, std::string> static_fields{};  // read as static.NAME
};

// Immutable; copies share one set, also between threads and engines.
class Rules {
 public:
  size_t size() const;  // those the selection disables too

 private:
  friend struct RulesAccess;
  struct Impl;
  explicit Rules(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

struct LoadedRules {
  std::optional<Rules> rules;  // none after an error
  std::vector<Diagnostic> diagnostics;
  std::string report;  // all of them as `gyr -V` prints them, with the faulty text underlined
};
// All texts are one rule set, in this order. What is wrong with a text is a diagnostic, the first
// error of each.
LoadedRules load_rules(const std::vector<RuleText>& texts, const RuleSettings& settings = {});
// Files, and folders whose .yaml and .yml files are taken in alphabetical order. A file that cannot
// be read is a diagnostic as well.
LoadedRules load_rule_files(const std::vector<std::string>& paths,
                            const RuleSettings& settings = {});

}  // namespace gyr::api
