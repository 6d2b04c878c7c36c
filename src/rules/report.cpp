// SPDX-License-Identifier: Apache-2.0
#include "rules/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "yaml/document.h"

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

// The code point at the start of valid UTF-8, and its bytes.
std::pair<uint32_t, size_t> code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t size = std::max<size_t>(utf8_length(text), 1);
  if (size == 1) return {byte(0), 1};
  uint32_t code = byte(0) & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) code = code << 6 | (byte(i) & 0x3f);
  return {code, size};
}

// Columns of a terminal: none for marks that stand on the letter before them, two for the wide
// letters and signs of East Asia and for emoji.
size_t columns_of(uint32_t code) {
  struct Range {
    uint32_t first, last;
    size_t columns;
  };
  static constexpr Range kRanges[] = {
      {0x300, 0x36f, 0},     {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x20d0, 0x20ff, 0},
      {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
      {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
      {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2}};
  for (const Range& range : kRanges) {
    if (code >= range.first && code <= range.last) return range.columns;
  }
  return 1;
}

// As many signs as the text has columns; tabs stay tabs where blanks stand for the text.
std::string sign_for(std::string_view text, char sign) {
  std::string signs;
  while (!text.empty()) {
    const auto [code, size] = code_point(text);
    if (code == '\t' && sign == ' ') {
      signs += '\t';
    } else {
      signs.append(columns_of(code), sign);
    }
    text.remove_prefix(size);
  }
  return signs;
}

// Of a file that cannot be read there is nothing to show.
bool has_snippet(const Diagnostic& diagnostic) {
  return !diagnostic.locations.empty() &&
         (diagnostic.locations.back().position.line > 0 || !diagnostic.line_text.empty());
}

// The line, cut to a window around the fault if it is long, and a line of '^' below.
std::string snippet(const Diagnostic& diagnostic) {
  if (!has_snippet(diagnostic)) return {};
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
  // The marks stand below what they mean in a terminal, whatever the letters.
  const std::string marks = sign_for(marked, '^');
  return text + sign_for(before, ' ') + (marks.empty() ? "^" : marks);
}

std::string location_text(const Location& location) {
  const Position& at = location.position;
  const std::string name =
      location.item_name.empty() ? "" : fmt::format(" '{}'", shortened(location.item_name));
  if (at.line == 0) return fmt::format("{}{}: ({})", location.item_type, name, at.file);
  return fmt::format("{}{}: ({}:{}:{})", location.item_type, name, at.file, at.line, at.column);
}

// In the plural whatever the number, as scripts expect it.
void add_group(std::string_view title, const std::vector<Diagnostic>& diagnostics,
               std::string* text) {
  if (diagnostics.empty()) return;
  *text += fmt::format("{} {}s:\n", diagnostics.size(), title);
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

bool is_yaml(const FileReport& file) {
  return std::none_of(file.errors.begin(), file.errors.end(), [](const auto& d) {
    return d.code == Code::YamlParse || d.code == Code::FileRead;
  });
}

std::vector<std::string> schema_faults(const FileReport& file) {
  std::vector<std::string> faults;
  for (const auto* list : {&file.errors, &file.warnings}) {
    for (const Diagnostic& diagnostic : *list) {
      if (!is_about_schema(diagnostic) || diagnostic.locations.empty()) continue;
      const Position& at = diagnostic.locations.back().position;
      faults.push_back(fmt::format("{}:{}: {}", at.line, at.column, diagnostic.message));
    }
  }
  return faults;
}

nlohmann::json to_json(const FileReport& file) {
  const std::vector<std::string> faults = schema_faults(file);
  return {{"name", file.name},
          {"successful", file.ok()},
          {"schema_valid", is_yaml(file) && faults.empty()},
          {"schema_warnings", faults},
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
  *text += fmt::format("{}{} {}s: [{}]", text->empty() ? "" : " ", diagnostics.size(), title,
                       join(parts, ", "));
}

}  // namespace

std::string diagnostic_text(const Diagnostic& diagnostic) {
  std::string text;
  for (size_t i = 0; i < diagnostic.locations.size(); ++i) {
    text += i == 0 ? "In " : std::string(4 * i, ' ');
    text += location_text(diagnostic.locations[i]) + "\n";
  }
  if (has_snippet(diagnostic)) {
    text += fmt::format("------\n{}\n------\n", snippet(diagnostic));
  }
  return text + fmt::format("{} ({}): {}\n", code_text(diagnostic.code),
                            code_short_text(diagnostic.code), printable(diagnostic.message));
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

std::string schema_verdict(const FileReport& file) {
  return is_yaml(file) ? yaml::schema_verdict(schema_faults(file)) : "none";
}

std::string report_json(std::span<const FileReport> files) {
  nlohmann::json results = nlohmann::json::array();
  for (const FileReport& file : files) results.push_back(to_json(file));
  const nlohmann::json report = {{"falco_load_results", std::move(results)}};
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace gyr
