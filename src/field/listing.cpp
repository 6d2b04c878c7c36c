// SPDX-License-Identifier: Apache-2.0
#include "field/listing.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <vector>

#include "schema/schema.h"

namespace gyr {
namespace {

// The version of the event schema whose numbers the tables hold (schema/events.def).
constexpr std::string_view kSchemaVersion = "4.5.1";

constexpr size_t kNameWidth = 44;
constexpr size_t kTextWidth = 100;

using Out = std::back_insert_iterator<std::string>;

std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(Out(json), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json + '"';
}

struct FlagName {
  uint32_t flag;
  std::string_view name;
};
constexpr auto kFlagNames = std::to_array<FlagName>({
    {kFilterOnly, "EPF_FILTER_ONLY"},
    {kPrintOnly, "EPF_PRINT_ONLY"},
    {kArgumentRequired, "EPF_ARG_REQUIRED"},
    {kTableOnly, "EPF_TABLE_ONLY"},
    {kIsList, "EPF_IS_LIST"},
    {kArgumentAllowed, "EPF_ARG_ALLOWED"},
    {kArgumentIndex, "EPF_ARG_INDEX"},
    {kArgumentKey, "EPF_ARG_KEY"},
    {kDeprecated, "EPF_DEPRECATED"},
    {kNoTransformer, "EPF_NO_TRANSFORMER"},
    {kNoRightHandSide, "EPF_NO_RHS"},
    {kSuggestedOutput, "EPF_FORMAT_SUGGESTED"},
});

std::vector<std::string_view> flags_of(const FieldInfo& field) {
  std::vector<std::string_view> names;
  for (const FlagName& flag : kFlagNames) {
    if ((field.flags & flag.flag) != 0) names.push_back(flag.name);
  }
  return names;
}

bool belongs_to(const FieldClass& family, std::string_view source) {
  return !family.hidden && (source.empty() || family.source.empty() || family.source == source);
}

bool is_listed(const FieldInfo& field, bool names_only) {
  const uint32_t hidden = names_only ? kDeprecated | kTableOnly : uint32_t{kTableOnly};
  return (field.flags & hidden) == 0;
}

std::string type_of(const FieldInfo& field) {
  std::string type(type_info(field.type).name);
  return (field.flags & kIsList) != 0 ? "LIST(" + type + ")" : type;
}

// What a reader must know beside the type, in brackets behind the description.
std::string remarks(const FieldInfo& field) {
  std::string text;
  const auto add = [&](std::string_view remark) {
    text += text.empty() ? " (" : ", ";
    text += remark;
  };
  const std::string_view need = argument_need(field);
  if (!need.empty()) add(fmt::format("argument {}", need));
  if ((field.flags & kFilterOnly) != 0) add("only in conditions");
  if ((field.flags & kPrintOnly) != 0) add("only in outputs");
  if ((field.flags & kDeprecated) != 0) add("deprecated");
  return text.empty() ? text : text + ")";
}

// `text` in lines of limited width, each behind `indent` blanks.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (column > indent && column + end + 1 > kTextWidth) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string sources_of(const FieldClass& family) {
  return family.source.empty() ? "all" : std::string(family.source);
}

void text_class(std::string& out, const FieldClass& family) {
  fmt::format_to(Out(out), "{:-<{}}\n", "", kTextWidth);
  fmt::format_to(Out(out), "{:<{}}{}\n", "Field Class:", kNameWidth, family.name);
  fmt::format_to(Out(out), "{:<{}}{}\n", "Description:", kNameWidth,
                 wrapped(family.doc, kNameWidth));
  fmt::format_to(Out(out), "{:<{}}{}\n\n", "Event Sources:", kNameWidth, sources_of(family));
}

void text_field(std::string& out, const FieldInfo& field) {
  const std::string doc = fmt::format("(Type: {}) {}{}", type_of(field), field.doc, remarks(field));
  if (field.name.size() >= kNameWidth) {
    fmt::format_to(Out(out), "{}\n{:<{}}", field.name, "", kNameWidth);
  } else {
    fmt::format_to(Out(out), "{:<{}}", field.name, kNameWidth);
  }
  out += wrapped(doc, kNameWidth) + "\n";
}

void markdown_class(std::string& out, const FieldClass& family) {
  fmt::format_to(Out(out), "## Field Class: {}\n\n{}.\n\nEvent sources: {}\n\n", family.name,
                 family.doc, sources_of(family));
  out += "Name | Type | Description\n:----|:-----|:-----------\n";
}

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '>' || c == '*' || c == '_') out += '\\';
    out += c;
  }
  return out;
}

void markdown_field(std::string& out, const FieldInfo& field) {
  fmt::format_to(Out(out), "`{}` | {} | {}{}\n", field.name, type_of(field),
                 markdown_text(field.doc), remarks(field));
}

std::string json_list(std::span<const std::string_view> items) {
  std::string json = "[";
  for (const std::string_view item : items) {
    if (json.size() > 1) json += ',';
    json += quoted(item);
  }
  return json + "]";
}

std::string json_field(const FieldInfo& field) {
  std::string json = fmt::format("{{\"name\":{},\"type\":{},\"desc\":{}", quoted(field.name),
                                 quoted(type_info(field.type).name), quoted(field.doc));
  const std::string_view need = argument_need(field);
  if (!need.empty()) json += fmt::format(",\"arg\":{}", quoted(need));
  return json + fmt::format(",\"flags\":{}}}", json_list(flags_of(field)));
}

std::string json_fields(std::span<const FieldClass> classes, std::string_view source) {
  std::string json = "{\"fieldclasses\":[";
  bool first_class = true;
  for (const FieldClass& family : classes) {
    if (!belongs_to(family, source)) continue;
    json += first_class ? "" : ",";
    first_class = false;
    // Those of every source are the only source's.
    const std::string sources =
        "[" + quoted(family.source.empty() ? "syscall" : family.source) + "]";
    json += fmt::format("{{\"name\":{},\"desc\":{},\"event_sources\":{},\"fields\":[",
                        quoted(family.name), quoted(family.doc), sources);
    bool first = true;
    for (const FieldInfo& field : family.fields) {
      if (!is_listed(field, false)) continue;
      json += (first ? "" : ",") + json_field(field);
      first = false;
    }
    json += "]}";
  }
  return json + "]}\n";
}

std::string field_names(std::span<const FieldClass> classes, ListFormat format,
                        std::string_view source) {
  std::vector<std::string_view> names;
  for (const FieldClass& family : classes) {
    if (!belongs_to(family, source)) continue;
    for (const FieldInfo& field : family.fields) {
      if (is_listed(field, true)) names.push_back(field.name);
    }
  }
  if (format == ListFormat::Json) return "{\"fieldnames\":" + json_list(names) + "}\n";
  std::string out;
  for (const std::string_view name : names) out += std::string(name) + "\n";
  return out;
}

// --- events
// ----------------------------------------------------------------------------------------

struct EventGroup {
  std::string_view title;
  EventSource source;
};
constexpr auto kEventGroups = std::to_array<EventGroup>({
    {"Syscall events", EventSource::Syscall},
    {"Tracepoint events", EventSource::Tracepoint},
    {"Plugin events", EventSource::Plugin},
    {"Metaevents", EventSource::Meta},
});

bool is_available(const EventInfo& event) { return !event.has(EF_OLD_VERSION | EF_UNUSED); }

std::string_view direction(const EventInfo& event) { return event.is_exit() ? "<" : ">"; }

std::vector<std::string_view> flag_names(const ParamInfo& param) {
  std::vector<std::string_view> names;
  for (const FlagInfo& flag : flag_entries(param.flags)) names.push_back(flag.name);
  return names;
}

std::string event_text(const EventInfo& event) {
  std::string out = fmt::format("{}(", event.name);
  for (const ParamInfo& param : event.params()) {
    if (out.back() != '(') out += ", ";
    fmt::format_to(Out(out), "{} {}", type_info(param.type).name, param.name);
  }
  return out + ")";
}

std::string event_flags_text(const EventInfo& event) {
  std::string out;
  for (const ParamInfo& param : event.params()) {
    const auto names = flag_names(param);
    if (names.empty()) continue;
    fmt::format_to(Out(out), "      {}: {}\n", param.name,
                   wrapped(fmt::format("{}", fmt::join(names, ", ")), 8));
  }
  return out;
}

std::string event_json(const EventInfo& event) {
  std::string json = fmt::format("{{\"name\":{},\"dir\":{},\"available\":{},\"params\":[",
                                 quoted(event.name), quoted(direction(event)), is_available(event));
  bool first = true;
  for (const ParamInfo& param : event.params()) {
    json += fmt::format("{}{{\"type\":{},\"name\":{}", first ? "" : ",",
                        quoted(type_info(param.type).name), quoted(param.name));
    first = false;
    const auto names = flag_names(param);
    if (!names.empty()) json += fmt::format(",\"flags\":{}", json_list(names));
    json += "}";
  }
  return json + "]}";
}

// Events nobody gets to see are not listed.
template <class Use>
void for_each_event(EventSource source, Use use) {
  for (const EventInfo& event : all_events()) {
    if (event.source == source && is_available(event)) use(event);
  }
}

std::string json_events() {
  std::string json = fmt::format("{{\"schema_version\":{}", quoted(kSchemaVersion));
  for (const EventGroup& group : kEventGroups) {
    json += fmt::format(",{}:[", quoted(group.title));
    bool first = true;
    for_each_event(group.source, [&](const EventInfo& event) {
      json += (first ? "" : ",") + event_json(event);
      first = false;
    });
    json += "]";
  }
  return json + "}\n";
}

void list_group(std::string& out, const EventGroup& group, bool markdown) {
  if (markdown) {
    fmt::format_to(Out(out), "## {}\n\nDirection | Event | Parameters\n:--|:--|:--\n", group.title);
  } else {
    fmt::format_to(Out(out), "{}\n\n", group.title);
  }
  for_each_event(group.source, [&](const EventInfo& event) {
    if (markdown) {
      const std::string text = event_text(event).substr(event.name.size());
      fmt::format_to(Out(out), "`{}` | **{}** | {}\n", direction(event), event.name,
                     markdown_text(text));
    } else {
      fmt::format_to(Out(out), "  {} {}\n{}", direction(event), wrapped(event_text(event), 6),
                     event_flags_text(event));
    }
  });
  out += "\n";
}

}  // namespace

std::string_view argument_need(const FieldInfo& field) {
  if ((field.flags & kArgumentRequired) != 0) return "required";
  return (field.flags & kArgumentAllowed) != 0 ? "optional" : "";
}

std::string list_fields(std::span<const FieldClass> classes, ListFormat format, bool names_only,
                        std::string_view source) {
  if (names_only) return field_names(classes, format, source);
  if (format == ListFormat::Json) return json_fields(classes, source);
  std::string out;
  const bool markdown = format == ListFormat::Markdown;
  for (const FieldClass& family : classes) {
    if (!belongs_to(family, source)) continue;
    markdown ? markdown_class(out, family) : text_class(out, family);
    for (const FieldInfo& field : family.fields) {
      if (is_listed(field, false)) markdown ? markdown_field(out, field) : text_field(out, field);
    }
    out += "\n";
  }
  return out;
}

std::string list_events(ListFormat format) {
  if (format == ListFormat::Json) return json_events();
  std::string out = fmt::format("Events of schema {}\n\n", kSchemaVersion);
  if (format == ListFormat::Markdown) out.insert(0, "# ");
  for (const EventGroup& group : kEventGroups) {
    list_group(out, group, format == ListFormat::Markdown);
  }
  return out;
}

}  // namespace gyr
