// SPDX-License-Identifier: Apache-2.0
#include "config/schema_json.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/text.h"
#include "config/options.h"

namespace gyr::config {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kVariable = "\\$\\{[^}]*\\}";

Json reference(std::string_view object) {
  return {{"$ref", fmt::format("#/definitions/{}", object)}};
}

Json typed(std::initializer_list<const char*> types) { return {{"type", types}}; }

// A scalar that is no text may be written as a variable.
Json or_variable(const char* type) {
  Json schema = typed({type, "string", "null"});
  schema["pattern"] = fmt::format("^{}$", kVariable);
  return schema;
}

// YAML gives numbers and booleans for some texts, and the loader takes them as they were written.
Json text() { return typed({"string", "number", "boolean", "null"}); }

// The words for editors, and a pattern that takes them in any case.
Json word(std::string_view words) {
  Json list = Json::array();
  std::string pattern;
  for (const std::string_view each : split(words, ' ')) {
    list.push_back(each);
    if (!pattern.empty()) pattern += '|';
    for (const char c : each) {
      const auto byte = static_cast<unsigned char>(c);
      pattern += std::isalpha(byte) != 0
                     ? fmt::format("[{}{}]", static_cast<char>(std::toupper(byte)), c)
                     : std::string(1, c);
    }
  }
  Json any_case = {{"type", "string"}, {"pattern", fmt::format("^({}|{})$", pattern, kVariable)}};
  return {{"anyOf", {{{"enum", std::move(list)}}, std::move(any_case), {{"type", "null"}}}}};
}

Json list_of(Json item) {
  Json array = {{"type", "array"}, {"items", item}};
  return {{"anyOf", {std::move(array), std::move(item), {{"type", "null"}}}}};
}

Json text_map() { return {{"type", {"object", "null"}}, {"additionalProperties", text()}}; }

Json field_list() {
  const Json named = {{"type", "object"},
                      {"minProperties", 1},
                      {"maxProperties", 1},
                      {"additionalProperties", text()}};
  return {{"type", {"array", "null"}}, {"items", {{"anyOf", {text(), named}}}}};
}

Json object_list(std::string_view object) {
  const Json item = reference(object);
  Json schema = list_of(item);
  if (!text_form(object).empty()) {
    schema["anyOf"][0]["items"] = {{"anyOf", {item, text()}}};
    schema["anyOf"].push_back({{"type", "string"}});
  }
  return schema;
}

Json schema_of(ValueKind kind, std::string_view words, std::string_view object) {
  switch (kind) {
    case ValueKind::Boolean:
      return or_variable("boolean");
    case ValueKind::Number:
      return or_variable("number");
    case ValueKind::WholeNumber:
      return or_variable("integer");
    case ValueKind::Text:
      return text();
    case ValueKind::Word:
      return word(words);
    case ValueKind::TextList:
      return list_of(text());
    case ValueKind::WordList:
      return list_of(word(words));
    case ValueKind::TextMap:
      return text_map();
    case ValueKind::Object:
      return {{"anyOf", {reference(object), {{"type", "null"}}}}};
    case ValueKind::ObjectList:
      return object_list(object);
    case ValueKind::FieldList:
      return field_list();
    case ValueKind::TextOrMap:
      return Json::object();  // of another program; the container plugin's is checked beside it
  }
  return {};
}

void bound(const OptionRow& row, Json* schema) {
  if (row.kind != ValueKind::Number && row.kind != ValueKind::WholeNumber) return;
  const auto number = [&](double value) {
    return row.kind == ValueKind::WholeNumber ? Json(static_cast<int64_t>(value)) : Json(value);
  };
  (*schema)["minimum"] = number(row.bounds.min);
  const double most = row.bounds.max > 0 ? row.bounds.max : row.largest;
  if (most > 0) (*schema)["maximum"] = number(most);
}

Json default_of(const OptionRow& row) {
  const std::string text = row.print(Settings());
  const yaml::ParseResult parsed = yaml::parse(text);
  if (parsed.document->roots().empty()) return "";
  Problems problems;
  const auto value = from_yaml(
      *parsed.document->roots()[0], "", [](std::string_view) { return std::nullopt; }, &problems);
  return value ? Json::parse(to_json(*value), nullptr, false) : Json();
}

Json schema_of(const OptionRow& row) {
  Json schema = {{"description", row.doc}};
  schema.update(schema_of(row.kind, row.words, row.object));
  bound(row, &schema);
  schema["default"] = default_of(row);
  return schema;
}

Json section(Json properties) {
  return {{"type", {"object", "null"}},
          {"additionalProperties", false},
          {"properties", std::move(properties)}};
}

Json schema_of(const KeyTree& tree) {
  if (tree.row != nullptr) return schema_of(*tree.row);
  Json properties = Json::object();
  for (const KeyTree& child : tree.children) properties[child.name] = schema_of(child);
  return section(std::move(properties));
}

Json definition_of(std::string_view object) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const ObjectKey& key : object_keys(object)) {
    Json schema = {{"description", key.doc}};
    schema.update(schema_of(key.kind, key.detail, key.detail));
    if (key.kind == ValueKind::WholeNumber) schema["minimum"] = 0;
    properties[key.key] = std::move(schema);
    if (key.required) required.push_back(key.key);
  }
  Json definition = {
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) definition["required"] = std::move(required);
  if (is_choice(object)) definition["minProperties"] = definition["maxProperties"] = 1;
  return definition;
}

// Draft 06 has no if: either another plugin, or its configuration is text or what we know.
void check_container_plugin(Json* plugins) {
  const Json is_container = {{"properties", {{"name", {{"enum", {"container"}}}}}}};
  Json known = is_container;
  known["properties"]["init_config"] = {
      {"anyOf", {{{"type", {"string", "null"}}}, reference("container_init")}}};
  (*plugins)["anyOf"] = {{{"not", is_container}}, std::move(known)};
}

Json definitions() {
  Json all = Json::object();
  for (const ObjectKey& key : all_object_keys()) {
    if (!all.contains(key.object)) all[key.object] = definition_of(key.object);
  }
  check_container_plugin(&all["plugins"]);
  return all;
}

// Keys of the past are no fault: files of earlier years have them.
void add_removed(Json* root) {
  for (const RemovedRow& removed : removed_rows()) {
    Json* at = root;
    for (const std::string_view name : split(removed.path, '.')) {
      Json& properties = (*at)["properties"];
      if (!properties.contains(name)) properties[name] = section(Json::object());
      at = &properties[name];
    }
    Json schema = {{"description", fmt::format("Removed: {}", removed.advice)}};
    for (const OptionRow& row : option_rows()) {
      if (row.path != removed.successor) continue;
      schema = schema_of(row);
      schema["description"] = fmt::format("Now called {}", removed.successor);
    }
    *at = std::move(schema);
  }
}

}  // namespace

std::string config_schema_json() {
  Json schema = {{"$schema", "http://json-schema.org/draft-06/schema#"},
                 {"title", "Configuration of Gyr"}};
  schema.update(schema_of(key_tree()));
  add_removed(&schema);
  schema["definitions"] = definitions();
  return schema.dump(2) + "\n";
}

}  // namespace gyr::config
