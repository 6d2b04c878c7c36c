// SPDX-License-Identifier: Apache-2.0
// Which items and keys a complaint about a rules file names: tools look for types and names, people
// for the key. And what without content is passed over, as templates leave it behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/fake_fields.h"
#include "rules/report.h"

namespace gyr {
namespace {

LoadResult load(const std::string& text) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  const RuleSource source{"a.yaml", text, ""};
  return load_rules({&source, 1}, settings);
}

std::string rule_with(const std::string& more) {
  return "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: INFO\n" + more;
}

// "rules content > rule 'r' > value for 'tags' > list item" of the first error, else warning.
std::string way(const LoadResult& result) {
  const FileReport& file = result.files[0];
  if (file.errors.empty() && file.warnings.empty()) return "";
  std::string text;
  for (const Location& at : (file.ok() ? file.warnings : file.errors)[0].locations) {
    if (!text.empty()) text += " > ";
    text += at.item_name.empty() ? at.item_type : at.item_type + " '" + at.item_name + "'";
  }
  return text;
}

struct WayCase {
  const char* name;
  std::string text;
  const char* way;
};
void PrintTo(const WayCase& c, std::ostream* out) { *out << c.name; }

class Ways : public testing::TestWithParam<WayCase> {};

TEST_P(Ways, NameItemsAndKeys) {
  EXPECT_EQ(way(load(GetParam().text)), std::string("rules content > ") + GetParam().way);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, Ways,
    testing::Values(
        WayCase{"no_map", "- a\n", "rules content item"},
        WayCase{"unknown_item", "- foo: x\n", "rules content item 'foo'"},
        WayCase{"empty_item", "-\n", "rules content item"},
        WayCase{"type", rule_with("  enabled: maybe\n"), "rule 'r' > value for 'enabled'"},
        WayCase{"no_value", rule_with("  tags:\n"), "rule 'r' > value for 'tags'"},
        WayCase{"in_a_list", rule_with("  tags: [a, [b]]\n"),
                "rule 'r' > value for 'tags' > list item"},
        WayCase{"unknown_key", rule_with("  colour: red\n"), "rule 'r' > value for 'colour'"},
        WayCase{"key_twice", rule_with("  desc: e\n"), "rule 'r' > value for 'desc'"},
        WayCase{"priority",
                "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: HIGH\n",
                "rule 'r' > rule priority"},
        WayCase{"override", rule_with("") + "- rule: r\n  desc: x\n  override: {desc: prepend}\n",
                "rule 'r' > overrides 'desc'"},
        WayCase{"exception", rule_with("  exceptions: [{name: e, fields: {a: b}}]\n"),
                "rule 'r' > exception 'e' > value for 'fields'"},
        WayCase{"plugins", "- required_plugin_versions: x\n",
                "required plugin versions > value for 'required_plugin_versions'"},
        WayCase{"plugin", "- required_plugin_versions: [{name: p}]\n",
                "required plugin versions > required plugin versions entry 'p'"},
        WayCase{"plugin_that_is_missing",
                "- required_plugin_versions: [{name: p, version: 1.0.0}]\n",
                "required plugin versions > required plugin versions entry 'p'"},
        WayCase{
            "other_plugin",
            "- required_plugin_versions: [{name: p, version: 1.0.0, alternatives: [{name: q}]}]\n",
            "required plugin versions > required plugin versions alternative 'q'"}),
    [](const auto& param) { return param.param.name; });

TEST(Ways, AFileThatCannotBeReadIsNamed) {
  LoadSettings settings;
  const RuleSource source{"gone.yaml", "", "cannot read gone.yaml"};
  const LoadResult result = load_rules({&source, 1}, settings);
  EXPECT_EQ(way(result), "rules content");
  EXPECT_EQ(report_text(result.files),
            "gone.yaml: Invalid\n1 Errors:\nIn rules content: (gone.yaml)\n"
            "LOAD_ERR_FILE_READ (Error reading file): cannot read gone.yaml\n");
}

struct EmptyCase {
  const char* name;
  std::string text;
  size_t exceptions;  // of the rule that is left
};
void PrintTo(const EmptyCase& c, std::ostream* out) { *out << c.name; }

class WithoutContent : public testing::TestWithParam<EmptyCase> {};

TEST_P(WithoutContent, ChangesNothing) {
  const LoadResult result = load(GetParam().text);
  ASSERT_TRUE(result.ok()) << report_text(result.files);
  ASSERT_EQ(result.ruleset->rules.size(), 1u);
  EXPECT_EQ(result.ruleset->rules[0].exceptions.size(), GetParam().exceptions);
  EXPECT_EQ(result.ruleset->rules[0].condition_text, "evt.type=open");
}

const std::string kExcepted = rule_with("  exceptions: [{name: e, fields: proc.name}]\n");

INSTANTIATE_TEST_SUITE_P(
    Rules, WithoutContent,
    testing::Values(
        EmptyCase{"item", "-\n" + rule_with("") + "- ~\n", 0},
        EmptyCase{"exceptions", rule_with("  exceptions:\n"), 0},
        EmptyCase{"exceptions_appended",
                  kExcepted + "- rule: r\n  exceptions:\n  override: {exceptions: append}\n", 1},
        EmptyCase{"exceptions_appended_in_the_old_way",
                  kExcepted + "- rule: r\n  exceptions:\n  append: true\n", 1},
        EmptyCase{"exceptions_replaced",
                  kExcepted + "- rule: r\n  exceptions:\n  override: {exceptions: replace}\n", 0},
        EmptyCase{"override", rule_with("  override:\n"), 0},
        EmptyCase{"override_map", rule_with("  override: {}\n"), 0},
        EmptyCase{"override_of_a_list", "- list: l\n  items: [a]\n  override: {}\n" + rule_with(""),
                  0}),
    [](const auto& param) { return param.param.name; });

TEST(WithoutContent, WhatASwitchIgnoresIsSaid) {
  const LoadResult result = load(rule_with("") + "- rule: r\n  enabled: false\n  tags: [x]\n");
  ASSERT_EQ(result.files[0].warnings.size(), 1u);
  EXPECT_THAT(result.files[0].warnings[0].message,
              testing::HasSubstr("Beside it 'tags' has no effect"));
}

TEST(WithoutContent, AnEmptyItemIsSaid) {
  const LoadResult result = load("-\n" + rule_with(""));
  ASSERT_EQ(result.files[0].warnings.size(), 1u);
  EXPECT_EQ(result.files[0].warnings[0].code, Code::UnknownItem);
}

}  // namespace
}  // namespace gyr
