// SPDX-License-Identifier: Apache-2.0
#include "check/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gyr::check {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// docs/check.md holds the table of codes; GYR_UPDATE_GOLDEN=1 rewrites it.
TEST(CheckReport, ThePageIsCurrent) {
  const std::filesystem::path path = GYR_SOURCE_DIR "/docs/check.md";
  const std::string page = read_text(path);
  const std::string begin = "<!-- table: codes -->\n";
  const size_t at = page.find(begin);
  const size_t end = page.find("<!-- end of table -->");
  ASSERT_NE(at, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string wanted = page.substr(0, at + begin.size()) + codes_table() + page.substr(end);
  if (std::getenv("GYR_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(read_text(path), wanted);
}

TEST(CheckReport, EveryCodeOfOursHasAnExampleAndATest) {
  const std::string page = read_text(GYR_SOURCE_DIR "/docs/check.md");
  for (const CodeInfo& info : all_codes()) {
    if (!info.code.starts_with("CHECK_") || info.code == "CHECK_UNFINISHED") continue;
    EXPECT_NE(page.find("**" + std::string(info.code) + "**"), std::string::npos) << info.code;
    const std::string test = GYR_SOURCE_DIR "/tests/check/findings/" + std::string(info.code);
    EXPECT_TRUE(std::filesystem::exists(test + ".yaml")) << info.code;
    EXPECT_TRUE(std::filesystem::exists(test + ".txt")) << info.code;
  }
}

Finding finding() {
  Finding f;
  f.code = info_of(Kind::DuplicateItem).code;
  f.message = "the item 'é' is listed twice";
  f.item = "list 'x'";
  f.position = {"/a b/ü.yaml", 3, 9, 20};
  f.line_text = "  [é, é]";
  f.underline_from = 7;
  f.underline_size = 2;
  return f;
}

TEST(CheckReport, SarifCountsCharactersAndEscapesPaths) {
  const std::string sarif = findings_sarif(std::vector{finding()}, "1.0");
  EXPECT_NE(sarif.find("\"startColumn\": 7"), std::string::npos) << sarif;
  EXPECT_NE(sarif.find("\"endColumn\": 8"), std::string::npos) << sarif;
  EXPECT_NE(sarif.find("file:///a%20b/%C3%BC.yaml"), std::string::npos) << sarif;
}

TEST(CheckReport, ControlCharactersDoNotReachTheTerminal) {
  Finding f = finding();
  f.line_text = "\x1b[31mred\x1b[0m \xff" + std::string(1000, 'x');
  f.message = "\x1b]0;title\a";
  f.item = "rule '\x1b'";
  f.position.file = "\x1b.yaml";
  EXPECT_EQ(findings_text(std::vector{f}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace gyr::check
