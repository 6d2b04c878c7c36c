// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace gyr {
namespace {

TEST(Text, ClosestNamesTheSlip) {
  constexpr std::array<std::string_view, 4> kNames = {"proc.name", "proc.pname", "fd.name",
                                                      "evt.type"};
  EXPECT_EQ(closest("proc.nmae", kNames), "proc.name");
  EXPECT_EQ(closest("evt.typ", kNames), "evt.type");
  EXPECT_EQ(closest("container.id", kNames), "");
}

TEST(Text, InvalidUtf8BecomesReplacement) {
  EXPECT_EQ(to_valid_utf8("a\xc3\xa9z"), "a\xc3\xa9z");
  EXPECT_EQ(to_valid_utf8("a\xff"
                          "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
  EXPECT_EQ(to_valid_utf8("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
  EXPECT_EQ(to_valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");  // cut short
}

TEST(Text, WildcardMatchesWholeText) {
  EXPECT_TRUE(wildcard_match("*shell*", "a shell in b"));
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*b*c", "axxbyybc"));
  EXPECT_FALSE(wildcard_match("shell", "a shell"));
  EXPECT_FALSE(wildcard_match("a*b", "ac"));
}

TEST(Text, TrimSplitJoin) {
  EXPECT_EQ(trim(" \t x y \n"), "x y");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(split("a,,b", ',').size(), 3u);
  const std::array<std::string, 2> parts = {"a", "b"};
  EXPECT_EQ(join(parts, ", "), "a, b");
}

}  // namespace
}  // namespace gyr
