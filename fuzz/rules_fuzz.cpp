// SPDX-License-Identifier: Apache-2.0
// Any bytes as rule files: the loader gives a ruleset or an error, and everything it reports has a
// place. A NUL byte separates files. Seeds: rules/*.yaml and any public ruleset.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../tests/rules/fake_fields.h"
#include "base/check.h"
#include "rules/describe.h"
#include "rules/loader.h"
#include "rules/report.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gyr;
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.sources = {"syscall", "k8s_audit"};
  settings.max_errors = 50;
  std::vector<RuleSource> sources(1, {"fuzz.yaml", "", ""});
  for (size_t i = 0; i < size; ++i) {
    if (data[i] == 0 && sources.size() < 4) {
      sources.push_back({"more.yaml", "", ""});
    } else {
      sources.back().text += static_cast<char>(data[i]);
    }
  }
  const LoadResult result = load_rules(sources, settings);
  bool explained = result.ok();
  for (const FileReport& file : result.files) {
    explained = explained || !file.errors.empty();
    for (const auto* list : {&file.errors, &file.warnings}) {
      for (const Diagnostic& diagnostic : *list) {
        GYR_CHECK(!diagnostic.message.empty() && !diagnostic.locations.empty());
        const Position& at = diagnostic.locations.back().position;
        GYR_CHECK(at.line >= 1 && at.column >= 1 && !at.file.empty());
      }
    }
  }
  GYR_CHECK(explained);
  GYR_CHECK(!report_text(result.files).empty());
  GYR_CHECK(!report_json(result.files).empty());
  if (result.ok()) {
    GYR_CHECK(
        describe_rules(*result.ruleset, settings.dialect, "", DescribeFormat::Json).has_value());
  }
  return 0;
}
