// SPDX-License-Identifier: Apache-2.0
// What people and programs see of a load: golden texts with file, line, column and underline, the
// JSON of load results, and listings. GYR_UPDATE_GOLDEN=1 rewrites the goldens.
#include "rules/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "rules/describe.h"
#include "rules/fake_fields.h"

namespace gyr {
namespace {

using testing::HasSubstr;

LoadResult load(std::vector<RuleSource> sources, size_t max_errors = 100) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.max_errors = max_errors;
  return load_rules(sources, settings);
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The inputs lie beside the goldens: NAME.yaml, and NAME.2.yaml if there is a second file.
TEST(Report, GoldenTexts) {
  const std::filesystem::path folder = GYR_SOURCE_DIR "/tests/rules/golden";
  size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::filesystem::path& path = entry.path();
    const std::string name = path.stem().string();
    if (path.extension() != ".yaml" || name.ends_with(".2")) continue;
    std::vector<RuleSource> sources = {{path.filename().string(), read_text(path)}};
    const std::filesystem::path second = folder / (name + ".2.yaml");
    if (std::filesystem::exists(second))
      sources.push_back({second.filename().string(), read_text(second)});
    const std::string text = report_text(load(sources).files);
    const std::filesystem::path golden = folder / (name + ".txt");
    if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << text;
    EXPECT_EQ(text, read_text(golden)) << golden;
    ++compared;
  }
  EXPECT_GE(compared, 5u);
}

// A rules file from elsewhere must not steer the terminal of whoever checks it.
TEST(Report, TextHasNoControlCharactersAndIsValidUtf8) {
  const LoadResult result = load({{"a.yaml", "- rule: \"x\\e[2J\\x07\"\n  foo: 1\n"},
                                  {"b.yaml", "- rule: \x1b[2J\xff\xc2\x9b\n"}});
  const std::string text =
      report_text(result.files) + report_summary(result.files[0]) + report_summary(result.files[1]);
  EXPECT_THAT(text, HasSubstr("\xef\xbf\xbd[2J"));
  EXPECT_THAT(text, testing::Not(HasSubstr("\x9b")));
  for (const char c : text) {
    EXPECT_TRUE(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20) << text;
    EXPECT_NE(c, '\xff');
  }
}

TEST(Report, TextShortensLongNames) {
  const LoadResult result =
      load({{"a.yaml", "- rule: " + std::string(1'000'000, 'x') + "\n  foo: 1\n"}});
  EXPECT_LT(report_text(result.files).size(), 2'000u);
}

TEST(Report, JsonHasTheShapeToolsExpect) {
  const LoadResult result = load({{"good.yaml", "- macro: m\n  condition: evt.type=open\n"},
                                  {"bad.yaml", "- rule: r\n  x: 1\n"}});
  const auto json = nlohmann::json::parse(report_json(result.files));
  const auto& results = json.at("falco_load_results");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].at("name"), "good.yaml");
  EXPECT_EQ(results[0].at("successful"), true);
  EXPECT_EQ(results[0].at("schema_valid"), true);
  EXPECT_EQ(results[0].at("warnings")[0].at("code"), "LOAD_UNUSED_MACRO");
  EXPECT_EQ(results[1].at("successful"), false);
  EXPECT_EQ(results[1].at("schema_valid"), false);
  EXPECT_EQ(results[1].at("schema_warnings").size(), 2u);
  const auto& error = results[1].at("errors")[0];
  EXPECT_EQ(error.at("code"), "LOAD_ERR_YAML_VALIDATE");
  EXPECT_EQ(error.at("codedesc"), "Error validating internal structure of YAML");
  EXPECT_EQ(error.at("message"), "the key 'condition' is missing");
  EXPECT_EQ(error.at("context").at("snippet"), "- rule: r\n  ^");
  const auto& locations = error.at("context").at("locations");
  EXPECT_EQ(locations[0].at("item_type"), "rules content");
  EXPECT_EQ(locations[1].at("item_type"), "rule");
  EXPECT_EQ(locations[1].at("item_name"), "r");
  EXPECT_EQ(locations[1].at("position"),
            nlohmann::json({{"name", "bad.yaml"}, {"line", 1}, {"column", 3}, {"offset", 2}}));
}

TEST(Report, BytesThatAreNotUtf8AreReplacedInJson) {
  const LoadResult result = load({{"a.yaml", "- rule: \xff\xfe\n"}});
  EXPECT_TRUE(nlohmann::json::accept(report_json(result.files)));
}

TEST(Report, LongLinesAreCutAroundTheFault) {
  const std::string padding(300, 'x');
  const LoadResult result =
      load({{"a.yaml", "- macro: m\n  condition: proc.name=" + padding +
                           " and (evt.type=open) ) and " + padding + "=1\n"}});
  ASSERT_EQ(result.files[0].errors.size(), 1u);
  const std::string text = diagnostic_text(result.files[0].errors[0]);
  std::istringstream lines(text);
  std::string line;
  std::string before;
  bool found = false;
  while (std::getline(lines, line)) {
    EXPECT_LE(line.size(), 200u);
    const size_t mark = line.find('^');
    if (mark != std::string::npos) {
      EXPECT_EQ(before[mark], ')') << text;
      found = true;
    }
    before = line;
  }
  EXPECT_TRUE(found);
}

TEST(Report, SummaryIsOneLine) {
  const LoadResult result = load({{"a.yaml", "- rule: r\n- list: l\n  items: [a]\n"}});
  EXPECT_EQ(
      report_summary(result.files[0]),
      "1 errors: [LOAD_ERR_YAML_VALIDATE (Error validating internal structure of YAML): the key "
      "'condition' is missing] 1 warnings: [LOAD_UNUSED_LIST (Unused list): no condition or list "
      "uses this list]");
}

TEST(Report, OneErrorPerFileUnlessMoreAreWanted) {
  const std::vector<RuleSource> sources = {{"a.yaml", "- rule: r\n- rule: s\n- rule: t\n"},
                                           {"b.yaml", "- rule: r\n- rule: s\n"}};
  const LoadResult one = load(sources, 1);
  EXPECT_EQ(one.files[0].errors.size(), 1u);
  EXPECT_EQ(one.files[1].errors.size(), 1u);
  EXPECT_EQ(load(sources).files[0].errors.size(), 3u);
}

const char* const kListed =
    "- required_engine_version: 0.50.0\n"
    "- required_plugin_versions:\n  - {name: container, version: 0.4.0}\n"
    "- list: l\n  items: [a, b c]\n"
    "- macro: m\n  condition: proc.name in (l) and evt.type in (open, openat)\n"
    "- rule: r\n  desc: what it does\n  condition: m and not fd.name startswith /x\n"
    "  output: 'x %container.id %proc.name'\n  priority: INFO\n  tags: [t]\n"
    "  exceptions: [{name: e, fields: [proc.exe], comps: [endswith], values: [[z]]}]\n";

TEST(Describe, JsonTellsEverything) {
  const LoadResult result = load({{"a.yaml", kListed}});
  ASSERT_TRUE(result.ok());
  const auto text = describe_rules(*result.ruleset, fake::dialect(), "", DescribeFormat::Json);
  ASSERT_TRUE(text);
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json.at("required_engine_version"), "0.50.0");
  EXPECT_EQ(json.at("required_plugin_versions")[0].at("name"), "container");
  const auto& rule = json.at("rules")[0];
  const std::vector<std::string> info_keys = {
      "capture", "capture_duration", "condition", "description", "enabled",
      "name",    "output",           "priority",  "source",      "tags"};
  for (const std::string& key : info_keys) EXPECT_TRUE(rule.at("info").contains(key)) << key;
  EXPECT_EQ(rule.at("info").at("priority"), "Informational");
  const auto& details = rule.at("details");
  EXPECT_EQ(details.at("macros"), nlohmann::json({"m"}));
  // The macro is written out in what is compiled.
  EXPECT_EQ(details.at("condition_compiled"),
            "(((proc.name in (a, \"b c\") and evt.type in (open, openat)) and not fd.name "
            "startswith /x) and not proc.exe endswith z)");
  EXPECT_EQ(details.at("condition_fields"),
            nlohmann::json({"proc.name", "evt.type", "fd.name", "proc.exe"}));
  EXPECT_EQ(details.at("condition_operators"), nlohmann::json({"in", "startswith", "endswith"}));
  EXPECT_EQ(details.at("output_compiled"), "x %container.id %proc.name");
  EXPECT_EQ(details.at("output_fields"), nlohmann::json({"container.id", "proc.name"}));
  EXPECT_EQ(details.at("exception_names"), nlohmann::json({"e"}));
  EXPECT_EQ(details.at("exception_operators"), nlohmann::json({"endswith"}));
  EXPECT_EQ(details.at("events"), nlohmann::json({"open", "openat"}));
  EXPECT_EQ(details.at("plugins"), nlohmann::json({"container"}));
  const auto& macro = json.at("macros")[0].at("details");
  EXPECT_EQ(macro.at("used"), true);
  EXPECT_EQ(macro.at("lists"), nlohmann::json({"l"}));
  EXPECT_EQ(macro.at("events"), nlohmann::json({"open", "openat"}));
  EXPECT_EQ(json.at("lists")[0].at("details").at("items_compiled"),
            nlohmann::json({"a", "\"b c\""}));
  EXPECT_EQ(json.at("lists")[0].at("info").at("items"), nlohmann::json({"a", "b c"}));
}

TEST(Describe, WhatTheConfigurationAppendsIsPartOfTheCompiledOutput) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.additions.push_back({});
  settings.additions[0].text = "n=%proc.name";
  const RuleSource source{"a.yaml", kListed, ""};
  settings.plugins.push_back({"container", ""});
  const LoadResult result = load_rules({&source, 1}, settings);
  ASSERT_TRUE(result.ok()) << report_text(result.files);
  const auto text = describe_rules(*result.ruleset, fake::dialect(), "r", DescribeFormat::Json);
  ASSERT_TRUE(text);
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json.at("required_engine_version"), "0.50.0");
  EXPECT_EQ(json.at("required_plugin_versions").size(), 1u);
  const auto& rule = json.at("rules")[0];
  EXPECT_EQ(rule.at("details").at("output_compiled"), "x %container.id %proc.name n=%proc.name");
  EXPECT_EQ(rule.at("info").at("output"), "x %container.id %proc.name");
}

TEST(Describe, OneRuleOrAClearError) {
  const LoadResult result = load({{"a.yaml", kListed}});
  ASSERT_TRUE(result.ok());
  const auto text = describe_rules(*result.ruleset, fake::dialect(), "r", DescribeFormat::Text);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text,
              testing::ContainsRegex("Rule +Description\n---- +-----------\nr +what it does"));
  const auto unknown = describe_rules(*result.ruleset, fake::dialect(), "q", DescribeFormat::Text);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("there is no rule 'q'; did you mean 'r'?"));
}

}  // namespace
}  // namespace gyr
