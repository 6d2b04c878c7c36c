// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/exception_reader.h"
#include "rules/keys.h"

namespace gyr::rules {
namespace {

constexpr auto kRuleKeys = select_keys<[](const RuleKey& key) { return key.item == "rule"; }>();
constexpr auto kBoth = select_keys<[](const RuleKey& key) {
  return key.item == "rule" && key.change == Change::Both;
}>();
constexpr auto kReplaceOnly = select_keys<[](const RuleKey& key) {
  return key.item == "rule" && key.change == Change::Replace;
}>();
constexpr std::array<std::string_view, 4> kRequired = {"condition", "output", "desc", "priority"};

bool contains(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void add_tags(const std::vector<Place>& places, std::vector<std::string>* tags) {
  for (const Place& place : places) {
    if (std::find(tags->begin(), tags->end(), place.node->text) == tags->end())
      tags->push_back(place.node->text);
  }
}

// Replaces what one key of the item says in `rule`. False when the value is no good.
bool replace_key(const Item& item, std::string_view key, RuleDefinition* rule) {
  const auto text = [&](auto store) {
    const auto value = item.scalar(key);
    if (value) store(*value);
    return value.has_value();
  };
  const auto flag = [&](bool* target) {
    const auto value = item.boolean(key);
    if (value) *target = *value;
    return value.has_value();
  };
  if (key == "condition") return text([&](Place p) { rule->condition = {p}; });
  if (key == "output") return text([&](Place p) { rule->output = {p}; });
  if (key == "desc") return text([&](Place p) { rule->description = trim(p.node->text); });
  if (key == "enabled") return flag(&rule->enabled);
  if (key == "warn_evttypes") return flag(&rule->warn_event_types);
  if (key == "skip-if-unknown-filter") return flag(&rule->skip_if_unknown_filter);
  if (key == "capture") return flag(&rule->capture);
  if (key == "capture_duration") {
    rule->capture_duration_ms = item.number(key);
    return rule->capture_duration_ms.has_value();
  }
  if (key == "tags") {
    const auto tags = item.scalars(key);
    rule->tags.clear();
    if (tags) add_tags(*tags, &rule->tags);
    return tags.has_value();
  }
  if (key == "exceptions") return replace_exceptions(item, rule);
  const auto value = item.scalar("priority");
  if (!value) return false;
  const auto priority = parse_priority(value->node->text);
  if (priority) {
    rule->priority = *priority;
    return true;
  }
  item.sink().error(
      Code::YamlValidate,
      fmt::format("'{}' is no priority: EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, "
                  "INFO or DEBUG",
                  value->node->text),
      item.chain().with("rule priority", "", *value), *value);
  return false;
}

bool append_key(const Item& item, std::string_view key, const LoadSettings& settings,
                RuleDefinition* rule) {
  if (key == "exceptions") return append_exceptions(item, settings, rule);
  if (key == "tags") {
    const auto tags = item.scalars(key);
    if (tags) add_tags(*tags, &rule->tags);
    return tags.has_value();
  }
  const auto value = item.scalar(key);
  if (!value) return false;
  if (key == "condition") rule->condition.push_back(*value);
  if (key == "output") rule->output.push_back(*value);
  if (key == "desc") rule->description += " " + std::string(trim(value->node->text));
  return true;
}

// Reading one rule item; gives up at the first fault of the item.
class RuleReader {
 public:
  RuleReader(const Item& item, std::string name, const LoadSettings& settings, Collected* collected)
      : item_(item), name_(std::move(name)), settings_(settings), collected_(*collected) {
    earlier_ = collected_.rules.find(name_);
  }

  void read() {
    const auto append = item_.boolean_or("append", false);
    if (!append) return broken();
    if (override_of(item_) != nullptr) {
      if (*append) {
        return fail(Code::YamlValidate, "'append' and 'override' exclude each other");
      }
      return read_override();
    }
    item_.check_keys(kRuleKeys);
    if (*append) return read_append();
    const bool full = std::any_of(kRequired.begin(), kRequired.end(),
                                  [&](std::string_view key) { return item_.has(key); });
    if (!full && item_.has("enabled")) return read_toggle();
    read_definition();
  }

 private:
  void broken() { collected_.broken.insert("rule " + name_); }
  void fail(Code code, std::string message) {
    item_.fail(code, std::move(message));
    broken();
  }

  // True when there is nothing to change: the rule was skipped, or its definition was faulty.
  bool is_gone() const {
    return earlier_ == nullptr && (collected_.skipped_rules.contains(name_) ||
                                   collected_.broken.contains("rule " + name_));
  }
  // The rule was left out for its errors, and that is said.
  bool is_skipped() {
    if (!collected_.is_gone("rule", name_)) return false;
    fail(Code::Validate, "the rule is skipped because of an error, and so is this change of it");
    return true;
  }

  // The source the item gives must be that of the earlier definition.
  bool source_agrees() {
    if (!item_.has("source")) return true;
    const auto source = item_.scalar("source");
    if (!source) {
      broken();
      return false;
    }
    if (earlier_ == nullptr || earlier_->source == source->node->text) return true;
    fail(Code::Validate,
         fmt::format("the rule has source '{}' already and cannot change it", earlier_->source));
    return false;
  }

  void read_definition() {
    if (!source_agrees()) return;
    RuleDefinition rule;
    rule.name = name_;
    rule.place = item_.place();
    if (const auto* source = item_.node().find("source")) {
      rule.source = source->text;
    } else if (earlier_ != nullptr) {
      rule.source = earlier_->source;
    }
    for (const std::string_view key : kRequired) {
      if (!replace_key(item_, key, &rule)) return broken();
    }
    if (!contains_source(rule.source)) return skip(rule.source);
    if (item_.has("skip-if-unknown-filter") && !replace_key(item_, "skip-if-unknown-filter", &rule))
      return broken();
    for (const std::string_view key : kRuleKeys) {
      const bool optional = contains(kReplaceOnly, key) || key == "tags" || key == "exceptions";
      if (optional && item_.has(key) && !replace_key(item_, key, &rule)) return broken();
    }
    if (!check_exception_fields(item_, settings_, rule)) return broken();
    ++collected_.next_stamp;
    keep_earlier();
    rule.last_file = item_.place().file;
    collected_.rules.put(std::move(rule));
  }

  bool contains_source(const std::string& source) const {
    return std::find(settings_.sources.begin(), settings_.sources.end(), source) !=
           settings_.sources.end();
  }

  void skip(const std::string& source) {
    const yaml::Node* node = item_.node().find("source");
    item_.warn(Code::UnknownSource,
               fmt::format("nothing provides events of source '{}', the rule is skipped", source),
               node != nullptr ? *node : item_.node());
    collected_.skipped_rules.insert(name_);
  }

  void read_toggle() {
    item_.warn(Code::DeprecatedItem,
               "switching a rule with 'enabled' alone is deprecated; write "
               "'override: {enabled: replace}'" +
                   keys_beside(kOfToggle, "it switches the rule only"),
               *item_.node().find("enabled"));
    if (is_gone() || is_skipped()) return;
    if (earlier_ == nullptr) {
      return fail(Code::Validate, "there is no rule of this name to enable or disable");
    }
    replace_key(item_, "enabled", earlier_);
  }

  void read_append() {
    item_.warn(Code::DeprecatedItem,
               "'append' is deprecated; write 'override' with the keys to append" +
                   keys_beside(kOfAppend, "it adds to 'condition' and 'exceptions' only"),
               *item_.node().find("append"));
    if (is_gone() || is_skipped()) return;
    if (earlier_ == nullptr) {
      return fail(Code::Validate, "there is no rule of this name to append to");
    }
    if (!item_.has("condition") && !item_.has("exceptions")) {
      return fail(Code::Validate, "an appended rule needs 'condition' or 'exceptions'");
    }
    if (!source_agrees()) return;
    RuleDefinition changed = *earlier_;
    for (const std::string_view key : {"condition", "exceptions"}) {
      if (item_.has(key) && !append_key(item_, key, settings_, &changed)) return broken();
    }
    change_to(std::move(changed));
  }

  static constexpr std::array<std::string_view, 2> kOfToggle = {"rule", "enabled"};
  static constexpr std::array<std::string_view, 5> kOfAppend = {"rule", "append", "condition",
                                                                "exceptions", "source"};

  // The old ways of changing a rule know a few keys; what else is there was meant and does nothing.
  std::string keys_beside(std::span<const std::string_view> used, std::string_view why) const {
    std::vector<std::string> unused;
    for (const yaml::Node::Entry& entry : item_.node().entries) {
      const std::string& key = entry.key->text;
      if (contains(kRuleKeys, key) && !contains(used, key)) unused.push_back("'" + key + "'");
    }
    if (unused.empty()) return {};
    return fmt::format(". Beside it {} {} no effect: {}", join(unused, ", "),
                       unused.size() == 1 ? "has" : "have", why);
  }

  void read_override() {
    const auto overrides = read_overrides(item_, kBoth, kReplaceOnly);
    if (!overrides) return broken();
    item_.check_keys(kRuleKeys);
    if (is_gone() || is_skipped()) return;
    if (earlier_ == nullptr) {
      return fail(Code::Validate, "there is no rule of this name to override");
    }
    if (!source_agrees()) return;
    RuleDefinition changed = *earlier_;
    for (const std::string_view key : overrides->appended) {
      if (!append_key(item_, key, settings_, &changed)) return broken();
    }
    for (const std::string_view key : overrides->replaced) {
      if (!replace_key(item_, key, &changed)) return broken();
    }
    if (!check_exception_fields(item_, settings_, changed)) return broken();
    change_to(std::move(changed));
  }

  void keep_earlier() {
    if (earlier_ == nullptr || earlier_->last_file == item_.place().file) return;
    collected_.superseded_rules.push_back(*earlier_);
  }

  void change_to(RuleDefinition changed) {
    ++collected_.next_stamp;
    keep_earlier();
    changed.last_file = item_.place().file;
    *earlier_ = std::move(changed);
  }

  const Item& item_;
  std::string name_;
  const LoadSettings& settings_;
  Collected& collected_;
  RuleDefinition* earlier_;
};

}  // namespace

void read_rule(const Item& item, const LoadSettings& settings, Collected* collected) {
  const auto name = item.scalar("rule");
  if (!name) return;
  RuleReader(item, name->node->text, settings, collected).read();
}

// Without content it says nothing, and the item is a definition.
const yaml::Node* override_of(const Item& item) {
  const yaml::Node* node = item.node().find("override");
  if (node == nullptr || node->is_null()) return nullptr;
  return node->is_map() && node->entries.empty() ? nullptr : node;
}

std::optional<Overrides> read_overrides(const Item& item, std::span<const std::string_view> both,
                                        std::span<const std::string_view> replace_only) {
  const yaml::Node& node = *item.node().find("override");
  if (!node.is_map()) {
    item.fail(Code::YamlValidate, "'override' is a map of keys to 'append' or 'replace'", node);
    return std::nullopt;
  }
  Overrides overrides;
  for (const yaml::Node::Entry& entry : node.entries) {
    const std::string& key = entry.key->text;
    const std::string& mode = entry.value->text;
    const bool known = contains(both, key) || contains(replace_only, key);
    std::string problem;
    if (!known) {
      problem = fmt::format("the key '{}' cannot be overridden", key);
    } else if (mode != "append" && mode != "replace") {
      problem = fmt::format("'{}' is no way to override: write 'append' or 'replace'", mode);
    } else if (mode == "append" && !contains(both, key)) {
      problem = fmt::format("the key '{}' can be replaced but not appended", key);
    } else if (!item.has(key)) {
      problem = fmt::format("the override names the key '{}', but the item has no such key", key);
    }
    if (!problem.empty()) {
      const Place place = item.at(*entry.key);
      item.sink().error(Code::YamlValidate, std::move(problem),
                        item.chain().with("overrides", key, place), place);
      return std::nullopt;
    }
    (mode == "append" ? overrides.appended : overrides.replaced).push_back(key);
  }
  for (const yaml::Node::Entry& entry : item.node().entries) {
    const std::string& key = entry.key->text;
    const bool matters = contains(both, key) || contains(replace_only, key);
    if (!matters || node.find(key) != nullptr) continue;
    item.fail(Code::YamlValidate,
              fmt::format("the key '{}' is there, but 'override' does not say whether it is "
                          "appended or replaced",
                          key),
              *entry.key);
    return std::nullopt;
  }
  return overrides;
}

}  // namespace gyr::rules
