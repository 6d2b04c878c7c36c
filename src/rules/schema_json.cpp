// SPDX-License-Identifier: Apache-2.0
#include "rules/schema_json.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "rules/keys.h"

namespace gyr {
namespace {

using Json = nlohmann::ordered_json;
using rules::Change;
using rules::KeyKind;
using rules::RuleKey;

constexpr std::string_view kPriorities[] = {"EMERGENCY", "ALERT",         "CRITICAL",
                                            "ERROR",     "WARNING",       "NOTICE",
                                            "INFO",      "INFORMATIONAL", "DEBUG"};

Json reference(std::string_view name) { return {{"$ref", fmt::format("#/definitions/{}", name)}}; }

// YAML gives numbers and booleans for some texts; the reader takes them as they were written.
Json text() { return {{"type", {"string", "number", "boolean"}}}; }

// The words for editors, and a pattern that takes them in any case.
Json priority() {
  Json words = Json::array();
  std::string pattern;
  for (const std::string_view word : kPriorities) {
    words.push_back(word);
    if (!pattern.empty()) pattern += '|';
    for (const char c : word) {
      pattern +=
          fmt::format("[{}{}]", c, static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    }
  }
  Json any_case = {{"type", "string"}, {"pattern", fmt::format("^({})$", pattern)}};
  return {{"anyOf", {{{"enum", std::move(words)}}, std::move(any_case)}}};
}

Json texts() {
  return {{"type", "array"}, {"items", {{"type", {"string", "number", "boolean", "null"}}}}};
}

Json overrides_of(std::string_view item) {
  Json properties = Json::object();
  for (const RuleKey& key : rules::kItemKeys) {
    if (key.item != item || key.change == Change::Never) continue;
    Json words = key.change == Change::Both ? Json{"append", "replace"} : Json{"replace"};
    properties[std::string(key.key)] = {{"enum", std::move(words)}};
  }
  return {{"type", {"object", "null"}},
          {"additionalProperties", false},
          {"properties", std::move(properties)}};
}

Json schema_of(const RuleKey& key) {
  switch (key.kind) {
    case KeyKind::Text:
      return text();
    case KeyKind::Boolean:
      return {{"type", "boolean"}};
    case KeyKind::Number:
      return {{"type", "integer"}, {"minimum", 0}};
    case KeyKind::Texts:
      return texts();
    case KeyKind::TextOrTexts:
      return {{"anyOf", {text(), texts()}}};
    case KeyKind::Priority:
      return priority();
    case KeyKind::Exceptions:
      return {{"type", {"array", "null"}}, {"items", reference("exception")}};
    case KeyKind::Override:
      return overrides_of(key.item);
    case KeyKind::Values:
      return {{"type", {"array", "null"}}};
    case KeyKind::EngineVersion:
      return {{"anyOf",
               {{{"type", "integer"}, {"minimum", 0}},
                {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+\\.[0-9]+)?$"}}}}};
    case KeyKind::Plugins:
      return {{"type", "array"}, {"items", reference("plugin")}};
  }
  return {};
}

// Which keys an item cannot do without. A rule is defined in full, or changes an earlier one.
void add_needs(std::string_view item, Json* definition) {
  const auto need = [](std::initializer_list<const char*> keys) -> Json {
    return {{"required", keys}};
  };
  Json required = Json::array();
  if (item == "exception" || item == "plugin") {
    required.push_back("name");
    if (item == "plugin") required.push_back("version");
  } else {
    required.push_back(std::string(item));
  }
  if (item == "macro") required.push_back("condition");
  if (item == "list") required.push_back("items");
  (*definition)["required"] = std::move(required);
  if (item != "rule") return;
  Json full = need({"condition", "output", "desc", "priority"});
  full["properties"]["exceptions"]["items"] = need({"fields"});
  Json toggle = need({"enabled"});
  toggle["not"]["anyOf"] = {need({"condition"}), need({"output"}), need({"desc"}),
                            need({"priority"})};
  (*definition)["anyOf"] = {std::move(full), need({"append"}), need({"override"}),
                            std::move(toggle)};
}

Json definition_of(std::string_view item) {
  Json properties = Json::object();
  for (const RuleKey& key : rules::kItemKeys) {
    if (key.item != item) continue;
    Json schema = {{"description", std::string(key.doc)}};
    schema.update(schema_of(key));
    properties[std::string(key.key)] = std::move(schema);
  }
  Json definition = {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  add_needs(item, &definition);
  return definition;
}

}  // namespace

std::string rules_schema_json() {
  Json kinds = Json::array();
  Json definitions = Json::object();
  for (const RuleKey& key : rules::kItemKeys) {
    const std::string item(key.item);
    if (definitions.contains(item)) continue;
    definitions[item] = definition_of(item);
    if (key.item == key.key) kinds.push_back(reference(item));
  }
  const Json schema = {{"$schema", "http://json-schema.org/draft-06/schema#"},
                       {"title", "A document of a rules file of Gyr"},
                       {"type", {"array", "null"}},
                       {"items", {{"anyOf", std::move(kinds)}}},
                       {"definitions", std::move(definitions)}};
  return schema.dump(2) + "\n";
}

}  // namespace gyr
