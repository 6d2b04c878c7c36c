// SPDX-License-Identifier: Apache-2.0
// RulesOnError::Skip: a faulty item costs itself and what depends on it, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/fake_fields.h"
#include "rules/loader.h"

namespace gyr {
namespace {

LoadResult load(std::vector<std::string> texts, RulesOnError on_error = RulesOnError::Skip) {
  std::vector<RuleSource> files;
  for (size_t i = 0; i < texts.size(); ++i) {
    files.push_back({.name = "f" + std::to_string(i), .text = std::move(texts[i])});
  }
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.on_error = on_error;
  return load_rules(files, settings);
}

std::string rule(const std::string& name, const std::string& condition,
                 const std::string& more = "") {
  return "- rule: " + name + "\n  condition: " + condition +
         "\n  output: x\n  desc: d\n  priority: info\n" + more;
}

// "a b | errors": the rules with their conditions, how many are missing, and the messages.
std::string outcome(const LoadResult& result) {
  if (!result.ruleset) return "nothing";
  std::string text;
  for (const Rule& rule : result.ruleset->rules) {
    text += rule.name + ": " + rule.condition_text + "\n";
  }
  text += "missing " + std::to_string(result.ruleset->rules_skipped) + ", items " +
          std::to_string(result.items_skipped) + "\n";
  for (const FileReport& file : result.files) {
    for (const Diagnostic& error : file.errors) {
      const Location& at = error.locations.back();
      text += file.name + ":" + std::to_string(at.position.line) + " " + error.message + "\n";
    }
  }
  return text;
}

constexpr const char* kGood = "evt.type = open";

TEST(Skip, AFaultyRuleCostsItselfAlone) {
  const std::string text = rule("a", kGood) + rule("b", "evt.type = open and") + rule("c", kGood) +
                           "- rule: d\n  condition: " + kGood +
                           "\n  desc: d\n  priority: urgent\n  output: x\n" +
                           rule("e", "no.field = 1") + rule("f", kGood);
  EXPECT_FALSE(load({text}, RulesOnError::Stop).ok());
  const LoadResult result = load({text});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.ruleset->rules.size(), 3u);
  EXPECT_EQ(result.ruleset->rules_skipped, 3u);
  EXPECT_EQ(result.items_skipped, 3u);
  EXPECT_EQ(result.files[0].errors.size(), 3u);
}

TEST(Skip, WhatDependsOnAMacroGoesWithIt) {
  const LoadResult result =
      load({"- macro: m0\n  condition: evt.type = (\n"
            "- macro: m1\n  condition: m0 or evt.num = 1\n"
            "- macro: m2\n  condition: m1\n"
            "- macro: good\n  condition: evt.num = 2\n" +
            rule("a", "m2") + rule("b", "good") + rule("c", "not m0")});
  EXPECT_THAT(outcome(result), testing::StartsWith("b: good\nmissing 2, items 5\n"));
  EXPECT_THAT(outcome(result), testing::HasSubstr("skipped because of an error"));
  EXPECT_EQ(result.files[0].errors.size(), 5u) << outcome(result);
}

TEST(Skip, AListThatIsGoneIsNoWord) {
  const LoadResult result = load({"- list: l\n  items: {a: b}\n- list: k\n  items: [x, l]\n" +
                                  rule("a", "proc.name in (l)") + rule("b", "proc.name in (k)") +
                                  rule("c", "proc.name = \"l\"") + rule("d", "proc.name in (q)")});
  EXPECT_THAT(
      outcome(result),
      testing::StartsWith("c: proc.name = \"l\"\nd: proc.name in (q)\nmissing 2, items 4\n"));
}

TEST(Skip, AFaultyChangeLeavesWhatWasThere) {
  const std::string good =
      rule("a", kGood) + "- list: l\n  items: [x]\n" + rule("b", "proc.name in (l)");
  const LoadResult result =
      load({good,
            "- rule: a\n  condition: and no.field = 1\n  override: {condition: append}\n"
            "- rule: a\n  condition: and evt.num = 1\n  override: {condition: append}\n"
            "- rule: a\n  priority: urgent\n  override: {priority: replace}\n"
            "- list: l\n  items: 5\n  override: {items: append}\n"
            "- rule: b\n  enabled: perhaps\n"});
  EXPECT_THAT(outcome(result),
              testing::StartsWith("a: evt.type = open and evt.num = 1\nb: proc.name in (l)\n"
                                  "missing 0, items 4\n"));
}

TEST(Skip, ChangesOfASkippedRuleAreSkippedToo) {
  const LoadResult result = load({rule("a", "evt.type = open and") + rule("b", kGood),
                                  "- rule: a\n  enabled: true\n  override: {enabled: replace}\n"
                                  "- rule: a\n  append: true\n  condition: or evt.num = 1\n"
                                  "- rule: a\n  enabled: false\n"});
  EXPECT_THAT(outcome(result), testing::StartsWith("b: evt.type = open\nmissing 1, items 4\n"));
}

TEST(Skip, ALaterDefinitionRepairsAnEarlierOne) {
  const LoadResult result = load({rule("a", "no.field = 1"), rule("a", kGood)});
  EXPECT_EQ(outcome(result), "a: evt.type = open\nmissing 0, items 0\n");
}

TEST(Skip, AFileWhoseRequirementFailsIsNotLoaded) {
  const LoadResult result =
      load({"- required_engine_version: 999.0.0\n" + rule("a", kGood), rule("b", kGood)});
  EXPECT_THAT(outcome(result), testing::StartsWith("b: evt.type = open\nmissing 1, items 2\n"));
}

TEST(Skip, OfBrokenYamlTheDocumentsBeforeTheFaultStay) {
  const LoadResult result = load(
      {rule("a", kGood) + "---\n" + rule("b", "[") + "---\n" + rule("c", kGood), rule("d", kGood)});
  EXPECT_THAT(outcome(result),
              testing::StartsWith("a: evt.type = open\nd: evt.type = open\nmissing 0, items 0\n"));
  EXPECT_FALSE(result.files[0].ok());
}

TEST(Skip, NothingLeftIsAnError) {
  EXPECT_EQ(outcome(load({rule("a", "and")})), "nothing");
  EXPECT_EQ(outcome(load({"a: ["})), "nothing");
}

TEST(Skip, AFaultOfTheConfigurationIsNoFaultOfARule) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.on_error = RulesOnError::Skip;
  OutputAddition addition;
  addition.text = "%no.field";
  settings.additions.push_back(addition);
  const std::vector<RuleSource> files = {{.name = "f", .text = rule("a", kGood)}};
  EXPECT_FALSE(load_rules(files, settings).ok());
}

// Deep chains of dependence and many faults end, and soon.
TEST(Skip, LongChainsEnd) {
  std::string text = "- macro: m0\n  condition: (\n";
  for (int i = 1; i < 2000; ++i) {
    text += "- macro: m" + std::to_string(i) + "\n  condition: m" + std::to_string(i - 1) + "\n";
  }
  const LoadResult result = load({text + rule("a", "m1999") + rule("b", kGood)});
  EXPECT_EQ(result.items_skipped, 2001u);
  EXPECT_EQ(result.ruleset->rules.size(), 1u);
}

// With any one rule broken in any way, all others are as they were.
TEST(Skip, AnyOneBrokenRuleLeavesAllOthers) {
  std::vector<std::string> rules;
  for (int i = 0; i < 40; ++i) {
    rules.push_back(rule("r" + std::to_string(i),
                         "m" + std::to_string(i % 5) + " and evt.num = " + std::to_string(i)));
  }
  std::string macros;
  for (int i = 0; i < 5; ++i) {
    macros += "- macro: m" + std::to_string(i) + "\n  condition: proc.name in (l, x)\n";
  }
  const std::string head = "- list: l\n  items: [a, b]\n" + macros;
  const char* const faults[] = {
      "- rule: BAD\n  condition: and\n  output: x\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: no.field = 1\n  output: x\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: no_macro\n  output: x\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: evt.num = 1\n  output: '%no.field'\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: evt.num = 1\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: [1]\n  output: x\n  desc: d\n  priority: info\n",
      "- rule: BAD\n  condition: evt.num = 1\n  output: x\n  desc: d\n  priority: info\n"
      "  exceptions: [{name: e}]\n",
      "- rule: BAD\n  condition: evt.num = x\n  output: x\n  desc: d\n  priority: info\n",
      "- BAD\n",
  };
  for (const char* const fault : faults) {
    for (size_t broken = 0; broken < rules.size(); broken += 7) {
      std::string text = head;
      for (size_t i = 0; i < rules.size(); ++i) text += i == broken ? fault : rules[i];
      const LoadResult result = load({text});
      ASSERT_TRUE(result.ok()) << fault;
      ASSERT_EQ(result.ruleset->rules.size(), rules.size() - 1) << fault << outcome(result);
      EXPECT_EQ(result.items_skipped, 1u) << fault;
    }
  }
}

}  // namespace
}  // namespace gyr
