// SPDX-License-Identifier: Apache-2.0
#include "rules/loader.h"

#include "rules/compiler.h"
#include "rules/definitions.h"
#include "rules/reader.h"
#include "rules/report_sink.h"
#include "rules/source_text.h"

namespace gyr {
namespace {

using rules::ReportSink;
using rules::SourceFiles;

// Reads the YAML of every file; a file that is no YAML has no documents.
std::vector<std::vector<yaml::ParseError>> parse_files(std::span<const RuleSource> sources,
                                                       SourceFiles* files) {
  std::vector<std::vector<yaml::ParseError>> errors;
  for (const RuleSource& source : sources) {
    yaml::ParseResult parsed = yaml::parse(source.text);
    files->push_back({source.name, std::move(parsed.document)});
    errors.push_back(std::move(parsed.errors));
  }
  return errors;
}

}  // namespace

LoadResult load_rules(std::span<const RuleSource> sources, const LoadSettings& settings) {
  SourceFiles files;
  files.reserve(sources.size());
  const auto yaml_errors = parse_files(sources, &files);
  ReportSink sink(files, settings.max_errors);
  rules::Collected collected;
  for (uint32_t file = 0; file < files.size(); ++file) {
    if (!sources[file].read_error.empty()) {
      sink.file_error(Code::FileRead, sources[file].read_error, file);
    }
    for (const yaml::ParseError& error : yaml_errors[file]) {
      const size_t offset = error.mark.offset;
      const auto range = rules::locate_bytes(files, file, offset, offset + 1);
      sink.error(Code::YamlParse, error.message, rules::Chain(files, file), range);
    }
    rules::read_items(files, file, settings, &collected, &sink);
  }
  std::shared_ptr<const Ruleset> ruleset = rules::compile_rules(files, collected, settings, &sink);
  const bool failed = sink.has_errors();
  return {sink.take(), failed ? nullptr : std::move(ruleset)};
}

}  // namespace gyr
