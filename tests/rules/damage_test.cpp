// SPDX-License-Identifier: Apache-2.0
// Damaged rule files never crash and always explain themselves: the loader gives a ruleset, or an
// error with a code and a position inside the file. The damage is the same in every run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rules/describe.h"
#include "rules/fake_fields.h"
#include "rules/loader.h"
#include "rules/report.h"

namespace gyr {
namespace {

constexpr size_t kDamagedFiles = 200;

const char* const kGood = R"(
- required_engine_version: 0.50.0
- list: shells
  items: [bash, sh, "a b", 'c"d']
- list: programs
  items: [shells, cat]
- macro: opens
  condition: >
    evt.type in (open, openat)
    and fd.num >= 0
- macro: quiet
  condition: (not opens or proc.name in (programs))
- rule: First
  desc: "quoted \"text\" \x41"
  condition: |
    opens and not quiet
      and (proc.cmdline contains 'x y' or fd.name pmatch (/etc, /usr/*))
  output: >-
    opened %fd.name by %proc.name[0]
    (%user.name %toupper(proc.exe))
  priority: WARNING
  tags: [a, b]
  exceptions:
    - name: one
      fields: [proc.name, fd.name]
      comps: [in, startswith]
      values:
        - [[cat, dog], /tmp]
        - [shells, "/x y"]
    - name: two
      fields: proc.exe
      values: [a, b c]
- rule: First
  condition: and user.uid != 0
  tags: [c]
  override: {condition: append, tags: append}
- &item
  rule: Second
  desc: d
  condition: evt.type=close
  output: o
  priority: INFO
- {<<: *item, rule: Third}
)";

class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  size_t below(size_t bound) {
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<size_t>(state_ >> 8) % bound;
  }

 private:
  uint32_t state_;
};

std::string damage(std::string text, Random& random) {
  const size_t changes = 1 + random.below(4);
  for (size_t i = 0; i < changes && !text.empty(); ++i) {
    const size_t at = random.below(text.size());
    const size_t size = std::min(random.below(60) + 1, text.size() - at);
    switch (random.below(6)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, 1, ":-[]{}()'\"&*!|>%,=\n\t \\"[random.below(22)]);
        break;
      case 3:
        text.insert(random.below(text.size()), text.substr(at, size));
        break;
      case 4:
        text.resize(at);
        break;
      default: {
        // Swaps two lines, which moves items and keys to where they do not belong.
        const size_t line = text.rfind('\n', at);
        const size_t next = text.find('\n', at);
        if (line == std::string::npos || next == std::string::npos) break;
        const std::string moved = text.substr(line, next - line);
        text.erase(line, next - line);
        const size_t to = text.find('\n', random.below(text.size()));
        if (to != std::string::npos) text.insert(to, moved);
      }
    }
  }
  return text;
}

void expect_explained(const LoadResult& result, const std::string& text) {
  const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  bool errors = false;
  for (const FileReport& file : result.files) {
    errors = errors || !file.errors.empty();
    for (const auto* list : {&file.errors, &file.warnings}) {
      for (const Diagnostic& diagnostic : *list) {
        EXPECT_FALSE(diagnostic.message.empty());
        EXPECT_FALSE(code_text(diagnostic.code).empty());
        ASSERT_FALSE(diagnostic.locations.empty());
        const Position& at = diagnostic.locations.back().position;
        EXPECT_GE(at.line, 1u);
        EXPECT_LE(at.line, lines);
        EXPECT_GE(at.column, 1u);
        EXPECT_GE(diagnostic.underline_size, 1u);
        EXPECT_LE(diagnostic.underline_from, diagnostic.line_text.size() + 1);
      }
    }
  }
  EXPECT_NE(result.ok(), errors);
  EXPECT_FALSE(report_text(result.files).empty());
}

// Returns how many of the damaged files were refused.
size_t load_damaged(const std::string& good, size_t count) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  settings.max_errors = 20;
  size_t refused = 0;
  for (size_t round = 0; round < count; ++round) {
    Random random(static_cast<uint32_t>(round));
    const RuleSource source{"damaged.yaml", damage(good, random)};
    const LoadResult result = load_rules({&source, 1}, settings);
    SCOPED_TRACE("round " + std::to_string(round));
    expect_explained(result, source.text);
    if (result.ok()) {
      EXPECT_TRUE(describe_rules(*result.ruleset, settings.dialect, "", DescribeFormat::Json));
    } else {
      ++refused;
    }
  }
  return refused;
}

TEST(Damage, TheUndamagedFileLoads) {
  LoadSettings settings;
  settings.dialect = fake::dialect();
  const RuleSource source{"good.yaml", kGood};
  const LoadResult result = load_rules({&source, 1}, settings);
  ASSERT_TRUE(result.ok()) << report_text(result.files);
  EXPECT_EQ(result.ruleset->rules.size(), 3u);
}

TEST(Damage, TwoHundredHandMadeFilesAreExplained) {
  const size_t refused = load_damaged(kGood, kDamagedFiles);
  EXPECT_GT(refused, kDamagedFiles / 3) << "the damage must be damage";
  EXPECT_LT(refused, kDamagedFiles) << "and some of it harmless";
}

TEST(Damage, PublicRulesetsAreExplained) {
  const char* env = std::getenv("GYR_CONFORMANCE");
  const std::filesystem::path folder =
      std::filesystem::path(env != nullptr ? env : GYR_SOURCE_DIR "/../shared/conformance") /
      "rulesets";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no conformance data at " << folder;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream stream(entry.path());
    std::stringstream text;
    text << stream.rdbuf();
    load_damaged(text.str(), 25);
  }
}

}  // namespace
}  // namespace gyr
