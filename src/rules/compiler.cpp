// SPDX-License-Identifier: Apache-2.0
#include "rules/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "lang/checked.h"
#include "rules/exception_reader.h"
#include "rules/lists.h"
#include "rules/macros.h"

namespace gyr::rules {
namespace {

constexpr std::string_view kOutputPart = "output expression";
constexpr size_t kManyEventTypes = 100;  // more than these cost too much
constexpr std::string_view kDeadToken = "%container.info";
constexpr std::string_view kDeadTokenText =
    "%container.info has no meaning any more and prints nothing; the configuration's append_output "
    "adds container fields";

// The part of the dialect that rules of one source see.
struct SourceDialect {
  std::vector<FieldClass> classes;
  Dialect dialect;
  ConditionCache cache;
};

enum class Verdict : uint8_t { Good, Faulty, Skip };

// Reports the faults of a checked condition or output. Unknown names skip the rule when it asks for
// that.
Verdict judge(const std::vector<TextFault>& faults, Code error_code, const ItemText& where,
              const RuleDefinition& rule, ReportSink* sink) {
  const auto is_error = [](const TextFault& f) { return f.severity == Severity::Error; };
  const auto is_unknown = [&](const TextFault& f) { return f.code == Code::UnknownField; };
  const bool failed = std::any_of(faults.begin(), faults.end(), is_error);
  const bool skip = failed && rule.skip_if_unknown_filter &&
                    std::all_of(faults.begin(), faults.end(),
                                [&](const TextFault& f) { return !is_error(f) || is_unknown(f); });
  for (const TextFault& fault : faults) {
    TextFault told = fault;
    Code code = is_unknown(fault) ? error_code : fault.code;
    if (skip && is_error(fault)) {
      told.severity = Severity::Warning;
      told.message += ": the rule is skipped";
      code = Code::UnknownFilter;
    }
    report_fault(told, code, where, sink);
  }
  if (skip) return Verdict::Skip;
  return failed ? Verdict::Faulty : Verdict::Good;
}

class RuleCompiler {
 public:
  RuleCompiler(const SourceFiles& files, const LoadSettings& settings, ListTable* lists,
               MacroTable* macros, ReportSink* sink)
      : files_(files),
        settings_(settings),
        lists_(*lists),
        list_names_(lists->names()),
        macros_(*macros),
        sink_(*sink) {}

  std::optional<Rule> compile(const RuleDefinition& definition) {
    const Chain item =
        Chain(files_, definition.place.file).with("rule", definition.name, definition.place);
    Rule rule = describe(definition);
    if (!compile_condition(definition, item, &rule)) return std::nullopt;
    if (!compile_output(definition, item, &rule)) return std::nullopt;
    warn_of_types(definition, item, rule);
    return rule;
  }

 private:
  Rule describe(const RuleDefinition& definition) {
    Rule rule;
    rule.name = definition.name;
    rule.description = definition.description;
    rule.source = definition.source;
    rule.priority = definition.priority;
    rule.tags = definition.tags;
    rule.enabled = definition.enabled;
    rule.warn_event_types = definition.warn_event_types;
    rule.capture = definition.capture;
    rule.capture_duration_ms = definition.capture_duration_ms;
    for (const ExceptionDefinition& exception : definition.exceptions)
      rule.exceptions.push_back(
          {exception.name, exception.fields, exception.operators, exception.values.size()});
    rule.position = locate(files_, definition.place).position;
    apply_selection(&rule);
    return rule;
  }

  void apply_selection(Rule* rule) const {
    for (const RuleSelector& selector : settings_.selection) {
      const bool named = !selector.rule.empty() && wildcard_match(selector.rule, rule->name);
      const bool tagged = !selector.tag.empty() && has_tag(*rule, selector.tag);
      if (named || tagged) rule->enabled = selector.enable;
    }
    rule->below_priority = rule->priority > settings_.min_priority;
  }

  static bool has_tag(const Rule& rule, const std::string& tag) {
    return std::find(rule.tags.begin(), rule.tags.end(), tag) != rule.tags.end();
  }

  SourceDialect& dialect_of(const std::string& source) {
    SourceDialect& entry = dialects_[source];
    if (entry.classes.empty()) {
      for (const FieldClass& fields : settings_.dialect.fields) {
        if (fields.source.empty() || fields.source == source) entry.classes.push_back(fields);
      }
      entry.dialect = settings_.dialect;
      entry.dialect.fields = entry.classes;
      entry.dialect.list_names = list_names_;
      entry.dialect.for_rules = true;
    }
    return entry;
  }

  // The condition with lists put in. Null after a complaint.
  ExprPtr parse(const SourceText& raw, const Chain& item, SourceText* text,
                std::vector<std::string>* used) {
    if (lists_.names_skipped(raw, item)) return nullptr;
    if (!lists_.substitute(raw, item, text, used)) {
      const Place place{item.file(), nullptr};
      sink_.error(Code::CompileCondition, "with its lists put in, the condition is too long", item,
                  raw.segment_at(0) != nullptr ? raw.segment_at(0)->place : place);
      return nullptr;
    }
    std::vector<TextFault> faults;
    ExprPtr expr = parse_condition(text->text(), &faults);
    for (const TextFault& fault : faults)
      report_fault(fault, fault.code, {kConditionPart, *text, item, &macros_}, &sink_);
    return expr;
  }

  // The condition in parentheses with its exceptions behind it, when one of these has values.
  ExprPtr parse_exceptions(const RuleDefinition& definition, const SourceText& raw,
                           const Chain& item, SourceText* text, Rule* rule) {
    SourceText whole;
    whole.add_generated("(", definition.condition[0], nullptr);
    whole.add_slice(raw, 0, raw.text().size());
    whole.add_separator(")");
    if (!add_exceptions(definition, item, &sink_, &whole)) return nullptr;
    *text = SourceText();
    return parse(whole, item, text, &rule->lists);
  }

  bool compile_condition(const RuleDefinition& definition, const Chain& item, Rule* rule) {
    const SourceText raw = join_scalars(definition.condition);
    rule->condition_text = std::string(trim(raw.text()));
    SourceText text;
    // Parsed alone first: an unbalanced parenthesis must not find its partner in an exception.
    rule->expr = parse(raw, item, &text, &rule->lists);
    if (!rule->expr) return false;
    const bool excepted =
        std::any_of(definition.exceptions.begin(), definition.exceptions.end(),
                    [](const ExceptionDefinition& e) { return !e.values.empty(); });
    if (excepted) rule->expr = parse_exceptions(definition, raw, item, &text, rule);
    if (!rule->expr) return false;
    rule->compiled_text = text.text();
    warn_of_na(text, item, &sink_);
    const ExprPtr expanded = macros_.expand(rule->expr, text, item, nullptr);
    if (!expanded) return false;
    SourceDialect& source = dialect_of(rule->source);
    const Dialect& dialect = source.dialect;
    std::vector<TextFault> faults;
    rule->condition = check_condition(expanded, dialect, &faults, &source.cache);
    const Verdict verdict = judge(faults, Code::CompileCondition,
                                  {kConditionPart, text, item, &macros_}, definition, &sink_);
    if (verdict != Verdict::Good || !rule->condition) return false;
    warn_of_deprecated_fields(mentions(*expanded).fields, dialect, definition.condition[0], item);
    rule->needs = event_needs(*rule->condition, dialect, &source.cache);
    return true;
  }

  void warn_of_deprecated_fields(const std::vector<std::string>& fields, const Dialect& dialect,
                                 const Place& place, const Chain& item) {
    for (const std::string& field : fields) {
      const FieldMatch match = find_field(dialect.fields, field);
      if (match.info == nullptr || (match.info->flags & kDeprecated) == 0) continue;
      sink_.warning(Code::DeprecatedItem,
                    fmt::format("field '{}' is deprecated and has always the same value", field),
                    item, place);
    }
  }

  void warn_of_types(const RuleDefinition& definition, const Chain& item, const Rule& rule) {
    if (rule.source != "syscall" || !rule.warn_event_types) return;
    if (!rule.needs.all && rule.needs.indexed <= kManyEventTypes) return;
    sink_.warning(Code::NoEventType,
                  "the condition can be true for nearly every type of event, which is slow; "
                  "restrict it with evt.type",
                  item, definition.condition[0]);
  }

  // The output without the token that has no meaning any more, without blanks around it, and
  // without the mark of old formats that fields may be missing, which goes without saying here.
  SourceText clean_output(const RuleDefinition& definition, const Chain& item) {
    const SourceText raw = join_scalars(definition.output);
    const std::string_view text = raw.text();
    const std::string_view trimmed = trim(text);
    size_t at = static_cast<size_t>(trimmed.data() - text.data());
    const size_t end = at + trimmed.size();
    if (trimmed.starts_with('*')) ++at;
    SourceText clean;
    for (size_t dead = text.find(kDeadToken, at); dead != std::string_view::npos;
         dead = text.find(kDeadToken, at)) {
      clean.add_slice(raw, at, dead - at);
      at = dead + kDeadToken.size();
      TextFault fault;
      fault.message = kDeadTokenText;
      fault.offset = dead;
      fault.size = kDeadToken.size();
      fault.severity = Severity::Warning;
      report_fault(fault, Code::DeprecatedItem, {kOutputPart, raw, item}, &sink_);
    }
    if (at < end) clean.add_slice(raw, at, end - at);
    return clean;
  }

  bool compile_output(const RuleDefinition& definition, const Chain& item, Rule* rule) {
    const SourceText text = clean_output(definition, item);
    rule->output_text = text.text();
    const Dialect& dialect = dialect_of(rule->source).dialect;
    std::vector<TextFault> faults;
    rule->output = OutputTemplate::parse(text.text(), dialect, &faults);
    const Verdict verdict =
        judge(faults, Code::CompileOutput, {kOutputPart, text, item}, definition, &sink_);
    if (verdict != Verdict::Good || !rule->output) return false;
    std::vector<std::string> names;
    for (const OutputField& field : rule->output->fields()) names.emplace_back(field.name);
    warn_of_deprecated_fields(names, dialect, definition.output[0], item);
    return apply_additions(dialect, item, rule);
  }

  bool applies(const OutputAddition& addition, const Rule& rule) const {
    return (addition.rule.empty() || addition.rule == rule.name) &&
           (addition.source.empty() || addition.source == rule.source) &&
           std::all_of(addition.tags.begin(), addition.tags.end(),
                       [&](const std::string& tag) { return has_tag(rule, tag); });
  }

  // " container_id=%container.id …": every field whose row asks for it.
  static std::string suggested_text(const Dialect& dialect) {
    std::string text;
    for (const FieldClass& fields : dialect.fields) {
      for (const FieldInfo& field : fields.fields) {
        if ((field.flags & kSuggestedOutput) == 0) continue;
        std::string key(field.name);
        std::replace(key.begin(), key.end(), '.', '_');
        text += fmt::format(" {}=%{}", key, field.name);
      }
    }
    return text;
  }

  bool apply_additions(const Dialect& dialect, const Chain& item, Rule* rule) {
    std::string& appended = rule->appended_text;
    for (const OutputAddition& addition : settings_.additions) {
      if (!applies(addition, *rule)) continue;
      if (addition.suggested) appended += suggested_text(dialect);
      if (!addition.text.empty()) appended += " " + clean_addition(addition.text, item);
      for (const OutputAddition::Field& field : addition.fields) {
        ExtraField extra;
        extra.name = field.name;
        extra.raw = field.format.empty();
        std::string format = extra.raw ? "%" + field.name : field.format;
        if (format.starts_with('*')) format.erase(0, 1);
        extra.value = parse_addition(format, "extra_fields", dialect, item);
        if (!extra.value || (extra.raw && !is_one_field(*extra.value, format, item))) return false;
        rule->extra_fields.push_back(std::move(extra));
      }
    }
    if (appended.empty()) return true;
    const std::string text = rule->output_text + appended;
    std::vector<TextFault> faults;
    rule->output = OutputTemplate::parse(text, dialect, &faults);
    if (rule->output) return true;
    for (const OutputAddition& addition : settings_.additions) {
      if (!applies(addition, *rule)) continue;
      const std::string own = clean_addition(addition.text, item);
      if (!parse_addition(own, "extra_output", dialect, item)) return false;
    }
    report_addition(text, "extra_output", faults, item);
    return false;
  }

  // Of an addition: it stands in no rules file.
  static SourceRange addition_range(const std::string& text, const Chain& item) {
    SourceRange range;
    range.file = item.file();
    range.position = {"configuration or command line", 0, 0, 0};
    range.line_text = text;
    return range;
  }

  // Told once, not of every rule.
  std::string clean_addition(const std::string& text, const Chain& item) {
    std::string clean = without_dead_token(text);
    if (clean.size() != text.size() && !std::exchange(told_dead_token_, true)) {
      sink_.warning(Code::DeprecatedItem, fmt::format("{} (append_output, -p)", kDeadTokenText),
                    item, addition_range(text, item));
    }
    return clean;
  }

  std::shared_ptr<const OutputTemplate> parse_addition(const std::string& text,
                                                       std::string_view key, const Dialect& dialect,
                                                       const Chain& item) {
    std::vector<TextFault> faults;
    auto parsed = OutputTemplate::parse(text, dialect, &faults);
    if (!parsed) report_addition(text, key, faults, item);
    return parsed;
  }

  // A plain entry names a field; with more in it the value would stand below a name it does not
  // fit.
  bool is_one_field(const OutputTemplate& value, const std::string& format, const Chain& item) {
    const auto& fields = value.fields();
    if (fields.size() == 1 && "%" + std::string(fields[0].name) == format) return true;
    TextFault fault;
    fault.message =
        "a plain entry is the name of one field; anything else is written NAME: \"FORMAT\"";
    fault.size = format.size();
    report_addition(format, "extra_fields", {fault}, item);
    return false;
  }

  // The rule is innocent: the text of the option is shown.
  void report_addition(const std::string& text, std::string_view key,
                       const std::vector<TextFault>& faults, const Chain& item) {
    SourceRange range = addition_range(text, item);
    if (!faults.empty()) {
      range.underline_from = static_cast<uint32_t>(faults[0].offset);
      range.underline_size = static_cast<uint32_t>(faults[0].size);
    }
    const std::string option = fmt::format("append_output.{}", key);
    sink_.error(Code::CompileOutput,
                fmt::format("{} does not fit this rule: {}", option,
                            faults.empty() ? "no template" : faults[0].message),
                item.with(option, "", range.position), range);
  }

  const SourceFiles& files_;
  const LoadSettings& settings_;
  ListTable& lists_;
  std::vector<std::string_view> list_names_;
  MacroTable& macros_;
  ReportSink& sink_;
  std::map<std::string, SourceDialect> dialects_;
  bool told_dead_token_ = false;
};

void warn_of_unused_lists(const SourceFiles& files, const Collected& collected,
                          const std::vector<List>& lists, ReportSink* sink) {
  for (size_t i = 0; i < lists.size(); ++i) {
    if (lists[i].used) continue;
    const ListDefinition& definition = collected.lists.all()[i];
    sink->warning(
        Code::UnusedList, "no condition or list uses this list",
        Chain(files, definition.place.file).with("list", definition.name, definition.place),
        definition.place);
  }
}

}  // namespace

std::shared_ptr<Ruleset> compile_rules(const SourceFiles& files, const Collected& collected,
                                       const LoadSettings& settings, ReportSink* sink) {
  auto ruleset = std::make_shared<Ruleset>();
  ListTable lists(files, collected, sink);
  MacroTable macros(files, collected, &lists, sink);
  RuleCompiler compiler(files, settings, &lists, &macros, sink);
  for (const RuleDefinition& definition : collected.rules.all()) {
    if (auto rule = compiler.compile(definition)) ruleset->rules.push_back(std::move(*rule));
  }
  // Where faults are skipped, what a later file repaired is no matter.
  if (!sink->skips()) {
    for (const MacroDefinition& definition : collected.superseded_macros) {
      macros.check_superseded(definition, &lists);
    }
    for (const RuleDefinition& definition : collected.superseded_rules) {
      compiler.compile(definition);
    }
  }
  macros.warn_of_unused();
  ruleset->lists = lists.take();
  warn_of_unused_lists(files, collected, ruleset->lists, sink);
  ruleset->macros = macros.take();
  ruleset->required_engine_version = collected.engine_version;
  ruleset->required_plugins = collected.plugins;
  return ruleset;
}

}  // namespace gyr::rules

std::string gyr::without_dead_token(std::string text) {
  constexpr std::string_view kToken = rules::kDeadToken;
  for (size_t at = 0; (at = text.find(kToken, at)) != std::string::npos;) {
    text.erase(at, kToken.size());
  }
  return text;
}
