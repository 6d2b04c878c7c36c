// SPDX-License-Identifier: Apache-2.0
#include "rules/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kSnippetBytes = 160;
constexpr size_t kNameBytes = 100;

// Text of a rules file for a terminal: control characters but tabs, which could move the cursor or
// set colours, and bytes that are no UTF-8 become U+FFFD.
std::string printable(std::string_view bytes) {
  const std::string valid = to_valid_utf8(bytes);
  const std::string_view all = valid;
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t control = all[i] == '\t' ? 0 : control_length(all.substr(i));
    if (control > 0) {
      text += "\xef\xbf\xbd";
      i += control - 1;
    } else {
      text += all[i];
    }
  }
  return text;
}

std::string shortened(std::string_view text) {
  if (text.size() <= kNameBytes) return printable(text);
  return printable(text.substr(0, kNameBytes)) + "...";
}

// Not a byte that continues a letter in UTF-8.
bool is_first_byte(char c) { return (c & 0xc0) != 0x80; }

// The line, cut to a window around the fault if it is long, and a line of '^' below.
std::string snippet(const Diagnostic& diagnostic) {
  std::string_view line = diagnostic.line_text;
  size_t from = std::min<size_t>(diagnostic.underline_from, line.size());
  if (line.size() > kSnippetBytes) {
    const size_t start =
        std::min(from - std::min(from, kSnippetBytes / 4), line.size() - kSnippetBytes);
    line = line.substr(start, kSnippetBytes);
    from -= start;
  }
  const size_t room = std::max<size_t>(line.size() - std::min(from, line.size()), 1);
  const size_t size = std::clamp<size_t>(diagnostic.underline_size, 1, room);
  const std::string before = printable(line.substr(0, std::min(from, line.size())));
  const std::string marked = printable(line.substr(std::min(from, line.size()), size));
  const std::string after = printable(line.substr(std::min(from + size, line.size())));
  std::string text = before + marked + after + '\n';
  // Tabs stay tabs and a letter of several bytes is one column, so that the marks stand below what
  // they mean.
  for (const char c : before) {
    if (is_first_byte(c)) text += c == '\t' ? '\t' : ' ';
  }
  const auto letters = std::count_if(marked.begin(), marked.end(), is_first_byte);
  return text + std::string(std::max<size_t>(static_cast<size_t>(letters), 1), '^');
}

std::string location_text(const Location& location) {
  const Position& at = location.position;
  const std::string name =
      location.item_name.empty() ? "" : fmt::format(" '{}'", shortened(location.item_name));
  return fmt::format("{}{}: ({}:{}:{})", location.item_type, name, at.file, at.line, at.column);
}

void add_group(std::string_view title, const std::vector<Diagnostic>& diagnostics,
               std::string* text) {
  if (diagnostics.empty()) return;
  *text += fmt::format("{} {}{}:\n", diagnostics.size(), title, diagnostics.size() == 1 ? "" : "s");
  for (const Diagnostic& diagnostic : diagnostics) *text += diagnostic_text(diagnostic);
}

nlohmann::json to_json(const Diagnostic& diagnostic) {
  nlohmann::json locations = nlohmann::json::array();
  for (const Location& location : diagnostic.locations) {
    const Position& at = location.position;
    locations.push_back(
        {{"item_type", location.item_type},
         {"item_name", location.item_name},
         {"position",
          {{"name", at.file}, {"line", at.line}, {"column", at.column}, {"offset", at.offset}}}});
  }
  return {{"context", {{"locations", std::move(locations)}, {"snippet", snippet(diagnostic)}}},
          {"code", code_text(diagnostic.code)},
          {"codedesc", code_short_text(diagnostic.code)},
          {"message", diagnostic.message}};
}

nlohmann::json to_json(const std::vector<Diagnostic>& diagnostics) {
  nlohmann::json array = nlohmann::json::array();
  for (const Diagnostic& diagnostic : diagnostics) array.push_back(to_json(diagnostic));
  return array;
}

// What a schema of rule files would complain about.
bool is_about_schema(const Diagnostic& diagnostic) {
  return diagnostic.code == Code::YamlValidate || diagnostic.code == Code::UnknownKey ||
         diagnostic.code == Code::UnknownItem;
}

nlohmann::json to_json(const FileReport& file) {
  nlohmann::json schema_warnings = nlohmann::json::array();
  for (const auto* list : {&file.errors, &file.warnings}) {
    for (const Diagnostic& diagnostic : *list) {
      if (!is_about_schema(diagnostic)) continue;
      const Position& at = diagnostic.locations.back().position;
      schema_warnings.push_back(fmt::format("{}:{}: {}", at.line, at.column, diagnostic.message));
    }
  }
  const bool is_yaml = std::none_of(file.errors.begin(), file.errors.end(), [](const auto& d) {
    return d.code == Code::YamlParse || d.code == Code::FileRead;
  });
  return {{"name", file.name},
          {"successful", file.ok()},
          {"schema_valid", is_yaml && schema_warnings.empty()},
          {"schema_warnings", std::move(schema_warnings)},
          {"errors", to_json(file.errors)},
          {"warnings", to_json(file.warnings)}};
}

void summarise(std::string_view title, const std::vector<Diagnostic>& diagnostics,
               std::string* text) {
  if (diagnostics.empty()) return;
  std::vector<std::string> parts;
  parts.reserve(diagnostics.size());
  for (const Diagnostic& diagnostic : diagnostics) {
    parts.push_back(fmt::format("{} ({}): {}", code_text(diagnostic.code),
                                code_short_text(diagnostic.code), printable(diagnostic.message)));
  }
  *text += fmt::format("{}{} {}{}: [{}]", text->empty() ? "" : " ", diagnostics.size(), title,
                       diagnostics.size() == 1 ? "" : "s", join(parts, ", "));
}

}  // namespace

std::string diagnostic_text(const Diagnostic& diagnostic) {
  std::string text;
  for (size_t i = 0; i < diagnostic.locations.size(); ++i) {
    text += i == 0 ? "In " : std::string(4 * i, ' ');
    text += location_text(diagnostic.locations[i]) + "\n";
  }
  return text + fmt::format("------\n{}\n------\n{} ({}): {}\n", snippet(diagnostic),
                            code_text(diagnostic.code), code_short_text(diagnostic.code),
                            printable(diagnostic.message));
}

std::string report_text(std::span<const FileReport> files, const ReportSettings& settings) {
  std::string text;
  for (const FileReport& file : files) {
    const char* verdict = !file.ok()              ? "Invalid"
                          : file.warnings.empty() ? "Ok"
                                                  : "Ok, with warnings";
    text += fmt::format("{}: {}\n", file.name, verdict);
    add_group("Error", file.errors, &text);
    if (settings.warnings || !file.ok()) add_group("Warning", file.warnings, &text);
  }
  return text;
}

std::string report_summary(const FileReport& file) {
  std::string text;
  summarise("error", file.errors, &text);
  summarise("warning", file.warnings, &text);
  return text;
}

std::string report_json(std::span<const FileReport> files) {
  nlohmann::json results = nlohmann::json::array();
  for (const FileReport& file : files) results.push_back(to_json(file));
  const nlohmann::json report = {{"falco_load_results", std::move(results)}};
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace gyr
