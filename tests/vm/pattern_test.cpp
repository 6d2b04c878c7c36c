// SPDX-License-Identifier: Apache-2.0
#include "vm/pattern.h"

#include <fnmatch.h>
#include <gtest/gtest.h>

#include <random>

namespace gyr {
namespace {

bool glob(std::string_view pattern, std::string_view text) {
  return Glob(pattern, false).matches(text);
}

TEST(Glob, Table) {
  struct Row {
    std::string_view pattern, text;
    bool result;
  };
  for (const auto& [pattern, text, result] : std::vector<Row>{
           {"", "", true},
           {"", "a", false},
           {"*", "", true},
           {"*", "/a/b", true},
           {"/proc/*/maps", "/proc/1/maps", true},
           {"/proc/*/maps", "/proc/1/task/2/maps", true},
           {"*.so", ".so", true},
           {"a*b*c", "aXbYbZc", true},
           {"a*b*c", "aXcYb", false},
           {"a[", "a[", true},
           {"a\\*", "a*", true},
           {"a\\*", "ab", false},
           {"a\\", "a\\", false},
           {"[]a]", "]", true},
           {"[!a-c]x", "dx", true},
           {"[^a-c]x", "bx", false},
           {"[[:digit:]]*", "7x", true},
           {"[[:nosuch:]]", "a", false},
           {"[a-]", "-", true},
       }) {
    EXPECT_EQ(glob(pattern, text), result) << pattern << " on " << text;
  }
}

// Random patterns and texts over a small alphabet agree with the C library.
TEST(Glob, AgreesWithFnmatch) {
  std::mt19937 random(1);
  constexpr std::string_view kPattern = "aAbB*?[]!-\\/.";
  constexpr std::string_view kText = "aAbB/.-]";
  size_t hits = 0;
  for (int i = 0; i < 300000; ++i) {
    std::string pattern;
    std::string text;
    for (size_t n = random() % 8; n > 0; --n) pattern += kPattern[random() % kPattern.size()];
    for (size_t n = random() % 6; n > 0; --n) text += kText[random() % kText.size()];
    // A quoted slash or bracket at the end of an open set is where C libraries differ.
    if (pattern.find('[') != std::string::npos && pattern.find('\\') != std::string::npos) continue;
    for (const bool fold : {false, true}) {
      const bool want = fnmatch(pattern.c_str(), text.c_str(), fold ? FNM_CASEFOLD : 0) == 0;
      ASSERT_EQ(Glob(pattern, fold).matches(text), want) << pattern << " on " << text << fold;
      hits += want ? 1 : 0;
    }
  }
  EXPECT_GT(hits, 1000U);
}

TEST(Glob, TimeIsBoundedByTheProduct) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "a*";
  EXPECT_FALSE(glob(pattern + "b", std::string(5000, 'a')));
}

TEST(PathPrefixes, Components) {
  const PathPrefixes paths({"/usr/bin", "/e?c/*.d", "srv//www/"});
  EXPECT_TRUE(paths.matches("/usr/bin"));
  EXPECT_TRUE(paths.matches("/usr//bin/x"));
  EXPECT_TRUE(paths.matches("usr/bin"));
  EXPECT_FALSE(paths.matches("/usr/binx"));
  EXPECT_FALSE(paths.matches("/usr"));
  EXPECT_TRUE(paths.matches("/etc/cron.d/job"));
  EXPECT_FALSE(paths.matches("/etc/a/b.d"));
  EXPECT_TRUE(paths.matches("/srv/www"));
  EXPECT_FALSE(PathPrefixes({}).matches("/"));
  EXPECT_TRUE(PathPrefixes({"/"}).matches(""));
}

TEST(Regex, WholeTextInPosixSyntax) {
  const auto regex = Regex::make("a[0-9]+|b").value();
  EXPECT_TRUE(regex->matches("a12"));
  EXPECT_TRUE(regex->matches("b"));
  EXPECT_FALSE(regex->matches("xa12"));
  EXPECT_FALSE(regex->matches("a12\n"));
  EXPECT_FALSE(Regex::make("a(").has_value());
  EXPECT_TRUE(Regex::make(".*").value()->matches("a\xffz"));
}

TEST(ContainsIgnoringCase, AsciiOnly) {
  EXPECT_TRUE(contains_ignoring_case("HeLLo", "ell"));
  EXPECT_TRUE(contains_ignoring_case("", ""));
  EXPECT_FALSE(contains_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

}  // namespace
}  // namespace gyr
