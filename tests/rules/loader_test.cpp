// SPDX-License-Identifier: Apache-2.0
// Rule files: what they mean once loaded. Texts of conditions are compared after lists and
// exceptions are written out, because that is what is evaluated.
#include "rules/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/fake_fields.h"

namespace gyr {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

LoadSettings settings() {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.sources = {"syscall", "k8s_audit"};
  return settings;
}

// Files are called a.yaml, b.yaml …
LoadResult load(const std::vector<std::string>& texts, const LoadSettings& with = settings()) {
  std::vector<RuleSource> sources;
  for (const std::string& text : texts) {
    const auto letter = static_cast<char>('a' + sources.size());
    sources.push_back({std::string(1, letter) + ".yaml", text, ""});
  }
  return load_rules(sources, with);
}

std::string rule_text(const std::string& name, const std::string& condition,
                      const std::string& more = "") {
  return "- rule: " + name + "\n  desc: d\n  condition: " + condition +
         "\n  output: out\n  priority: INFO\n" + more;
}

// "E CODE file:line:col message" per diagnostic, errors first.
std::vector<std::string> diagnostics(const LoadResult& result) {
  std::vector<std::string> texts;
  for (const FileReport& file : result.files) {
    for (const auto* list : {&file.errors, &file.warnings}) {
      for (const Diagnostic& d : *list) {
        const Position at =
            d.locations.empty() ? Position{file.name, 0, 0, 0} : d.locations.back().position;
        texts.push_back(std::string(d.severity == Severity::Error ? "E " : "W ") +
                        std::string(code_text(d.code)) + " " + at.file + ":" +
                        std::to_string(at.line) + ":" + std::to_string(at.column) + " " +
                        d.message);
      }
    }
  }
  return texts;
}

const Rule& only_rule(const LoadResult& result) {
  static const Rule kNone;
  EXPECT_TRUE(result.ok()) << testing::PrintToString(diagnostics(result));
  if (!result.ok()) return kNone;
  EXPECT_EQ(result.ruleset->rules.size(), 1u);
  return result.ruleset->rules.empty() ? kNone : result.ruleset->rules[0];
}

struct ConditionCase {
  const char* name;
  std::vector<std::string> files;
  const char* condition;
};
void PrintTo(const ConditionCase& c, std::ostream* out) { *out << c.name; }

class Conditions : public testing::TestWithParam<ConditionCase> {};

TEST_P(Conditions, AreWrittenOut) {
  EXPECT_EQ(only_rule(load(GetParam().files)).compiled_text, GetParam().condition);
}

const std::string kUse = rule_text("r", "proc.name in (l, x)");

INSTANTIATE_TEST_SUITE_P(
    Lists, Conditions,
    testing::Values(
        ConditionCase{"items", {"- list: l\n  items: [a, b]\n" + kUse}, "proc.name in (a, b, x)"},
        ConditionCase{"quoting",
                      {"- list: l\n  items: [a b, '\"c d\"', e=f, 'g\"h', 1]\n" + kUse},
                      R"(proc.name in ("a b", "c d", "e=f", "g\"h", 1, x))"},
        ConditionCase{"empty_first", {"- list: l\n  items: []\n" + kUse}, "proc.name in ( x)"},
        ConditionCase{"empty_last",
                      {"- list: l\n  items: []\n" + rule_text("r", "proc.name in (x, l)")},
                      "proc.name in (x )"},
        ConditionCase{"empty_twice",
                      {"- list: l\n  items: []\n- list: m\n  items: []\n" +
                       rule_text("r", "proc.name in (l, m, x)")},
                      "proc.name in (  x)"},
        ConditionCase{"nested",
                      {"- list: m\n  items: [a]\n- list: l\n  items: [m, b]\n" + kUse},
                      "proc.name in (a, b, x)"},
        ConditionCase{"nested_later",
                      {"- list: l\n  items: [m, b]\n- list: m\n  items: [a]\n" + kUse},
                      "proc.name in (a, b, x)"},
        ConditionCase{
            "own_name", {"- list: l\n  items: [l, b]\n" + kUse}, "proc.name in (l, b, x)"},
        ConditionCase{"whole_words_only",
                      {"- list: l\n  items: [a]\n" +
                       rule_text("r",
                                 "proc.name in (l2, my_l) or proc.exe=l or proc.exe = \"l\" "
                                 "or proc.exe = \"x l y\"")},
                      "proc.name in (l2, my_l) or proc.exe=a or proc.exe = \"l\" or proc.exe = "
                      "\"x l y\""},
        ConditionCase{"append",
                      {"- list: l\n  items: [a]\n",
                       "- list: l\n  items: [b]\n  override: {items: append}\n" + kUse},
                      "proc.name in (a, b, x)"},
        ConditionCase{"append_old_form",
                      {"- list: l\n  items: [a]\n- list: l\n  items: [b]\n  append: true\n" + kUse},
                      "proc.name in (a, b, x)"},
        ConditionCase{"replace",
                      {"- list: l\n  items: [a]\n" + kUse,
                       "- list: l\n  items: [b]\n  override: {items: replace}\n"},
                      "proc.name in (b, x)"},
        ConditionCase{"redefine",
                      {"- list: l\n  items: [a]\n" + kUse, "- list: l\n  items: [b]\n"},
                      "proc.name in (b, x)"}),
    [](const auto& param) { return param.param.name; });

std::string with_exceptions(const std::string& exceptions) {
  return rule_text("r", "evt.type=open or evt.type=close", "  exceptions:\n" + exceptions);
}

INSTANTIATE_TEST_SUITE_P(
    Exceptions, Conditions,
    testing::Values(
        ConditionCase{"no_values",
                      {with_exceptions("  - {name: e, fields: [proc.name]}\n")},
                      "evt.type=open or evt.type=close"},
        ConditionCase{"tuples",
                      {with_exceptions("  - {name: e, fields: [proc.name, fd.name], values: [[a, "
                                       "b c], [d, e]]}\n")},
                      "(evt.type=open or evt.type=close) and not ((proc.name = a and fd.name = "
                      "\"b c\") or (proc.name = d and fd.name = e))"},
        ConditionCase{
            "comps",
            {with_exceptions("  - {name: e, fields: [proc.name, fd.name], comps: [in, "
                             "startswith], values: [[[a, b], /x], [c, /y], ['(d, e)', "
                             "/z]]}\n")},
            "(evt.type=open or evt.type=close) and not ((proc.name in (a, b) and fd.name "
            "startswith /x) or (proc.name in (c) and fd.name startswith /y) or (proc.name "
            "in (d, e) and fd.name startswith /z))"},
        ConditionCase{"single",
                      {with_exceptions("  - {name: e, fields: proc.name, values: [a, b c]}\n")},
                      "(evt.type=open or evt.type=close) and not (proc.name in (a, \"b c\"))"},
        ConditionCase{"single_modifier",
                      {with_exceptions("  - {name: e, fields: proc.name, comps: startswith anyof, "
                                       "values: [a, b]}\n")},
                      "(evt.type=open or evt.type=close) and not (proc.name startswith anyof (a, "
                      "b))"},
        ConditionCase{
            "two",
            {with_exceptions("  - {name: e, fields: proc.name, values: [a]}\n  - {name: f, "
                             "fields: [fd.name], values: [[b]]}\n")},
            "(evt.type=open or evt.type=close) and not (proc.name in (a)) and not "
            "((fd.name = b))"},
        ConditionCase{"list_names",
                      {"- list: l\n  items: [x, y z]\n" +
                       with_exceptions("  - {name: e, fields: [proc.name], comps: [in], values: "
                                       "[[l]]}\n")},
                      "(evt.type=open or evt.type=close) and not ((proc.name in (x, \"y z\")))"},
        ConditionCase{"appended_values",
                      {with_exceptions("  - {name: e, fields: [proc.name], values: [[a]]}\n"),
                       "- rule: r\n  exceptions: [{name: e, values: [[b]]}]\n  override: "
                       "{exceptions: append}\n"},
                      "(evt.type=open or evt.type=close) and not ((proc.name = a) or (proc.name = "
                      "b))"},
        ConditionCase{"appended_new",
                      {rule_text("r", "evt.type=open"),
                       "- rule: r\n  append: true\n  exceptions: [{name: e, fields: proc.name, "
                       "values: [b]}]\n"},
                      "(evt.type=open) and not (proc.name in (b))"},
        ConditionCase{"replaced",
                      {with_exceptions("  - {name: e, fields: [proc.name], values: [[a]]}\n"),
                       "- rule: r\n  exceptions: [{name: f, fields: proc.exe, values: [c]}]\n  "
                       "override: {exceptions: replace}\n"},
                      "(evt.type=open or evt.type=close) and not (proc.exe in (c))"}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Rules, Conditions,
    testing::Values(
        ConditionCase{"append_has_no_parentheses",
                      {rule_text("r", "evt.type=open and proc.name=a"),
                       "- rule: r\n  condition: or proc.name=b\n  override: {condition: append}\n"},
                      "evt.type=open and proc.name=a or proc.name=b"},
        ConditionCase{
            "appends_run_before_replaces",
            {rule_text("r", "evt.type=open"),
             "- rule: r\n  output: new\n  condition: and proc.name=b\n  override: {output: "
             "replace, condition: append}\n"},
            "evt.type=open and proc.name=b"},
        ConditionCase{"redefined",
                      {rule_text("r", "evt.type=open"), rule_text("r", "evt.type=close")},
                      "evt.type=close"}),
    [](const auto& param) { return param.param.name; });

TEST(Rules, OverridesReplaceEveryKey) {
  const Rule rule = only_rule(load(
      {rule_text("r", "evt.type=open", "  tags: [a]\n"),
       "- rule: r\n  desc: more\n  output: \"and %proc.name\"\n  tags: [b, a]\n  override: {desc: "
       "append, output: append, tags: append}\n",
       "- rule: r\n  priority: ERROR\n  enabled: false\n  warn_evttypes: false\n  capture: true\n  "
       "capture_duration: 7\n  override: {priority: replace, enabled: replace, warn_evttypes: "
       "replace, capture: replace, capture_duration: replace}\n"}));
  EXPECT_EQ(rule.description, "d more");
  EXPECT_EQ(rule.output_text, "out and %proc.name");
  EXPECT_THAT(rule.tags, ElementsAre("a", "b"));
  EXPECT_EQ(rule.priority, Priority::Error);
  EXPECT_FALSE(rule.enabled);
  EXPECT_TRUE(rule.capture);
  EXPECT_EQ(rule.capture_duration_ms, 7u);
}

TEST(Rules, RedefinitionKeepsThePosition) {
  const LoadResult result =
      load({rule_text("a", "evt.type=open") + rule_text("b", "evt.type=open") +
            rule_text("a", "evt.type=close")});
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result.ruleset->rules.size(), 2u);
  EXPECT_EQ(result.ruleset->rules[0].name, "a");
  EXPECT_EQ(result.ruleset->rules[0].compiled_text, "evt.type=close");
}

TEST(Rules, SelectionAndPriorityDecideLast) {
  LoadSettings with = settings();
  with.min_priority = Priority::Notice;
  with.selection = {{false, "*", ""}, {true, "", "t"}, {false, "*two", ""}};
  const LoadResult result = load(
      {rule_text("one", "evt.type=open", "  tags: [t]\n") +
       rule_text("my two", "evt.type=open", "  tags: [t]\n") + rule_text("three", "evt.type=open") +
       "- rule: four\n  desc: d\n  condition: evt.type=open\n"
       "  output: o\n  priority: notice\n  enabled: false\n  tags: [t]\n"},
      with);
  ASSERT_TRUE(result.ok());
  std::vector<bool> enabled;
  std::vector<bool> active;
  for (const Rule& rule : result.ruleset->rules) {
    enabled.push_back(rule.enabled);
    active.push_back(rule.active());
  }
  EXPECT_THAT(enabled, ElementsAre(true, false, false, true));
  EXPECT_THAT(active, ElementsAre(false, false, false, true)) << "INFO is below notice";
}

TEST(Rules, AdditionsOfTheConfigurationAreAppended) {
  LoadSettings with = settings();
  OutputAddition text;
  text.text = "p=%proc.pname";
  text.tags = {"t"};
  text.suggested = true;
  OutputAddition field;
  field.rule = "one";
  field.fields = {{"proc.exe", ""}, {"both", "%proc.name/%proc.pid"}};
  with.additions = {text, field};
  const LoadResult result = load(
      {rule_text("one", "evt.type=open", "  tags: [t, u]\n") + rule_text("two", "evt.type=open")},
      with);
  ASSERT_TRUE(result.ok());
  const Rule& one = result.ruleset->rules[0];
  EXPECT_EQ(one.output_text, "out");
  std::vector<std::string> fields;
  for (const OutputField& f : one.output->fields()) fields.push_back(f.name);
  EXPECT_THAT(fields, ElementsAre("container.id", "container.name", "proc.pname"));
  ASSERT_EQ(one.extra_fields.size(), 2u);
  EXPECT_TRUE(one.extra_fields[0].raw);
  EXPECT_FALSE(one.extra_fields[1].raw);
  EXPECT_TRUE(result.ruleset->rules[1].output->fields().empty());
  with.additions[1].fields = {{"proc.nobody", ""}};
  EXPECT_THAT(diagnostics(load({rule_text("one", "evt.type=open")}, with)),
              Contains(HasSubstr("append_output.extra_fields does not fit this rule: there is no "
                                 "field 'proc.nobody'")));
  const LoadResult bad = load({rule_text("one", "evt.type=open")}, with);
  EXPECT_EQ(bad.files[0].errors[0].line_text, "%proc.nobody") << "the rule is innocent";
}

TEST(Rules, BooleansMayBeQuotedAsTemplatesWriteThem) {
  EXPECT_FALSE(
      only_rule(load({rule_text("r", "evt.type=open", "  enabled: \"false\"\n")})).enabled);
  EXPECT_TRUE(only_rule(load({rule_text("r", "evt.type=open", "  enabled: 'yes'\n")})).enabled);
}

TEST(Rules, ExceptionsTakeFieldsWithTheirArguments) {
  const LoadResult result =
      load({rule_text("r", "evt.type=open",
                      "  exceptions:\n  - name: e\n    fields: [evt.arg.flags, 'evt.arg[0]']\n"
                      "    comps: [contains, =]\n    values: [[O_CREAT, x]]\n")});
  EXPECT_THAT(only_rule(result).compiled_text, HasSubstr("evt.arg.flags contains O_CREAT"));
}

TEST(Rules, ListsAndMacrosKnowWhetherTheyAreUsed) {
  const LoadResult result =
      load({"- list: inner\n  items: [a]\n- list: outer\n  items: [inner]\n- list: lonely\n  "
            "items: [b]\n"
            "- macro: m1\n  condition: proc.name in (outer)\n- macro: m2\n  condition: m1 or m1\n"
            "- macro: m3\n  condition: evt.type=open\n" +
            rule_text("r", "evt.type=open and m2")});
  ASSERT_TRUE(result.ok());
  std::vector<bool> used;
  for (const List& list : result.ruleset->lists) used.push_back(list.used);
  for (const Macro& macro : result.ruleset->macros) used.push_back(macro.used);
  EXPECT_THAT(used, ElementsAre(true, true, false, true, true, false));
  EXPECT_THAT(result.ruleset->lists[1].expanded, ElementsAre("a"));
  EXPECT_THAT(diagnostics(result),
              ElementsAre("W LOAD_UNUSED_MACRO a.yaml:11:3 no rule or macro uses this macro",
                          "W LOAD_UNUSED_LIST a.yaml:5:3 no condition or list uses this list"));
}

struct ComplaintCase {
  const char* name;
  std::vector<std::string> files;
  std::vector<std::string> complaints;
};
void PrintTo(const ComplaintCase& c, std::ostream* out) { *out << c.name; }

class Complaints : public testing::TestWithParam<ComplaintCase> {};

TEST_P(Complaints, NamePlaceAndReason) {
  LoadSettings with = settings();
  with.max_errors = 100;
  const auto told = diagnostics(load(GetParam().files, with));
  ASSERT_EQ(told.size(), GetParam().complaints.size()) << testing::PrintToString(told);
  for (size_t i = 0; i < told.size(); ++i)
    EXPECT_THAT(told[i], HasSubstr(GetParam().complaints[i]));
}

const std::string kMacroUse = rule_text("r", "evt.type=open and m");

INSTANTIATE_TEST_SUITE_P(
    Structure, Complaints,
    testing::Values(
        ComplaintCase{"no_yaml", {"a: b: c"}, {"E LOAD_ERR_YAML_PARSE a.yaml:1:5"}},
        ComplaintCase{
            "no_sequence", {"a: b"}, {"E LOAD_ERR_YAML_VALIDATE a.yaml:1:1 a rules file is"}},
        ComplaintCase{
            "no_map", {"- a\n"}, {"E LOAD_ERR_YAML_VALIDATE a.yaml:1:3 an item is a map"}},
        ComplaintCase{"unknown_item",
                      {"- ruel: x\n"},
                      {"W LOAD_UNKNOWN_ITEM a.yaml:1:3 unknown item 'ruel', skipped; did you mean "
                       "'rule'?"}},
        ComplaintCase{"unknown_key",
                      {rule_text("r", "evt.type=open", "  taggs: [a]\n")},
                      {"W LOAD_UNKNOWN_KEY a.yaml:6:3 unknown key 'taggs'; did you mean 'tags'?"}},
        ComplaintCase{"key_twice",
                      {rule_text("r", "evt.type=open", "  desc: again\n")},
                      {"W LOAD_UNKNOWN_KEY a.yaml:6:3 the key 'desc' is there twice"}},
        ComplaintCase{"type_transformed",
                      {rule_text("r", "toupper(evt.type) = OPEN") +
                       rule_text("s", "proc.name = toupper(evt.type) and evt.type=open")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:3:22 a rule cannot transform "
                       "'evt.type'",
                       "E LOAD_ERR_COMPILE_CONDITION a.yaml:8:34 a rule cannot transform"}},
        ComplaintCase{"type_against_a_field",
                      {rule_text("r", "evt.type = val(proc.name)")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:3:29 a rule cannot compare 'evt.type' "
                       "with a field"}},
        ComplaintCase{"keys_beside_append",
                      {rule_text("r", "evt.type=open") +
                       "- rule: r\n  append: true\n  condition: and evt.num>0\n  output: x\n"},
                      {"W LOAD_DEPRECATED_ITEM a.yaml:7:11 'append' is deprecated; write "
                       "'override' with the keys to append. Beside it 'output' has no effect"}},
        ComplaintCase{"open_quote",
                      {"- rule: r\n  desc: \"d\n  condition: evt.type=open\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:2:9 the key 'condition' is missing: the "
                       "quote that begins the value of 'desc' is not closed"}},
        ComplaintCase{"quotes_in_an_open_quote",
                      {"- rule: r\n  desc: 'd''s\n  output: it''s\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:2:9 the key 'condition' is missing: the"}},
        ComplaintCase{"tag_trap",
                      {"- list: l\n  items: [a, !b]\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:2:14 '!b' without quotes is a YAML tag"}},
        ComplaintCase{"priority",
                      {"- rule: r\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: "
                       "high\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:5:13 'high' is no priority"}},
        ComplaintCase{"missing_and_later_rules_go_on",
                      {"- rule: r\n  desc: d\n" + rule_text("s", "evt.type=opn")},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:1:3 the key 'condition' is missing",
                       "E LOAD_ERR_COMPILE_CONDITION a.yaml:5:23 there is no event type 'opn'"}},
        ComplaintCase{"engine_too_old",
                      {"- required_engine_version: 0.64.0\n"},
                      {"E LOAD_ERR_VALIDATE a.yaml:1:28 these rules need engine version 0.64.0"}},
        ComplaintCase{"engine_number",
                      {"- required_engine_version: 64\n"},
                      {"E LOAD_ERR_VALIDATE a.yaml:1:28 these rules need engine version 0.64.0"}},
        ComplaintCase{"engine_fits",
                      {"- required_engine_version: 17\n- required_engine_version: "
                       "0.63.0\n"},
                      {}},
        ComplaintCase{
            "engine_major", {"- required_engine_version: 1.0.0\n"}, {"E LOAD_ERR_VALIDATE"}},
        ComplaintCase{"plugin_missing",
                      {"- required_plugin_versions: [{name: okta, version: 0.1.0}]\n"},
                      {"E LOAD_ERR_VALIDATE a.yaml:1:30 these rules need plugin 'okta' in version "
                       "0.1.0"}},
        ComplaintCase{"plugin_alternative",
                      {"- required_plugin_versions: [{name: okta, version: 0.1.0, alternatives: "
                       "[{name: json, version: 9.9.9}]}]\n"},
                      {}},
        ComplaintCase{
            "unknown_source",
            {rule_text("r", "anything at all", "  source: aws\n") +
             "- rule: r\n  condition: and x\n  override: {condition: append}\n"},
            {"W LOAD_UNKNOWN_SOURCE a.yaml:6:11 nothing provides events of source 'aws'"}},
        ComplaintCase{"source_changes",
                      {rule_text("r", "evt.type=open") +
                       rule_text("r", "evt.num=1", "  source: k8s_audit\n")},
                      {"E LOAD_ERR_VALIDATE a.yaml:6:3 the rule has source 'syscall' already"}},
        ComplaintCase{"toggle",
                      {rule_text("r", "evt.type=open") + "- rule: r\n  enabled: false\n"},
                      {"W LOAD_DEPRECATED_ITEM a.yaml:7:12"}},
        ComplaintCase{"toggle_nothing",
                      {"- rule: r\n  enabled: false\n"},
                      {"E LOAD_ERR_VALIDATE a.yaml:1:3 there is no rule of this name",
                       "W LOAD_DEPRECATED_ITEM"}},
        ComplaintCase{"macro_name",
                      {"- macro: 1-m\n  condition: evt.type=open\n"},
                      {"W LOAD_INVALID_MACRO_NAME a.yaml:1:10", "W LOAD_UNUSED_MACRO"}},
        ComplaintCase{"list_name",
                      {"- list: my list\n  items: []\n"},
                      {"W LOAD_INVALID_LIST_NAME a.yaml:1:9", "W LOAD_UNUSED_LIST"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Overriding, Complaints,
    testing::Values(
        ComplaintCase{
            "append_to_nothing",
            {"- list: l\n  items: [a]\n  override: {items: append}\n- macro: m\n  condition: "
             "x\n  append: true\n- rule: r\n  tags: [a]\n  override: {tags: append}\n"},
            {"E LOAD_ERR_VALIDATE a.yaml:1:3", "E LOAD_ERR_VALIDATE a.yaml:4:3",
             "E LOAD_ERR_VALIDATE a.yaml:7:3", "W LOAD_DEPRECATED_ITEM"}},
        ComplaintCase{"replace_of_nothing_defines",
                      {"- list: l\n  items: [a]\n  override: {items: replace}\n"},
                      {"W LOAD_UNUSED_LIST"}},
        ComplaintCase{"append_and_override",
                      {"- list: l\n  items: [a]\n  append: true\n  override: {items: append}\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:4:13 'append' and 'override' exclude"}},
        ComplaintCase{
            "value_missing",
            {rule_text("r", "evt.type=open") + "- rule: r\n  override: {output: append}\n"},
            {"E LOAD_ERR_YAML_VALIDATE a.yaml:7:14 the override names the key 'output'"}},
        ComplaintCase{"value_not_named",
                      {rule_text("r", "evt.type=open") +
                       "- rule: r\n  tags: [a]\n  desc: x\n  override: {tags: append}\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:8:3 the key 'desc' is there"}},
        ComplaintCase{"not_appendable",
                      {rule_text("r", "evt.type=open") +
                       "- rule: r\n  enabled: true\n  override: {enabled: append}\n"},
                      {"E LOAD_ERR_YAML_VALIDATE a.yaml:8:14 the key 'enabled' can be replaced"}},
        ComplaintCase{
            "no_mode",
            {rule_text("r", "evt.type=open") + "- rule: r\n  tags: [a]\n  override: {tags: add}\n"},
            {"E LOAD_ERR_YAML_VALIDATE a.yaml:8:14 'add' is no way to override"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Macros, Complaints,
    testing::Values(
        ComplaintCase{
            "unknown",
            {"- macro: maker\n  condition: evt.type=open\n" + rule_text("r", "maker and makr")},
            {"E LOAD_ERR_VALIDATE a.yaml:5:24 there is no macro 'makr'; did you mean "
             "'maker'?"}},
        ComplaintCase{"itself",
                      {"- macro: m\n  condition: m or evt.type=open\n" + kMacroUse},
                      {"E LOAD_ERR_VALIDATE a.yaml:1:3 the macro refers to itself: m → m"}},
        ComplaintCase{"cycle",
                      {"- macro: m\n  condition: n\n", "- macro: n\n  condition: m\n" + kMacroUse},
                      {"W LOAD_COMPILE_CONDITION",
                       "E LOAD_ERR_VALIDATE b.yaml:2:14 the macro refers to itself: m → n → m"}},
        ComplaintCase{
            "below_in_the_file",
            {"- macro: m\n  condition: n\n- macro: n\n  condition: evt.type=open\n" + kMacroUse},
            {"E LOAD_ERR_VALIDATE a.yaml:2:14 macro 'n' is defined below"}},
        ComplaintCase{
            "in_a_later_file",
            {kMacroUse, "- macro: m\n  condition: evt.type=open\n"},
            {"W LOAD_COMPILE_CONDITION a.yaml:3:32 macro 'm' is defined in a later file"}},
        ComplaintCase{
            "redefined_later_is_fine",
            {"- macro: n\n  condition: evt.type=open\n- macro: m\n  condition: n\n" + kMacroUse,
             "- macro: n\n  condition: evt.type=close\n"},
            {}},
        // The fault is in the text of the second file, so that is the file it is counted for.
        ComplaintCase{
            "fault_in_a_macro",
            {"- macro: m\n  condition: evt.type=open\n" + kMacroUse,
             "- macro: m\n  condition: evt.type=open and proc.nmae=x\n"},
            {"E LOAD_ERR_COMPILE_CONDITION b.yaml:2:32 there is no field 'proc.nmae'; did "
             "you mean 'proc.name'?"}},
        ComplaintCase{"fault_is_told_once",
                      {"- macro: m\n  condition: proc.nmae=x\n" + rule_text("r", "m") +
                       rule_text("s", "not m")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:2:14"}}),
    [](const auto& param) { return param.param.name; });

const std::string kListUse = rule_text("r", "evt.type=open and proc.name in (l, x)");

INSTANTIATE_TEST_SUITE_P(
    Lists, Complaints,
    testing::Values(
        ComplaintCase{"included_before_it_is_defined",
                      {"- list: l\n  items: [x, m]\n- list: m\n  items: [a]\n" + kListUse},
                      {"W LOAD_COMPILE_CONDITION a.yaml:2:14 list 'm' is defined below: here are "
                       "its items, where Falco sees the text 'm'; define it before 'l'"}},
        ComplaintCase{"included_by_a_later_append",
                      {"- list: l\n  items: [x]\n- list: m\n  items: [a]\n- list: l\n  items: "
                       "[m]\n  override: {items: append}\n" +
                       kListUse},
                      {}},
        ComplaintCase{"in_a_later_file",
                      {kListUse, "- list: l\n  items: [a]\n"},
                      {"W LOAD_COMPILE_CONDITION a.yaml:3:46 list 'l' is defined in a later file, "
                       "b.yaml"}},
        ComplaintCase{
            "in_a_later_file_of_a_macro",
            {"- macro: m\n  condition: proc.name in (l)\n" + rule_text("r", "evt.type=open and m"),
             "- list: l\n  items: [a]\n"},
            {"W LOAD_COMPILE_CONDITION a.yaml:2:28 list 'l' is defined in a later file"}},
        ComplaintCase{"below_the_rule_is_fine", {kListUse + "- list: l\n  items: [a]\n"}, {}},
        ComplaintCase{"misspelt",
                      {"- list: shell_binaries\n  items: [sh]\n" +
                       rule_text("r",
                                 "evt.type=open and proc.name in (shell_binaries, "
                                 "shel_binaries, shell_binareis, \"shel_binaries\", sh_x)")},
                      {"W LOAD_COMPILE_CONDITION a.yaml:5:62 'shel_binaries' is no list and is "
                       "taken as a text; did you mean the list 'shell_binaries'?",
                       "W LOAD_COMPILE_CONDITION a.yaml:5:77 'shell_binareis' is no list"}},
        ComplaintCase{"misspelt_in_a_list",
                      {"- list: shell_binaries\n  items: [sh]\n"
                       "- list: all_binaries\n  items: [shell_binarie, ls]\n" +
                       rule_text("r",
                                 "evt.type=open and proc.name in (all_binaries) and not "
                                 "proc.name in (shell_binaries)")},
                      {"W LOAD_COMPILE_CONDITION a.yaml:4:11 'shell_binarie' is no list"}},
        ComplaintCase{"misspelt_alone",
                      {"- list: shell_binaries\n  items: [sh]\n" +
                       rule_text("r",
                                 "evt.type=open and proc.name in (shell_binaries) and "
                                 "proc.name in shall_binary")},
                      {"W LOAD_COMPILE_CONDITION a.yaml:5:79 'shall_binary' is no list; it is "
                       "taken as a text; did you mean the list 'shell_binaries'?"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    ConditionsAndOutputs, Complaints,
    testing::Values(
        ComplaintCase{"in_a_list_item",
                      {"- list: nums\n  items: [1, two]\n" +
                       rule_text("r", "evt.type=open and proc.pid in (nums)")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:2:14"}},
        ComplaintCase{
            "in_a_folded_scalar",
            {"- rule: r\n  desc: d\n  condition: >\n    evt.type=open\n    and proc.nmae=x\n"
             "  output: o\n  priority: INFO\n"},
            {"E LOAD_ERR_COMPILE_CONDITION a.yaml:5:9 there is no field 'proc.nmae'"}},
        ComplaintCase{"in_an_appended_part",
                      {rule_text("r", "evt.type=open"),
                       "- rule: r\n  condition: |\n    and (proc.name=x\n  override: {condition: "
                       "append}\n"},
                      {"E LOAD_ERR_COMPILE_CONDITION b.yaml:3:21"}},
        ComplaintCase{"unbalanced_despite_exceptions",
                      {rule_text("r", "evt.type=open) or (proc.name=x",
                                 "  exceptions: [{name: e, fields: proc.name, values: [a]}]\n")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:3:27"}},
        ComplaintCase{"in_an_exception_value",
                      {rule_text("r", "evt.type=open",
                                 "  exceptions:\n  - name: e\n    fields: [proc.pid]\n    values: "
                                 "[[none]]\n")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:9:15"}},
        ComplaintCase{"tuple_size",
                      {with_exceptions("  - {name: e, fields: [proc.name], values: [[a, b]]}\n")},
                      {"E LOAD_ERR_VALIDATE a.yaml:7:45 each of the values must be a list of 1"}},
        ComplaintCase{"comps_size",
                      {with_exceptions("  - {name: e, fields: [proc.name], comps: [=, =]}\n")},
                      {"E LOAD_ERR_VALIDATE a.yaml:7:43 there are 1 fields but 2 operators"}},
        ComplaintCase{"single_needs_list_operator",
                      {with_exceptions("  - {name: e, fields: proc.name, comps: startswith}\n")},
                      {"E LOAD_ERR_VALIDATE a.yaml:7:41 an exception on a single field compares "
                       "with a list"}},
        ComplaintCase{"operator",
                      {with_exceptions("  - {name: e, fields: [proc.name], comps: [like]}\n")},
                      {"E LOAD_ERR_VALIDATE a.yaml:7:43 'like' is no operator"}},
        ComplaintCase{"exception_names",
                      {with_exceptions("  - {name: e, fields: proc.name}\n  - {name: e, fields: "
                                       "proc.exe}\n")},
                      {"W LOAD_EXCEPTION_NAME_NOT_UNIQUE a.yaml:8:"}},
        ComplaintCase{"append_without_values",
                      {with_exceptions("  - {name: e, fields: proc.name}\n") +
                       "- rule: r\n  exceptions: [{name: e}]\n  override: {exceptions: append}\n"},
                      {"W LOAD_APPEND_NO_VALUES a.yaml:9:16"}},
        ComplaintCase{
            "misspelt_values",
            {with_exceptions("  - {name: e, fields: proc.name, value: [a]}\n")},
            {"W LOAD_UNKNOWN_KEY a.yaml:7:34 unknown key 'value'; did you mean 'values'?"}},
        ComplaintCase{
            "skip_if_unknown",
            {rule_text("r", "evt.type=open and proc.nobody=x", "  skip-if-unknown-filter: true\n") +
             "- rule: s\n  desc: d\n  condition: evt.type=open\n  output: '%no.thing'\n  "
             "priority: INFO\n  skip-if-unknown-filter: true\n"},
            {"W LOAD_UNKNOWN_FILTER a.yaml:3:32", "W LOAD_UNKNOWN_FILTER a.yaml:10:13"}},
        ComplaintCase{
            "skip_does_not_hide_other_faults",
            {rule_text("r", "evt.type=open and proc.pid=x", "  skip-if-unknown-filter: true\n")},
            {"E LOAD_ERR_COMPILE_CONDITION a.yaml:3:"}},
        ComplaintCase{
            "no_event_type", {rule_text("r", "proc.name=x")}, {"W LOAD_NO_EVTTYPE a.yaml:3:14"}},
        ComplaintCase{
            "no_event_type_muted", {rule_text("r", "proc.name=x", "  warn_evttypes: false\n")}, {}},
        ComplaintCase{"no_event_type_of_other_sources",
                      {rule_text("r", "ka.verb=get", "  source: k8s_audit\n")},
                      {}},
        ComplaintCase{"fields_belong_to_sources",
                      {rule_text("r", "proc.name=x", "  source: k8s_audit\n")},
                      {"E LOAD_ERR_COMPILE_CONDITION a.yaml:3:14 there is no field 'proc.name'"}},
        ComplaintCase{"deprecated_field",
                      {rule_text("r", "evt.type=open and evt.dir=<")},
                      {"W LOAD_DEPRECATED_ITEM a.yaml:3:14 field 'evt.dir' is deprecated"}},
        ComplaintCase{"dead_token",
                      {"- rule: r\n  desc: d\n  condition: evt.type=open\n  output: 'x "
                       "%container.info y'\n  priority: INFO\n"},
                      {"W LOAD_DEPRECATED_ITEM a.yaml:4:14"}},
        ComplaintCase{
            "missing_value_text",
            {rule_text("r", "ka.verb=get and ka.user.name != <NA>", "  source: k8s_audit\n")},
            {"W LOAD_UNSAFE_NA_CHECK a.yaml:3:46"}},
        ComplaintCase{"output",
                      {"- rule: r\n  desc: d\n  condition: evt.type=open\n  output: >\n    "
                       "Some text\n    %no.field here\n  priority: INFO\n"},
                      {"E LOAD_ERR_COMPILE_OUTPUT a.yaml:6:"}}),
    [](const auto& param) { return param.param.name; });

TEST(Rules, AFileThatCannotBeReadIsAnError) {
  const RuleSource source{"gone.yaml", "", "cannot read gone.yaml"};
  const LoadResult result = load_rules({&source, 1}, settings());
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(diagnostics(result),
              ElementsAre("E LOAD_ERR_FILE_READ gone.yaml:0:0 cannot read gone.yaml"));
}

TEST(Limits, WarningsAreCountedWhenThereAreTooMany) {
  std::string text;
  for (int i = 0; i < 2500; ++i) text += "- nothing: " + std::to_string(i) + "\n";
  const LoadResult result = load({text});
  EXPECT_TRUE(result.ok());
  ASSERT_EQ(result.files[0].warnings.size(), 2000u);
  EXPECT_THAT(result.files[0].warnings.back().message,
              HasSubstr("; 500 more warnings are not shown"));
}

TEST(Limits, ListAndMacroBombsAreRefused) {
  std::string lists = "- list: l0\n  items: [a, b, c, d, e, f, g, h, i, j]\n";
  std::string macros = "- macro: m0\n  condition: evt.type=open or evt.type=close\n";
  for (int i = 1; i < 40; ++i) {
    const std::string n = std::to_string(i);
    const std::string p = std::to_string(i - 1);
    lists += "- list: l" + n + "\n  items: [l" + p + ", l" + p + ", l" + p + "]\n";
    macros += "- macro: m" + n + "\n  condition: m" + p + " or not m" + p + "\n";
  }
  EXPECT_THAT(diagnostics(load({lists + rule_text("r", "proc.name in (l39)")})),
              Contains(HasSubstr("the list has more than")));
  EXPECT_FALSE(load({macros + rule_text("r", "m39")}).ok());
}

TEST(Limits, LongChainsDoNotExhaustTheStack) {
  std::string macros = "- macro: m0\n  condition: evt.type=open\n";
  std::string lists = "- list: l0\n  items: [a]\n";
  for (int i = 1; i < 20000; ++i) {
    const std::string n = std::to_string(i);
    const std::string p = std::to_string(i - 1);
    macros += "- macro: m" + n + "\n  condition: m" + p + "\n";
    lists += "- list: l" + n + "\n  items: [l" + p + "]\n";
  }
  EXPECT_FALSE(load({macros + rule_text("r", "m19999")}).ok());
  // Lists defined before they are used are expanded one by one, so their depth does not matter.
  EXPECT_TRUE(load({lists + rule_text("r", "evt.type=open and proc.name in (l19999)")}).ok());
  std::string cycle;
  for (int i = 0; i < 20000; ++i) {
    cycle += "- macro: c" + std::to_string(i) + "\n  condition: c" +
             std::to_string((i + 1) % 20000) + "\n";
  }
  EXPECT_THAT(diagnostics(load({cycle})), Contains(HasSubstr("the macro refers to itself")));
}

}  // namespace
}  // namespace gyr
