// SPDX-License-Identifier: Apache-2.0
// Collects diagnostics per file, with their chains of locations.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/loader.h"
#include "rules/skip.h"
#include "rules/source_text.h"

namespace gyr::rules {

// The way from a file to the item a diagnostic is about; grows by one step per nested thing.
class Chain {
 public:
  Chain(const SourceFiles& files, uint32_t file);
  Chain with(std::string_view type, std::string_view name, Place place) const;
  Chain with(std::string_view type, std::string_view name, Position position) const;

  uint32_t file() const { return file_; }
  const SourceFiles& files() const { return *files_; }
  const std::vector<Location>& locations() const { return locations_; }

 private:
  const SourceFiles* files_;
  uint32_t file_;
  std::vector<Location> locations_;
};

inline constexpr size_t kMaxWarnings = 2000;  // of one file

class ReportSink {
 public:
  // With `skips`, what every error is about is noted.
  ReportSink(const SourceFiles& files, size_t max_errors, bool skips = false);

  void error(Code code, std::string message, const Chain& chain, const SourceRange& range);
  void warning(Code code, std::string message, const Chain& chain, const SourceRange& range);
  // The same about the place the chain ends at.
  void error(Code code, std::string message, const Chain& chain, Place place);
  void warning(Code code, std::string message, const Chain& chain, Place place);

  // About the file as a whole, which has no lines to show.
  void file_error(Code code, std::string message, uint32_t file);

  // Whether another error of this file would be shown; otherwise its message may be plain.
  bool shows_error(uint32_t file) const { return error_counts_[file] < max_errors_; }
  bool has_errors() const;
  bool skips() const { return skips_; }
  const std::set<FaultyItem>& faulty_items() const { return faulty_items_; }
  // An error that is about no item: the configuration's.
  bool has_foreign_errors() const { return has_foreign_errors_; }
  // The reports; where warnings were left out, the last one tells how many.
  std::vector<FileReport> take();

 private:
  void add(Severity severity, Code code, std::string message, const Chain& chain,
           const SourceRange& range);

  void note_item(const Chain& chain, const SourceRange& range);

  const SourceFiles& files_;
  size_t max_errors_;
  bool skips_;
  bool has_foreign_errors_ = false;
  std::set<FaultyItem> faulty_items_;
  std::vector<FileReport> reports_;
  std::vector<size_t> error_counts_;
  std::vector<size_t> hidden_warnings_;
  // Place (file, offset) and code of what was reported: a fault in a macro is told once, not per
  // rule that uses it.
  std::set<std::tuple<uint32_t, size_t, Code, std::string>> seen_;
};

}  // namespace gyr::rules
