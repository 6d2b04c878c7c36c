// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <set>
#include <vector>

#include "alert/format.h"
#include "app/listings.h"
#include "engine/syscall_selection.h"
#include "schema/schema.h"

namespace gyr::app {
namespace {

struct Group {
  std::string_view title;
  EventSource source;
};
constexpr std::array<Group, 4> kGroups = {{{"Syscall events", EventSource::Syscall},
                                           {"Tracepoint events", EventSource::Tracepoint},
                                           {"Plugin events", EventSource::Plugin},
                                           {"Metaevents", EventSource::Meta}}};

// One line of the listing: an event, or a system call without an event of its own.
struct Entry {
  std::string_view name;
  char direction;
  const EventInfo* event = nullptr;  // null: delivered as the generic event, no parameters
};

bool is_current(const EventInfo& event) { return !event.has(EF_OLD_VERSION | EF_UNUSED); }

bool is_generic(const EventInfo& event) {
  return event.type == Ev::GENERIC_E || event.type == Ev::GENERIC_X;
}

// System calls are seen when they end; other sources have single events.
std::vector<Entry> entries_of(EventSource source) {
  std::vector<Entry> entries;
  for (const EventInfo& event : all_events()) {
    if (event.source != source || !is_current(event) || is_generic(event)) continue;
    if (source == EventSource::Syscall && !event.is_exit()) continue;
    if (event.name == "NA" || event.name.empty()) continue;
    entries.push_back({event.name, event.is_exit() ? '<' : '>', &event});
  }
  if (source != EventSource::Syscall) return entries;
  for (const ScInfo& call : all_syscalls()) {
    if ((call.flags & SC_GENERIC) != 0) entries.push_back({call.name, '<', nullptr});
  }
  return entries;
}

std::span<const ParamInfo> params_of(const Entry& entry) {
  return entry.event != nullptr ? entry.event->params() : std::span<const ParamInfo>{};
}

std::string signature(const Entry& entry) {
  std::string text;
  for (const ParamInfo& param : params_of(entry)) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", type_info(param.type).name, param.name);
  }
  return fmt::format("{}({})", entry.name, text);
}

std::string json_flags(const ParamInfo& param) {
  if (param.flags == FlagTable::none) return "";
  std::string flags;
  for (const FlagInfo& flag : flag_entries(param.flags)) {
    if (!flags.empty()) flags += ',';
    flags += json_string(flag.name);
  }
  return "\"flags\":[" + flags + "],";
}

std::string json_entry(const Entry& entry) {
  std::string params;
  for (const ParamInfo& param : params_of(entry)) {
    if (!params.empty()) params += ',';
    params += fmt::format("{{{}\"name\":{},\"type\":{}}}", json_flags(param),
                          json_string(param.name), json_string(type_info(param.type).name));
  }
  return fmt::format("{{\"available\":true,\"dir\":\"{}\",\"name\":{},\"params\":[{}]}}",
                     entry.direction, json_string(entry.name), params);
}

std::string json_events() {
  std::string text = "{";
  for (const Group& group : kGroups) {
    std::string list;
    for (const Entry& entry : entries_of(group.source)) {
      if (!list.empty()) list += ',';
      list += json_entry(entry);
    }
    text += json_string(group.title) + ":[" + list + "],";
  }
  return text + "\"schema_version\":" + json_string(kSchemaVersion) + "}\n";
}

std::string group_text(const Group& group, bool markdown) {
  std::string text = markdown ? fmt::format("## {}\n\n| Dir | Event |\n|---|---|\n", group.title)
                              : fmt::format("{}:\n", group.title);
  for (const Entry& entry : entries_of(group.source)) {
    text += markdown ? fmt::format("| `{}` | `{}` |\n", entry.direction, signature(entry))
                     : fmt::format("{} {}\n", entry.direction, signature(entry));
  }
  return text + "\n";
}

}  // namespace

std::string list_events(ListFormat format) {
  if (format == ListFormat::Json) return json_events();
  const bool markdown = format == ListFormat::Markdown;
  std::string text = fmt::format("{}Event schema {}\n\n", markdown ? "# " : "", kSchemaVersion);
  for (const Group& group : kGroups) text += group_text(group, markdown);
  return text;
}

std::string list_ignored_events() {
  std::set<std::string_view> names;
  const SyscallSet ignored = ignored_syscalls();
  for (const ScInfo& call : all_syscalls()) {
    if (ignored.test(static_cast<size_t>(call.sc))) names.insert(event_info(call.event).name);
  }
  std::string text = "Ignored unless base_syscalls.all is set:\n";
  for (const std::string_view name : names) text += fmt::format("- {}\n", name);
  return text;
}

}  // namespace gyr::app
