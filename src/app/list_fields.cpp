// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <vector>

#include "alert/format.h"
#include "app/listings.h"
#include "field/fields.h"

namespace gyr::app {
namespace {

struct FlagName {
  uint32_t flag;
  std::string_view name;
};
constexpr FlagName kFlagNames[] = {
    {kFilterOnly, "FILTER ONLY"},        {kPrintOnly, "PRINT ONLY"},
    {kTableOnly, "TABLE ONLY"},          {kIsList, "LIST"},
    {kArgumentRequired, "ARG_REQUIRED"}, {kArgumentAllowed, "ARG_ALLOWED"},
    {kArgumentIndex, "INDEX"},           {kArgumentKey, "KEY"},
    {kDeprecated, "DEPRECATED"},         {kNoTransformer, "NO_TRANSFORMER"},
    {kNoRightHandSide, "NO_RHS"},        {kSuggestedOutput, "SUGGESTED"},
};

std::vector<std::string_view> flag_names(const FieldInfo& field) {
  std::vector<std::string_view> names;
  for (const FlagName& flag : kFlagNames) {
    if ((field.flags & flag.flag) != 0) names.push_back(flag.name);
  }
  return names;
}

// "[]" where an argument must follow, "[...]" where it may.
std::string name_with_argument(const FieldInfo& field) {
  std::string name(field.name);
  if ((field.flags & kArgumentRequired) != 0) return name + "[ARG]";
  if ((field.flags & kArgumentAllowed) != 0) return name + "[[ARG]]";
  return name;
}

std::string text_class(const FieldClass& group) {
  std::string text = fmt::format("\n{}: {}\n", group.name, group.doc);
  if (!group.source.empty()) text += fmt::format("Event source: {}\n", group.source);
  for (const FieldInfo& field : group.fields) {
    const std::string_view note = (field.flags & kDeprecated) != 0 ? " (deprecated)" : "";
    text += fmt::format("  {:<32} {:<18} {}{}\n", name_with_argument(field),
                        type_info(field.type).name, field.doc, note);
  }
  return text;
}

std::string markdown_class(const FieldClass& group) {
  std::string text = fmt::format("## {}\n\n{}\n\n", group.name, group.doc);
  if (!group.source.empty()) text += fmt::format("Event source: {}\n\n", group.source);
  text += "| Name | Type | Description |\n|---|---|---|\n";
  for (const FieldInfo& field : group.fields) {
    text += fmt::format("| `{}` | {} | {} |\n", name_with_argument(field),
                        type_info(field.type).name, field.doc);
  }
  return text + "\n";
}

std::string json_field(const FieldInfo& field) {
  std::string flags;
  for (const std::string_view name : flag_names(field)) {
    if (!flags.empty()) flags += ',';
    flags += json_string(name);
  }
  const auto has = [&](uint32_t flag) { return (field.flags & flag) != 0 ? "true" : "false"; };
  return fmt::format(
      "{{\"argAllowed\":{},\"argIndex\":{},\"argKey\":{},\"argRequired\":{},\"desc\":{},"
      "\"flags\":[{}],\"name\":{},\"type\":{}}}",
      has(kArgumentAllowed | kArgumentRequired), has(kArgumentIndex), has(kArgumentKey),
      has(kArgumentRequired), json_string(field.doc), flags, json_string(field.name),
      json_string(type_info(field.type).name));
}

std::string json_class(const FieldClass& group) {
  std::string fields;
  for (const FieldInfo& field : group.fields) {
    if (!fields.empty()) fields += ',';
    fields += json_field(field);
  }
  const std::string sources = group.source.empty() ? "" : json_string(group.source);
  return fmt::format("{{\"desc\":{},\"event_sources\":[{}],\"fields\":[{}],\"name\":{}}}",
                     json_string(group.doc), sources, fields, json_string(group.name));
}

// Names for programs: what is old or only makes sense in tables is left out.
std::string names(const std::vector<const FieldClass*>& classes, ListFormat format) {
  std::string text;
  for (const FieldClass* group : classes) {
    for (const FieldInfo& field : group->fields) {
      if ((field.flags & (kDeprecated | kTableOnly)) != 0) continue;
      if (format == ListFormat::Json) {
        text += (text.empty() ? "" : ",") + json_string(field.name);
      } else {
        text += std::string(field.name) + '\n';
      }
    }
  }
  return format == ListFormat::Json ? "{\"fieldnames\":[" + text + "]}\n" : text;
}

}  // namespace

Result<std::string> list_fields(const FieldListing& listing) {
  std::vector<const FieldClass*> classes;
  for (const FieldClass& group : all_fields()) {
    const bool fits =
        listing.source.empty() || group.source.empty() || group.source == listing.source;
    if (fits && !group.hidden) classes.push_back(&group);
  }
  bool known = listing.source.empty();
  for (const FieldClass& group : all_fields()) known = known || group.source == listing.source;
  if (!known) {
    return Error{"no event source '" + listing.source + "'; this program has: syscall"};
  }
  if (listing.names_only) return names(classes, listing.format);
  std::string text;
  for (const FieldClass* group : classes) {
    switch (listing.format) {
      case ListFormat::Text:
        text += text_class(*group);
        break;
      case ListFormat::Markdown:
        text += markdown_class(*group);
        break;
      case ListFormat::Json:
        text += (text.empty() ? "" : ",") + json_class(*group);
        break;
    }
  }
  if (listing.format == ListFormat::Json) return "{\"fieldclasses\":[" + text + "]}\n";
  return text;
}

}  // namespace gyr::app
