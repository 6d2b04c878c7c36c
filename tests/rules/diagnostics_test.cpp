// SPDX-License-Identifier: Apache-2.0
// When warnings and errors of rule files appear, and for which file.
#include <gtest/gtest.h>

#include "rules/fake_fields.h"
#include "rules/report.h"

namespace gyr {
namespace {

LoadResult load(const std::vector<RuleSource>& sources) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  return load_rules(sources, settings);
}

std::string rule_text(const std::string& condition, const std::string& more = "") {
  return "- rule: r\n  desc: d\n  condition: " + condition + "\n  output: out\n  priority: INFO\n" +
         more;
}

TEST(Diagnostics, AFaultyFileThatIsGivenTwiceIsFaultyTwice) {
  for (const std::string& text :
       {rule_text("evt.type=open",
                  "  exceptions: [{name: e, fields: [proc.name, fd.name], comps: [=]}]\n"),
        rule_text("evt.type=open and"), rule_text("proc.nme=x"),
        std::string("- rule: r\n  desc: d\n"), std::string("a: b: c")}) {
    const RuleSource source{"same.yaml", text, ""};
    const LoadResult result = load({source, source});
    EXPECT_FALSE(result.files[0].ok()) << text;
    EXPECT_FALSE(result.files[1].ok()) << text;
  }
}

// What a later file repairs is wrong in the earlier one all the same.
TEST(Diagnostics, AFileIsJudgedWithoutThoseBehindIt) {
  const std::string good = rule_text("evt.type=open");
  const std::string macro = "- macro: m\n  condition: evt.type=open\n";
  const std::pair<std::string, std::string> cases[] = {
      {rule_text("evt.type=open and"), good},
      {rule_text("proc.nme=x"), good},
      {rule_text("evt.type=open and"),
       "- rule: r\n  condition: proc.name=x\n  override: {condition: append}\n"},
      {rule_text("evt.type=open and"),
       "- rule: r\n  condition: evt.type=open\n  override: {condition: replace}\n"},
      {"- macro: m\n  condition: evt.type=open and\n", macro},
  };
  for (const auto& [bad, repair] : cases) {
    EXPECT_FALSE(load({{"a.yaml", bad, ""}, {"b.yaml", repair, ""}}).files[0].ok()) << bad;
    EXPECT_TRUE(load({{"a.yaml", bad + repair, ""}}).ok()) << bad;
  }
  const LoadResult changed = load({{"a.yaml", good, ""}, {"b.yaml", good, ""}});
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed.ruleset->rules.size(), 1u);
}

// Our own sorting of rules by event types is cleverer than what the warning is about.
TEST(Diagnostics, OnlySomeOperatorsOnTheTypeRestrictIt) {
  const auto warns = [](const std::string& condition) {
    return !load({{"a.yaml", rule_text(condition), ""}}).files[0].warnings.empty();
  };
  for (const char* restricted :
       {"evt.type=open", "evt.type == open", "evt.type in (open, close)", "not evt.type != open",
        "evt.type startswith open and evt.type=openat"}) {
    EXPECT_FALSE(warns(restricted)) << restricted;
  }
  for (const char* open : {"evt.type startswith open", "evt.type glob open", "evt.type exists",
                           "evt.type contains open", "evt.type != open",
                           "evt.type=open or evt.type endswith openat"}) {
    EXPECT_TRUE(warns(open)) << open;
  }
}

TEST(Diagnostics, AFaultyOptionIsShownInPlaceOfTheRule) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  OutputAddition good;
  good.text = "p=%proc.name";
  OutputAddition bad;
  bad.text = "x=%proc.nobody";
  settings.additions = {good, bad};
  const RuleSource source{"a.yaml", rule_text("evt.type=open"), ""};
  const LoadResult result = load_rules({&source, 1}, settings);
  ASSERT_EQ(result.files[0].errors.size(), 1u);
  EXPECT_EQ(result.files[0].errors[0].line_text, bad.text);
  EXPECT_EQ(result.files[0].errors[0].underline_from, 3u);
}

TEST(Diagnostics, DeprecatedFieldsAreToldOfOutputsToo) {
  std::string text = rule_text("evt.type=open");
  text.replace(text.find("output: out"), 11, "output: x %evt.dir");
  const LoadResult result = load({{"a.yaml", text, ""}});
  ASSERT_EQ(result.files[0].warnings.size(), 1u);
  EXPECT_EQ(result.files[0].warnings[0].code, Code::DeprecatedItem);
  EXPECT_EQ(result.files[0].warnings[0].locations.back().position.line, 4u);
}

LoadResult load_with(const OutputAddition& addition, const std::string& text) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.additions = {addition};
  const RuleSource source{"a.yaml", text, ""};
  return load_rules({&source, 1}, settings);
}

TEST(Diagnostics, APlainExtraFieldIsExactlyOneField) {
  for (const char* const name :
       {"toupper(proc.name)", "len(proc.name)", "proc.name and text", "proc.name%proc.exe"}) {
    OutputAddition addition;
    addition.fields = {{name, ""}};
    const LoadResult result = load_with(addition, rule_text("evt.type=open"));
    ASSERT_EQ(result.files[0].errors.size(), 1u) << name;
    EXPECT_NE(result.files[0].errors[0].message.find("the name of one field"), std::string::npos);
  }
}

TEST(Diagnostics, TheDeadTokenOfOldServiceFilesPrintsNothing) {
  OutputAddition addition;
  addition.text = "a=%container.info b=%proc.name";
  std::string other = rule_text("evt.type=open");
  other.replace(other.find("rule: r"), 7, "rule: s");
  const LoadResult result = load_with(addition, rule_text("evt.type=open") + other);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.ruleset->rules[0].appended_text, " a= b=%proc.name");
  EXPECT_EQ(result.ruleset->rules[1].appended_text, " a= b=%proc.name");
  EXPECT_EQ(result.files[0].warnings.size(), 1u) << "it is told once";
}

// The file whose loading makes it a fault, as each is compiled when it is loaded.
TEST(Diagnostics, AFaultBelongsToTheFileThatBroughtItAbout) {
  const auto invalid = [](const std::vector<std::string>& texts) {
    std::vector<RuleSource> sources;
    for (const std::string& text : texts) {
      sources.push_back({std::string(1, static_cast<char>('a' + sources.size())), text, ""});
    }
    std::string names;
    for (const FileReport& file : load(sources).files) names += file.ok() ? "" : file.name;
    return names;
  };
  const std::string a = "- macro: a\n  condition: evt.type=open\n";
  const std::string circle = "- macro: a\n  condition: or b\n  override: {condition: append}\n";
  EXPECT_EQ(invalid({a + "- macro: b\n  condition: a\n", circle}), "b");
  EXPECT_EQ(invalid({a, "- macro: b\n  condition: a\n", circle}), "c");
  const std::string bad_macro = "- macro: m\n  condition: no.field=1\n";
  EXPECT_EQ(invalid({bad_macro, rule_text("evt.type=open and m")}), "b");
  EXPECT_EQ(invalid({bad_macro + rule_text("evt.type=open and m"), a}), "a");
  EXPECT_EQ(invalid({"- list: l\n  items: [abc]\n", rule_text("evt.num in (l)")}), "b");
}

TEST(Diagnostics, MarksStandUnderWideAndCombinedLetters) {
  const auto marks = [](const std::string& before) {
    const LoadResult result =
        load({{"a.yaml", rule_text("proc.name=" + before + " and no.field=1"), ""}});
    const std::string text = diagnostic_text(result.files[0].errors.at(0));
    const size_t mark = text.find('^');
    return mark - text.rfind('\n', mark) - 1;
  };
  const size_t plain = marks("xx");
  EXPECT_EQ(marks("\u00e4\u00f6"), plain) << "two bytes, one column";
  EXPECT_EQ(marks("\u6f22"), plain) << "one letter, two columns";
  EXPECT_EQ(marks("\U0001f600"), plain);
  EXPECT_EQ(marks("xe\u0301"), plain) << "a mark on its letter";
}

}  // namespace
}  // namespace gyr
