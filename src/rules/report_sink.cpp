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

ReportSink::ReportSink(const SourceFiles& files, size_t max_errors, bool skips)
    : files_(files),
      max_errors_(std::max<size_t>(max_errors, 1)),
      skips_(skips),
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
  diagnostic.locations.push_back({"rules content", "", {files_[file].name, 0, 0, 0}});
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

// A fault in a text that was put together belongs to the item its bytes are in if that is one of
// the same name: an appended condition, not the rule it is appended to. Else it is the whole
// item's, also where the bytes are those of a macro, which may be right for others.
void ReportSink::note_item(const Chain& chain, const SourceRange& range) {
  if (range.position.line == 0) {
    has_foreign_errors_ = true;
    return;
  }
  if (chain.locations().size() < 2) return;  // about a file, of which there is nothing to leave out
  const Location& item = chain.locations()[1];
  const ItemAt inner = item_at(files_, range.file, range.position.offset);
  FaultyItem faulty{.file = range.file,
                    .offset = inner.offset,
                    .is_requirement = item.item_type.starts_with("required")};
  if (inner.type != item.item_type || inner.name != item.item_name) {
    faulty.offset = item.position.offset;
    const auto named = std::find_if(files_.begin(), files_.end(), [&](const SourceFile& file) {
      return file.name == item.position.file;
    });
    if (named != files_.end()) faulty.file = static_cast<uint32_t>(named - files_.begin());
  }
  faulty_items_.insert(faulty);
}

void ReportSink::add(Severity severity, Code code, std::string message, const Chain& chain,
                     const SourceRange& range) {
  const bool is_error = severity == Severity::Error;
  if (is_error && skips_) note_item(chain, range);
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
