// SPDX-License-Identifier: Apache-2.0
#include "rules/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/add_once.h"
#include "base/text.h"
#include "schema/dynamic_types.h"

namespace gyr {
namespace {

using Json = nlohmann::json;

constexpr size_t kNameColumn = 50;

std::string columns(std::string_view left, std::string_view right) {
  return fmt::format("{:<{}} {}\n", left, kNameColumn, right);
}

// Whether the name of an event type tells something about a condition. Those whose name stands for
// many do not where the condition names what it wants; system calls are never plugins' events.
bool is_telling(const EventInfo& event, const EventNeeds& needs, std::string_view source) {
  if (event.has(EF_UNUSED)) return false;
  if (event.source == EventSource::Plugin && source == "syscall") return false;
  return !is_dynamic_type(event.type) || needs.names.empty();
}

// Names of the event types a condition can be true for, each once.
std::vector<std::string> event_names(const EventNeeds& needs, std::string_view source) {
  std::vector<std::string> names;
  for (const EventInfo& event : all_events()) {
    const auto type = static_cast<size_t>(event.type);
    if (!needs.all && !needs.types.test(type)) continue;
    if (is_telling(event, needs, source)) names.emplace_back(event.name);
  }
  names.insert(names.end(), needs.names.begin(), needs.names.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class Describer {
 public:
  Describer(const Ruleset& ruleset, const Dialect& dialect)
      : ruleset_(ruleset), dialect_(dialect) {}

  Json describe(const Rule& rule) const {
    Json info = {{"name", rule.name},
                 {"condition", rule.condition_text},
                 {"priority", priority_name(rule.priority)},
                 {"output", rule.output_text},
                 {"description", rule.description},
                 {"enabled", rule.enabled},
                 {"source", rule.source},
                 {"capture", rule.capture},
                 {"capture_duration", rule.capture_duration_ms.value_or(0)},
                 {"tags", rule.tags}};
    const ExprPtr compiled = expand(rule.expr);
    const Mentions found = mentions(*compiled);
    std::vector<std::string> exception_names;
    std::vector<std::string> exception_fields;
    std::vector<std::string> exception_operators;
    for (const RuleException& exception : rule.exceptions) {
      add_once(&exception_names, exception.name);
      for (const std::string& field : exception.fields) add_once(&exception_fields, field);
      for (const std::string& op : exception.operators) add_once(&exception_operators, op);
    }
    std::vector<std::string> output_fields;
    for (const OutputField& field : rule.output->fields()) add_once(&output_fields, field.name);
    Json extra = Json::object();
    for (const ExtraField& field : rule.extra_fields) {
      std::vector<std::string> names;
      for (const OutputField& part : field.value->fields()) add_once(&names, part.name);
      extra[field.name] = names;
    }
    std::vector<std::string> all_fields = found.fields;
    all_fields.insert(all_fields.end(), output_fields.begin(), output_fields.end());
    Json details = {{"macros", mentions(*rule.expr).macros},
                    {"lists", rule.lists},
                    {"condition_operators", found.operators},
                    {"condition_fields", found.fields},
                    {"extra_output_formatted_fields", std::move(extra)},
                    {"output_fields", output_fields},
                    {"exception_fields", exception_fields},
                    {"exception_names", exception_names},
                    {"exception_operators", exception_operators},
                    {"events", event_names(rule.needs, rule.source)},
                    {"condition_compiled", to_text(*compiled)},
                    {"output_compiled", rule.output_text + rule.appended_text},
                    {"plugins", plugins_of(all_fields)}};
    return {{"info", std::move(info)}, {"details", std::move(details)}};
  }

  Json describe(const Macro& macro) const {
    const Expr& compiled = macro.expanded ? *macro.expanded : *macro.expr;
    const Mentions found = mentions(compiled);
    return {{"info", {{"name", macro.name}, {"condition", macro.condition_text}}},
            {"details",
             {{"used", macro.used},
              {"macros", mentions(*macro.expr).macros},
              {"lists", macro.lists},
              {"condition_operators", found.operators},
              {"condition_fields", found.fields},
              {"events", event_names(macro_needs(macro, dialect_), "syscall")},
              {"condition_compiled", to_text(compiled)},
              {"plugins", plugins_of(found.fields)}}}};
  }

  Json describe(const List& list) const {
    return {{"info", {{"name", list.name}, {"items", list.items}}},
            {"details",
             {{"used", list.used},
              {"lists", list.lists},
              {"items_compiled", list.expanded},
              {"plugins", Json::array()}}}};
  }

  Json describe_everything() const {
    Json rules = Json::array();
    for (const Rule& rule : ruleset_.rules) rules.push_back(describe(rule));
    Json macros = Json::array();
    for (const Macro& macro : ruleset_.macros) macros.push_back(describe(macro));
    Json lists = Json::array();
    for (const List& list : ruleset_.lists) lists.push_back(describe(list));
    Json everything = describe_needs();
    everything["rules"] = std::move(rules);
    everything["macros"] = std::move(macros);
    everything["lists"] = std::move(lists);
    return everything;
  }

  Json describe_one(const Rule& rule) const {
    Json one = describe_needs();
    one["rules"] = Json::array({describe(rule)});
    return one;
  }

 private:
  // What the files ask of the program.
  Json describe_needs() const {
    Json plugins = Json::array();
    for (const PluginRequirement& requirement : ruleset_.required_plugins) {
      Json alternatives = Json::array();
      for (const auto& other : requirement.alternatives)
        alternatives.push_back({{"name", other.name}, {"version", other.version}});
      plugins.push_back({{"name", requirement.plugin.name},
                         {"version", requirement.plugin.version},
                         {"alternatives", std::move(alternatives)}});
    }
    return {{"required_engine_version", ruleset_.required_engine_version},
            {"required_plugin_versions", std::move(plugins)}};
  }

  // The condition with the macros written out: what is evaluated.
  ExprPtr expand(const ExprPtr& condition) const {
    const auto find = [&](std::string_view name) -> ExprPtr {
      const auto macro = std::find_if(ruleset_.macros.begin(), ruleset_.macros.end(),
                                      [&](const Macro& m) { return m.name == name; });
      return macro == ruleset_.macros.end() ? nullptr : macro->expanded;
    };
    std::vector<TextFault> faults;  // none: it was expanded when the rule was loaded
    ExprPtr expanded = expand_macros(condition, find, &faults);
    return expanded != nullptr ? expanded : condition;
  }

  // The required plugins that have one of the fields: "container" has "container.id".
  std::vector<std::string> plugins_of(const std::vector<std::string>& fields) const {
    std::vector<std::string> plugins;
    for (const PluginRequirement& requirement : ruleset_.required_plugins) {
      const std::string prefix = requirement.plugin.name + ".";
      const bool used = std::any_of(fields.begin(), fields.end(),
                                    [&](const std::string& f) { return f.starts_with(prefix); });
      if (used) add_once(&plugins, requirement.plugin.name);
    }
    return plugins;
  }

  const Ruleset& ruleset_;
  const Dialect& dialect_;
};

void add_line(std::string_view title, std::string_view value, std::string* text) {
  if (!value.empty()) *text += fmt::format("{:<13}{}\n", title, one_line(value));
}

void add_names(std::string_view title, const Json& names, std::string* text) {
  std::string line;
  for (const Json& name : names) {
    line += (line.empty() ? "" : ", ") + name.get<std::string>();
  }
  add_line(title, line, text);
}

// Conditions and outputs may have several lines.
void add_paragraph(std::string_view title, const std::string& value, std::string* text) {
  *text += fmt::format("{}:\n", title);
  for (const std::string_view line : split(value, '\n')) {
    *text += fmt::format("  {}\n", one_line(line));
  }
}

std::string full_text(const Json& rule) {
  const Json& info = rule["info"];
  const Json& details = rule["details"];
  const auto of = [&](const char* key) { return info[key].get<std::string>(); };
  std::string text;
  add_line("Rule:", of("name"), &text);
  add_line("Description:", of("description"), &text);
  add_line("Priority:", of("priority"), &text);
  add_line("Source:", of("source"), &text);
  add_line("Enabled:", info["enabled"].get<bool>() ? "yes" : "no", &text);
  add_names("Tags:", info["tags"], &text);
  add_names("Events:", details["events"], &text);
  add_names("Macros:", details["macros"], &text);
  add_names("Lists:", details["lists"], &text);
  add_names("Exceptions:", details["exception_names"], &text);
  add_names("Fields:", details["condition_fields"], &text);
  add_paragraph("Condition", of("condition"), &text);
  add_paragraph("Output", of("output"), &text);
  return text;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

EventNeeds macro_needs(const Macro& macro, const Dialect& dialect) {
  std::vector<TextFault> faults;
  const CheckedPtr checked = check_condition(macro.expanded, dialect, &faults);
  return checked ? event_needs(*checked, dialect) : EventNeeds{};
}

Result<std::string> describe_rules(const Ruleset& ruleset, const Dialect& dialect,
                                   std::string_view rule, DescribeFormat format) {
  const Describer describer(ruleset, dialect);
  const auto named = std::find_if(ruleset.rules.begin(), ruleset.rules.end(),
                                  [&](const Rule& candidate) { return candidate.name == rule; });
  if (!rule.empty() && named == ruleset.rules.end()) {
    std::vector<std::string_view> names;
    for (const Rule& candidate : ruleset.rules) names.push_back(candidate.name);
    const std::string_view guess = closest(rule, names);
    return Error{guess.empty()
                     ? fmt::format("there is no rule '{}'", rule)
                     : fmt::format("there is no rule '{}'; did you mean '{}'?", rule, guess)};
  }
  if (format == DescribeFormat::Json) {
    if (rule.empty()) return dump(describer.describe_everything());
    return dump(describer.describe_one(*named));
  }
  if (format == DescribeFormat::Full && !rule.empty()) {
    return full_text(describer.describe(*named));
  }
  std::string text = columns("Rule", "Description") + columns("----", "-----------");
  for (const Rule& candidate : ruleset.rules) {
    if (rule.empty() || candidate.name == rule)
      text += columns(one_line(candidate.name), one_line(candidate.description));
  }
  return text;
}

}  // namespace gyr
