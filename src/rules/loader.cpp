// SPDX-License-Identifier: Apache-2.0
#include "rules/loader.h"

#include <algorithm>
#include <set>

#include "rules/compiler.h"
#include "rules/definitions.h"
#include "rules/reader.h"
#include "rules/report_sink.h"
#include "rules/source_text.h"

namespace gyr {
namespace {

using rules::ReportSink;
using rules::SourceFiles;

// Reads the YAML of every file. Of a file that is no YAML nothing is left, or the documents before
// the fault.
std::vector<std::vector<yaml::ParseError>> parse_files(std::span<const RuleSource> sources,
                                                       yaml::AfterFault after, SourceFiles* files) {
  std::vector<std::vector<yaml::ParseError>> errors;
  for (const RuleSource& source : sources) {
    yaml::ParseResult parsed = yaml::parse(source.text, after);
    files->push_back({source.name, std::move(parsed.document)});
    errors.push_back(std::move(parsed.errors));
  }
  return errors;
}

}  // namespace

namespace {

// One pass over all files.
struct Pass {
  rules::Collected collected;
  std::shared_ptr<Ruleset> ruleset;
};

Pass load_once(const SourceFiles& files, const LoadSettings& settings,
               const rules::Exclusions& excluded, ReportSink* sink) {
  Pass pass;
  for (uint32_t file = 0; file < files.size(); ++file) {
    rules::read_items(files, file, settings, excluded, &pass.collected, sink);
  }
  pass.ruleset = rules::compile_rules(files, pass.collected, settings, sink);
  return pass;
}

using YamlErrors = std::vector<std::vector<yaml::ParseError>>;

void report_files(std::span<const RuleSource> sources, const SourceFiles& files,
                  const YamlErrors& yaml_errors, ReportSink* sink) {
  for (uint32_t file = 0; file < files.size(); ++file) {
    if (!sources[file].read_error.empty()) {
      sink->file_error(Code::FileRead, sources[file].read_error, file);
    }
    for (const yaml::ParseError& error : yaml_errors[file]) {
      const size_t offset = error.mark.offset;
      const auto range = rules::locate_bytes(files, file, offset, offset + 1);
      sink->error(Code::YamlParse, error.message, rules::Chain(files, file), range);
    }
  }
}

// Passes over the files until what is left of them has no fault.
class SkippingLoad {
 public:
  SkippingLoad(const SourceFiles& files, const LoadSettings& settings)
      : files_(files), settings_(settings) {
    excluded_.skips = true;
  }

  LoadResult load(std::vector<FileReport> about_files) {
    result_.files = std::move(about_files);
    // What is skipped can make only what used it faulty, which is told in the same pass or the
    // next.
    constexpr size_t kMaxPasses = 32;
    for (size_t pass = 0; pass < kMaxPasses; ++pass) {
      ReportSink sink(files_, kMaxSkippedErrors, true);
      Pass loaded = load_once(files_, settings_, excluded_, &sink);
      const bool grew = exclude(sink.faulty_items());
      const bool foreign = sink.has_foreign_errors();
      keep_reports(sink.take());
      if (foreign || !grew) {
        if (!foreign) finish(std::move(loaded));
        break;
      }
    }
    return std::move(result_);
  }

 private:
  // False when nothing new is to be left out.
  bool exclude(const std::set<rules::FaultyItem>& faulty) {
    bool grew = false;
    for (const rules::FaultyItem& item : faulty) {
      if (excluded_.has(item.file, item.offset)) continue;
      grew = true;
      if (item.is_requirement) {
        exclude_file(item.file);
      } else {
        exclude_item(item.file, item.offset);
      }
    }
    return grew;
  }

  void exclude_item(uint32_t file, size_t offset) {
    if (!excluded_.items.insert({file, offset}).second) return;
    ++result_.items_skipped;
    const rules::ItemAt item = rules::item_at(files_, file, offset);
    if (item.type == "rule") skipped_rules_.insert(item.name);
  }

  void exclude_file(uint32_t file) {
    for (const yaml::NodePtr& root : files_[file].document->roots()) {
      for (const yaml::NodePtr& item : root->items) exclude_item(file, item->mark.offset);
    }
    excluded_.files.insert(file);
  }

  // Errors of all passes; warnings of the last one.
  void keep_reports(std::vector<FileReport> reports) {
    for (size_t i = 0; i < reports.size(); ++i) {
      FileReport& to = result_.files[i];
      for (Diagnostic& error : reports[i].errors) {
        if (to.errors.size() < kMaxSkippedErrors) to.errors.push_back(std::move(error));
      }
      to.warnings = std::move(reports[i].warnings);
    }
  }

  void finish(Pass loaded) {
    if (loaded.ruleset->rules.empty() && has_errors()) return;
    for (const std::string& name : skipped_rules_) {
      const auto same = [&](const Rule& rule) { return rule.name == name; };
      const auto& rules = loaded.ruleset->rules;
      if (std::none_of(rules.begin(), rules.end(), same)) ++loaded.ruleset->rules_skipped;
    }
    result_.ruleset = std::move(loaded.ruleset);
  }

  bool has_errors() const {
    return std::any_of(result_.files.begin(), result_.files.end(),
                       [](const FileReport& file) { return !file.ok(); });
  }

  const SourceFiles& files_;
  const LoadSettings& settings_;
  rules::Exclusions excluded_;
  std::set<std::string> skipped_rules_;
  LoadResult result_;
};

}  // namespace

LoadResult load_rules(std::span<const RuleSource> sources, const LoadSettings& settings) {
  const bool skips = settings.on_error == RulesOnError::Skip;
  SourceFiles files;
  files.reserve(sources.size());
  const YamlErrors yaml_errors = parse_files(
      sources, skips ? yaml::AfterFault::KeepDocuments : yaml::AfterFault::KeepNothing, &files);
  ReportSink sink(files, settings.max_errors, false);
  report_files(sources, files, yaml_errors, &sink);
  if (skips) return SkippingLoad(files, settings).load(sink.take());
  Pass pass = load_once(files, settings, {}, &sink);
  const bool failed = sink.has_errors();
  return {.files = sink.take(), .ruleset = failed ? nullptr : std::move(pass.ruleset)};
}

}  // namespace gyr
