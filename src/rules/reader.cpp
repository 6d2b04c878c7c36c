// SPDX-License-Identifier: Apache-2.0
#include "rules/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "rules/item.h"
#include "rules/keys.h"
#include "rules/rule_reader.h"
#include "rules/semver.h"

namespace gyr::rules {
namespace {

// An item's type is its key of the same name.
constexpr auto kItemTypes = select_keys<[](const RuleKey& key) { return key.item == key.key; }>();
constexpr auto kListKeys = select_keys<[](const RuleKey& key) { return key.item == "list"; }>();
constexpr auto kMacroKeys = select_keys<[](const RuleKey& key) { return key.item == "macro"; }>();
constexpr auto kEngineKeys =
    select_keys<[](const RuleKey& key) { return key.item == "required_engine_version"; }>();
constexpr auto kPluginsKeys =
    select_keys<[](const RuleKey& key) { return key.item == "required_plugin_versions"; }>();
constexpr auto kPluginKeys = select_keys<[](const RuleKey& key) { return key.item == "plugin"; }>();

// A bare word that list substitution can find again in a condition.
bool is_list_name(std::string_view name) {
  return name.find_first_of(" \t\r\n(),='\"") == std::string_view::npos;
}

bool is_macro_name(std::string_view name) {
  const auto letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
  return letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || c == '_' || (c >= '0' && c <= '9');
         });
}

enum class Mode : uint8_t { Broken, Define, Append, Replace };

// How a list or macro item relates to an earlier one: `append: true`, or an override of its one
// key.
Mode mode_of(const Item& item, std::string_view key, bool exists) {
  const auto append = item.boolean_or("append", false);
  if (!append) return Mode::Broken;
  const yaml::Node* override = override_of(item);
  if (override != nullptr) {
    if (*append) {
      item.fail(Code::YamlValidate, "'append' and 'override' exclude each other", *override);
      return Mode::Broken;
    }
    const auto modes = read_overrides(item, {&key, 1}, {});
    if (!modes) return Mode::Broken;
    if (modes->appended.empty()) return modes->replaced.empty() ? Mode::Define : Mode::Replace;
  } else if (*append) {
    item.warn(Code::DeprecatedItem,
              fmt::format("'append' is deprecated; write 'override: {{{}: append}}'", key),
              *item.node().find("append"));
  } else {
    return Mode::Define;
  }
  if (exists) return Mode::Append;
  item.fail(Code::Validate, fmt::format("there is no {} of this name to append to",
                                        item.chain().locations().back().item_type));
  return Mode::Broken;
}

template <class T>
void store(Definitions<T>& definitions, T fresh, Mode mode, std::vector<Place> T::*content,
           Stamp stamp) {
  T* old = definitions.find(fresh.name);
  if (mode == Mode::Append && old != nullptr) {
    (old->*content).insert((old->*content).end(), (fresh.*content).begin(), (fresh.*content).end());
    old->last = stamp;
    return;
  }
  fresh.first = old != nullptr ? old->first : stamp;
  fresh.last = stamp;
  fresh.first_file = old != nullptr ? old->first_file : fresh.place.file;
  definitions.put(std::move(fresh));
}

class Reader {
 public:
  Reader(const SourceFiles& files, uint32_t file, const LoadSettings& settings,
         const Exclusions& excluded, Collected* collected, ReportSink* sink)
      : root_(files, file),
        settings_(settings),
        excluded_(excluded),
        collected_(*collected),
        sink_(*sink) {}

  void read_document(const yaml::Node& root) {
    if (root.is_null()) return;
    if (!root.is_sequence()) {
      sink_.error(
          Code::YamlValidate,
          fmt::format("a rules file is a sequence of items, but this is {}{}", kind_name(root.kind),
                      root.is_map() ? "; a configuration is checked with "
                                      "gyr -c FILE --dry-run"
                                    : ""),
          root_, {root_.file(), &root});
      return;
    }
    for (const yaml::NodePtr& item : root.items) {
      if (item->is_null()) {
        warn_of_empty(*item);
      } else if (excluded_.has(root_.file(), item->mark.offset)) {
        pass_over(item->mark.offset);
      } else {
        read_item(*item);
      }
    }
  }

 private:
  void pass_over(size_t offset) {
    const ItemAt item = item_at(root_.files(), root_.file(), offset);
    if (!item.type.empty()) collected_.skipped.insert(item.type + " " + item.name);
  }

  // The reference passes over it as well.
  void warn_of_empty(const yaml::Node& node) {
    const Place place{root_.file(), &node};
    sink_.warning(Code::UnknownItem, "an item without content, skipped",
                  root_.with("rules content item", "", place), place);
  }

  void read_item(const yaml::Node& node) {
    const Place place{root_.file(), &node};
    if (!node.is_map()) {
      sink_.error(Code::YamlValidate,
                  fmt::format("an item is a map with a key such as 'rule', but this is {}",
                              kind_name(node.kind)),
                  root_.with("rules content item", "", place), place);
      return;
    }
    for (const yaml::Node::Entry& entry : node.entries) {
      const auto type = std::find(kItemTypes.begin(), kItemTypes.end(), entry.key->text);
      if (type != kItemTypes.end()) return read_known(*type, place);
    }
    report_unknown(node, place);
  }

  void report_unknown(const yaml::Node& node, Place place) {
    const std::string key = node.entries.empty() ? "" : node.entries[0].key->text;
    const std::string_view guess = closest(key, kItemTypes);
    sink_.warning(Code::UnknownItem,
                  guess.empty()
                      ? fmt::format("unknown item '{}', skipped", key)
                      : fmt::format("unknown item '{}', skipped; did you mean '{}'?", key, guess),
                  root_.with("rules content item", key, place), place);
  }

  void read_known(std::string_view type, Place place) {
    const yaml::Node* named = place.node->find(type);
    const std::string name = named->is_scalar() ? named->text : "";
    const bool is_plugins = type == "required_plugin_versions";
    const Item item(root_.with(is_plugins ? "required plugin versions" : type,
                               type.starts_with("required") ? "" : name, place),
                    place, &sink_);
    if (type == "rule") return read_rule(item, settings_, &collected_);
    if (type == "macro") return read_macro(item);
    if (type == "list") return read_list(item);
    if (type == "required_engine_version") return read_engine_version(item);
    read_plugin_versions(item);
  }

  void read_list(const Item& item) {
    const auto name = item.scalar("list");
    if (!name) return;
    const auto items = item.scalars("items");
    ListDefinition* old = collected_.lists.find(name->node->text);
    const Mode mode = items ? mode_of(item, "items", old != nullptr) : Mode::Broken;
    if (mode == Mode::Broken) return;
    if (!is_list_name(name->node->text)) {
      item.warn(Code::InvalidListName,
                "a list's name must not contain blanks, quotes, parentheses, commas or '='",
                *name->node);
    }
    item.check_keys(kListKeys);
    store(collected_.lists, {name->node->text, item.place(), *items, 0, 0, 0}, mode,
          &ListDefinition::items, collected_.next_stamp++);
  }

  void read_macro(const Item& item) {
    const auto name = item.scalar("macro");
    if (!name) return;
    const auto condition = item.scalar("condition");
    MacroDefinition* old = collected_.macros.find(name->node->text);
    const Mode mode = condition ? mode_of(item, "condition", old != nullptr) : Mode::Broken;
    if (mode == Mode::Broken) return;
    if (!is_macro_name(name->node->text)) {
      item.warn(Code::InvalidMacroName,
                "a macro's name is letters, digits and underscores, beginning with a letter",
                *name->node);
    }
    item.check_keys(kMacroKeys);
    const bool is_other_file = old != nullptr && old->place.file != item.place().file;
    if (is_other_file && mode != Mode::Append) collected_.superseded_macros.push_back(*old);
    store(collected_.macros, {name->node->text, item.place(), {*condition}, 0, 0, 0}, mode,
          &MacroDefinition::condition, collected_.next_stamp++);
  }

  void read_engine_version(const Item& item) {
    const auto value = item.scalar("required_engine_version");
    if (!value) return;
    const auto wanted = parse_engine_version(value->node->text);
    if (!wanted) {
      return item.fail(
          Code::YamlValidate,
          fmt::format("'{}' is no engine version: write a number or x.y.z", value->node->text),
          *value->node);
    }
    const Version ours = parse_version(kEngineVersion).value_or(Version{});
    if (!ours.satisfies(*wanted)) {
      return item.fail(Code::Validate,
                       fmt::format("these rules need engine version {}, this engine is {}",
                                   wanted->text(), ours.text()),
                       *value->node);
    }
    item.check_keys(kEngineKeys);
    const auto highest = parse_version(collected_.engine_version).value_or(Version{});
    if (*wanted > highest) collected_.engine_version = wanted->text();
  }

  void read_plugin_versions(const Item& item) {
    const auto list = item.sequence("required_plugin_versions");
    if (!list) return;
    for (const yaml::NodePtr& node : list->node->items) read_plugin(item, *node);
    item.check_keys(kPluginsKeys);
  }

  void read_plugin(const Item& parent, const yaml::Node& node) {
    PluginRequirement requirement;
    const auto first = read_plugin_version(parent, node, "required plugin versions entry");
    if (!first) return;
    requirement.plugin = *first;
    if (const yaml::Node* alternatives = node.find("alternatives")) {
      if (!alternatives->is_sequence())
        return parent.fail(Code::YamlValidate, "'alternatives' must be a sequence", *alternatives);
      for (const yaml::NodePtr& alternative : alternatives->items) {
        const auto other =
            read_plugin_version(parent, *alternative, "required plugin versions alternative");
        if (!other) return;
        requirement.alternatives.push_back(*other);
      }
    }
    const bool satisfied =
        is_satisfied(requirement.plugin) ||
        std::any_of(requirement.alternatives.begin(), requirement.alternatives.end(),
                    [&](const PluginRequirement::Plugin& other) { return is_satisfied(other); });
    if (!satisfied) {
      const Place place = parent.at(node);
      return sink_.error(
          Code::Validate,
          fmt::format("these rules need plugin '{}' in version {} or newer",
                      requirement.plugin.name, requirement.plugin.version),
          parent.chain().with("required plugin versions entry", requirement.plugin.name, place),
          place);
    }
    collected_.plugins.push_back(std::move(requirement));
  }

  std::optional<PluginRequirement::Plugin> read_plugin_version(const Item& parent,
                                                               const yaml::Node& node,
                                                               std::string_view type) {
    if (!node.is_map()) {
      parent.fail(Code::YamlValidate, "a required plugin is a map with 'name' and 'version'", node);
      return std::nullopt;
    }
    const yaml::Node* named = node.find("name");
    const std::string known = named != nullptr && named->is_scalar() ? named->text : "";
    const Item item(parent.chain().with(type, known, parent.at(node)), parent.at(node), &sink_);
    const auto name = item.scalar("name");
    const auto version = name ? item.scalar("version") : std::nullopt;
    if (!version) return std::nullopt;
    item.check_keys(kPluginKeys);
    if (!parse_version(version->node->text)) {
      item.fail(Code::YamlValidate,
                fmt::format("'{}' is no plugin version: write x.y.z", version->node->text),
                *version->node);
      return std::nullopt;
    }
    return PluginRequirement::Plugin{name->node->text, version->node->text};
  }

  bool is_satisfied(const PluginRequirement::Plugin& wanted) const {
    return std::any_of(settings_.plugins.begin(), settings_.plugins.end(),
                       [&](const SatisfiedPlugin& have) {
                         if (have.name != wanted.name) return false;
                         if (have.version.empty()) return true;
                         const auto ours = parse_version(have.version);
                         return ours && ours->satisfies(*parse_version(wanted.version));
                       });
  }

  Chain root_;
  const LoadSettings& settings_;
  const Exclusions& excluded_;
  Collected& collected_;
  ReportSink& sink_;
};

}  // namespace

bool is_item_type(std::string_view key) {
  return std::find(kItemTypes.begin(), kItemTypes.end(), key) != kItemTypes.end();
}

void read_items(const SourceFiles& files, uint32_t file, const LoadSettings& settings,
                const Exclusions& excluded, Collected* collected, ReportSink* sink) {
  Reader reader(files, file, settings, excluded, collected, sink);
  for (const yaml::NodePtr& root : files[file].document->roots()) reader.read_document(*root);
}

}  // namespace gyr::rules
