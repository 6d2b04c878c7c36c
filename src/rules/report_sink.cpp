// SPDX-License-Identifier: Apache-2.0
#include "rules/report_sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace gyr::rules {

Chain::Chain(const SourceFiles& files, uint32_t file) : files_(&files), file_(file) {
  locations_.push_back({"rules content", "", {files[file].name, 1, 1, 0}});
}

Chain Chain::with(std::string_view type, std::string_view name, Place place) const {
  return with(type, name, locate(*files_, place).position);
}

Chain Chain::with(std::string_view type, std::string_view name, Position position) const {
  Chain longer = *this;
  longer.locations_.push_back({std::string(type), std::string(name), std::move(position)});
  return longer;
}

ReportSink::ReportSink(const SourceFiles& files, size_t max_errors)
    : max_errors_(std::max<size_t>(max_errors, 1)),
      error_counts_(files.size(), 0),
      hidden_warnings_(files.size(), 0) {
  for (const SourceFile& file : files) reports_.push_back({file.name, {}, {}});
}

void ReportSink::error(Code code, std::string message, const Chain& chain,
                       const SourceRange& range) {
  add(Severity::Error, code, std::move(message), chain, range);
}

void ReportSink::warning(Code code, std::string message, const Chain& chain,
                         const SourceRange& range) {
  add(Severity::Warning, code, std::move(message), chain, range);
}

void ReportSink::error(Code code, std::string message, const Chain& chain, Place place) {
  error(code, std::move(message), chain, locate(chain.files(), place));
}

void ReportSink::warning(Code code, std::string message, const Chain& chain, Place place) {
  warning(code, std::move(message), chain, locate(chain.files(), place));
}

void ReportSink::file_error(Code code, std::string message, uint32_t file) {
  if (++error_counts_[file] > max_errors_) return;
  Diagnostic diagnostic;
  diagnostic.code = code;
  diagnostic.message = std::move(message);
  reports_[file].errors.push_back(std::move(diagnostic));
}

bool ReportSink::has_errors() const {
  return std::any_of(error_counts_.begin(), error_counts_.end(), [](size_t n) { return n > 0; });
}

std::vector<FileReport> ReportSink::take() {
  for (size_t i = 0; i < reports_.size(); ++i) {
    if (hidden_warnings_[i] == 0) continue;
    Diagnostic& last = reports_[i].warnings.back();
    last.message += fmt::format("; {} more warnings are not shown", hidden_warnings_[i]);
  }
  return std::move(reports_);
}

void ReportSink::add(Severity severity, Code code, std::string message, const Chain& chain,
                     const SourceRange& range) {
  const bool is_error = severity == Severity::Error;
  if (!is_error && reports_[chain.file()].warnings.size() >= kMaxWarnings) {
    ++hidden_warnings_[chain.file()];
    return;
  }
  if (!seen_.insert({range.file, range.position.offset, code, message}).second) return;
  FileReport& report = reports_[chain.file()];
  if (is_error && ++error_counts_[chain.file()] > max_errors_) return;
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = code;
  diagnostic.message = std::move(message);
  diagnostic.locations = chain.locations();
  diagnostic.line_text = range.line_text;
  diagnostic.underline_from = range.underline_from;
  diagnostic.underline_size = range.underline_size;
  // The innermost location is the fault itself.
  const Position& innermost = diagnostic.locations.back().position;
  if (innermost.file != range.position.file || innermost.offset != range.position.offset) {
    if (diagnostic.locations.back().item_type == "condition expression" ||
        diagnostic.locations.back().item_type == "output expression") {
      diagnostic.locations.back().position = range.position;
    } else {
      diagnostic.locations.push_back({"value", "", range.position});
    }
  }
  auto& list = is_error ? report.errors : report.warnings;
  list.push_back(std::move(diagnostic));
}

}  // namespace gyr::rules
