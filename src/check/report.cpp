// SPDX-License-Identifier: Apache-2.0
#include "check/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace gyr::check {
namespace {

using Json = nlohmann::json;

constexpr size_t kSnippetBytes = 160;

const CodeInfo& info_of(std::string_view code) {
  return *std::find_if(all_codes().begin(), all_codes().end(),
                       [&](const CodeInfo& info) { return info.code == code; });
}

std::string_view word_of(Severity severity) {
  return severity == Severity::Error ? "error" : "warning";
}

std::string place_text(const Position& at) {
  return at.line == 0 ? one_line(at.file)
                      : fmt::format("{}:{}:{}", one_line(at.file), at.line, at.column);
}

// The line and a mark below. A long line is cut around the mark.
std::string snippet(const Finding& finding) {
  std::string_view line = finding.line_text;
  if (line.empty()) return "";
  size_t from = std::min<size_t>(finding.underline_from, line.size());
  size_t size = std::max<size_t>(std::min<size_t>(finding.underline_size, line.size() - from), 1);
  if (line.size() > kSnippetBytes) {
    const size_t start =
        std::min(from - std::min(from, kSnippetBytes / 4), line.size() - kSnippetBytes);
    line = line.substr(start, kSnippetBytes);
    from -= start;
    size = std::min(size, line.size() - from);
  }
  // Blanks as wide as the text in front, where it is plain.
  std::string before = one_line(line.substr(0, from));
  const std::string marked = one_line(line.substr(from, size));
  const std::string after = one_line(line.substr(std::min(from + size, line.size())));
  std::string text = fmt::format("    {}{}{}\n", before, marked, after);
  return text + fmt::format("    {}{}\n", std::string(before.size(), ' '),
                            std::string(std::max<size_t>(marked.size(), 1), '^'));
}

size_t count(std::span<const Finding> findings, Severity severity) {
  return static_cast<size_t>(std::count_if(
      findings.begin(), findings.end(), [&](const Finding& f) { return f.severity == severity; }));
}

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

// A path as a reference of RFC 3986: relative ones stay relative.
std::string uri_of(std::string_view path) {
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri;
}

// Characters of the line before byte `column` - 1, plus one.
size_t character_column(std::string_view line, size_t column) {
  const std::string before = to_valid_utf8(line.substr(0, column > 0 ? column - 1 : 0));
  return 1 + static_cast<size_t>(std::count_if(before.begin(), before.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
         }));
}

Json region(const Finding& finding) {
  const size_t first = finding.underline_from + 1;
  const size_t end = first + std::max<size_t>(finding.underline_size, 1);
  return {{"startLine", finding.position.line},
          {"startColumn", character_column(finding.line_text, first)},
          {"endColumn", character_column(finding.line_text, end)},
          {"snippet", {{"text", finding.line_text}}}};
}

Json sarif_result(const Finding& finding, size_t rule_index) {
  Json place = {{"artifactLocation", {{"uri", uri_of(finding.position.file)}}}};
  if (finding.position.line > 0) place["region"] = region(finding);
  Json result = {
      {"ruleId", finding.code},
      {"ruleIndex", rule_index},
      {"level", word_of(finding.severity)},
      {"message",
       {{"text", finding.item.empty() ? finding.message : finding.item + ": " + finding.message}}},
      {"locations", Json::array({Json{{"physicalLocation", std::move(place)}}})}};
  if (!finding.item.empty()) {
    result["locations"][0]["logicalLocations"] =
        Json::array({Json{{"fullyQualifiedName", finding.item}}});
  }
  if (!finding.other.file.empty()) {
    result["relatedLocations"] =
        Json::array({Json{{"message", {{"text", finding.other_message}}},
                          {"physicalLocation",
                           {{"artifactLocation", {{"uri", uri_of(finding.other.file)}}},
                            {"region", {{"startLine", finding.other.line}}}}}}});
  }
  return result;
}

}  // namespace

std::string findings_text(std::span<const Finding> findings) {
  std::string text;
  for (const Finding& finding : findings) {
    const std::string item = finding.item.empty() ? "" : one_line(finding.item) + ": ";
    text += fmt::format("{}: {}: {}{} [{}]\n", place_text(finding.position),
                        word_of(finding.severity), item, one_line(finding.message), finding.code);
    text += snippet(finding);
    if (!finding.other.file.empty()) {
      text += fmt::format("  {}: {}\n", place_text(finding.other), finding.other_message);
    }
    text += fmt::format("  {}\n", info_of(finding.code).help);
  }
  return text;
}

std::string findings_json(std::span<const Finding> findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json one = {{"code", finding.code},          {"severity", word_of(finding.severity)},
                {"message", finding.message},    {"help", info_of(finding.code).help},
                {"item", finding.item},          {"file", finding.position.file},
                {"line", finding.position.line}, {"column", finding.position.column},
                {"line_text", finding.line_text}};
    if (!finding.other.file.empty()) {
      one["other"] = {{"message", finding.other_message},
                      {"file", finding.other.file},
                      {"line", finding.other.line},
                      {"column", finding.other.column}};
    }
    list.push_back(std::move(one));
  }
  return dump({{"findings", std::move(list)},
               {"errors", count(findings, Severity::Error)},
               {"warnings", count(findings, Severity::Warning)}},
              -1);
}

std::string findings_sarif(std::span<const Finding> findings, std::string_view version) {
  Json rules = Json::array();
  std::vector<std::string_view> codes;
  Json results = Json::array();
  for (const Finding& finding : findings) {
    auto at = std::find(codes.begin(), codes.end(), finding.code);
    if (at == codes.end()) {
      const CodeInfo& info = info_of(finding.code);
      rules.push_back({{"id", info.code},
                       {"shortDescription", {{"text", info.text}}},
                       {"fullDescription", {{"text", info.help}}},
                       {"help", {{"text", info.help}}},
                       {"defaultConfiguration", {{"level", info.error ? "error" : "warning"}}}});
      codes.push_back(finding.code);
      at = codes.end() - 1;
    }
    results.push_back(sarif_result(finding, static_cast<size_t>(at - codes.begin())));
  }
  const Json run = {
      {"tool",
       {{"driver", {{"name", "gyr check"}, {"version", version}, {"rules", std::move(rules)}}}}},
      {"columnKind", "unicodeCodePoints"},
      {"results", std::move(results)}};
  return dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", Json::array({run})}},
              2);
}

std::string codes_text() {
  std::string text;
  for (const CodeInfo& info : all_codes()) {
    text += fmt::format("{}: {}\n  {}\n", info.code, info.text, info.help);
  }
  return text;
}

std::string codes_table() {
  std::string text = "| code | what it finds | what to do |\n|---|---|---|\n";
  for (const CodeInfo& info : all_codes()) {
    text += fmt::format("| `{}` | {} | {} |\n", info.code, info.text, info.help);
  }
  return text;
}

}  // namespace gyr::check
