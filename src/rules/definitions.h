// SPDX-License-Identifier: Apache-2.0
// What the rule files define, with appends, overrides and redefinitions applied but nothing
// compiled.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rules/loader.h"
#include "rules/source_text.h"

namespace gyr::rules {

// Definitions and appends are numbered in the order they are read. A macro may use macros whose
// first number is lower than its own last one.
using Stamp = uint32_t;

struct ListDefinition {
  std::string name;
  Place place;
  std::vector<Place> items;  // scalars
  Stamp first = 0;
  Stamp last = 0;
  uint32_t first_file = 0;
};

struct MacroDefinition {
  std::string name;
  Place place;
  std::vector<Place> condition;  // scalars, joined by blanks
  Stamp first = 0;
  Stamp last = 0;
  uint32_t first_file = 0;
};

struct ExceptionDefinition {
  std::string name;
  Place place;
  bool single = false;  // `fields` is one field, values are a flat list
  std::vector<std::string> fields;
  std::vector<std::string> operators;
  std::vector<Place> values;
};

struct RuleDefinition {
  std::string name;
  Place place;
  uint32_t last_file = 0;  // of the last item that changed it
  std::string source = "syscall";
  std::vector<Place> condition;  // scalars, joined by blanks
  std::vector<Place> output;     // the same
  std::string description;
  Priority priority = Priority::Debug;
  bool enabled = true;
  std::vector<std::string> tags;
  std::vector<ExceptionDefinition> exceptions;
  bool warn_event_types = true;
  bool skip_if_unknown_filter = false;
  bool capture = false;
  std::optional<uint64_t> capture_duration_ms;
};

// Definitions in order of first appearance, found by name.
template <class T>
class Definitions {
 public:
  T* find(std::string_view name) {
    const auto found = index_.find(std::string(name));
    return found == index_.end() ? nullptr : &all_[found->second];
  }
  bool has(std::string_view name) const { return index_.contains(std::string(name)); }
  // Replaces the content of an earlier definition of the name, in its place.
  void put(T definition) {
    const auto [slot, fresh] = index_.emplace(definition.name, all_.size());
    if (fresh) {
      all_.push_back(std::move(definition));
    } else {
      all_[slot->second] = std::move(definition);
    }
  }
  std::vector<T>& all() { return all_; }
  const std::vector<T>& all() const { return all_; }

 private:
  std::vector<T> all_;
  std::unordered_map<std::string, size_t> index_;
};

struct Collected {
  Definitions<ListDefinition> lists;
  Definitions<MacroDefinition> macros;
  Definitions<RuleDefinition> rules;
  // Rules as earlier files left them, where a later file changed them: a file must be correct
  // without those behind it.
  std::vector<RuleDefinition> superseded_rules;
  std::vector<MacroDefinition> superseded_macros;
  std::unordered_set<std::string> skipped_rules;  // of unknown sources
  std::unordered_set<std::string> broken;         // "rule x": its definition had an error
  std::string engine_version = "0.0.0";
  std::vector<PluginRequirement> plugins;
  Stamp next_stamp = 1;
  // With RulesOnError::Skip: "macro x", "list x", "rule x" of items that are passed over.
  std::unordered_set<std::string> skipped;

  // Whether an item of this name is gone: it was passed over and nothing else defines it.
  bool is_gone(std::string_view type, std::string_view name) const;
};

inline bool Collected::is_gone(std::string_view type, std::string_view name) const {
  if (skipped.empty() || !skipped.contains(std::string(type) + " " + std::string(name)))
    return false;
  return type == "rule" ? !rules.has(name) : type == "macro" ? !macros.has(name) : !lists.has(name);
}

}  // namespace gyr::rules
