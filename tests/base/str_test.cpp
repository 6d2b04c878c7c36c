// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace gyr {
namespace {

TEST(StrPool, EqualBytesAreOneObject) {
  StrPool pool;
  const Str a = pool.intern("/etc/passwd");
  const Str b = pool.intern(std::string("/etc/") + "passwd");
  EXPECT_EQ(a.rep(), b.rep());
  EXPECT_EQ(a.view(), "/etc/passwd");
  EXPECT_NE(a, pool.intern("/etc/shadow"));
}

TEST(StrPool, EmptyTextNeedsNoObject) {
  StrPool pool;
  EXPECT_TRUE(pool.intern("").empty());
  EXPECT_EQ(pool.intern("").view(), "");
  EXPECT_EQ(pool.size(), 0u);
}

TEST(StrPool, KeepsBytesThatAreNotText) {
  StrPool pool;
  const std::string bytes("a\0b\xff", 4);
  EXPECT_EQ(pool.intern(bytes).view(), bytes);
}

TEST(StrPool, TextsOfEveryLengthThatDifferInOneByteDiffer) {
  StrPool pool;
  for (size_t size = 1; size < 100; ++size) {
    std::string text(size, 'a');
    const Str first = pool.intern(text);
    for (char& byte : text) {
      byte = 'b';
      EXPECT_FALSE(pool.intern(text) == first) << size;
      byte = 'a';
    }
    EXPECT_TRUE(pool.intern(text) == first) << size;
  }
}

TEST(StrPool, PlacesDependOnTheSeed) {
  const HashSecret one(1), two(2);
  for (const std::string_view text : {"", "a", "abcd", "12345678", "0123456789abcdefg"}) {
    EXPECT_NE(one.hash(text), two.hash(text)) << text;
    EXPECT_EQ(one.hash(text), HashSecret(1).hash(text)) << text;
  }
}

TEST(StrPool, TenMillionInventedNamesDoNotGrowIt) {
  constexpr size_t kIdle = 4096;
  StrPool pool(kIdle);
  const Str held = pool.intern("held");
  size_t most = 0;
  for (int i = 0; i < 10'000'000; ++i) {
    pool.intern("/tmp/" + std::to_string(i));
    if (pool.size() > most) most = pool.size();
  }
  EXPECT_LE(most, kIdle + 2);
  EXPECT_GT(pool.sweeps(), 0u);
  EXPECT_EQ(pool.intern("held").rep(), held.rep());
}

TEST(StrPool, ARelatedStringLivesAsLongAsTheOneThatHoldsIt) {
  StrPool pool(4);
  const Str path = pool.intern("/etc/passwd");
  relate(*path.rep(), pool.intern("/etc"));
  const auto invent = [&pool](int from) {
    for (int i = from; i < from + 100; ++i) {
      relate(*pool.intern("/tmp/" + std::to_string(i)).rep(),
             pool.intern("/tmp" + std::to_string(i)));
    }
  };
  invent(0);
  invent(100);
  EXPECT_GT(pool.sweeps(), 1u);
  EXPECT_EQ(path.rep()->related->view(), "/etc");
  EXPECT_TRUE(pool.intern("/etc") == Str(path.rep()->related));
  EXPECT_LT(pool.size(), 30u);  // the invented ones went, and so did those related to them
}

TEST(StrPool, WhatLosesItsPlaceToAnotherKeyIsGivenBack) {
  StrPool pool(2);
  EXPECT_TRUE(pool.remember(1, pool.intern("first")).empty());
  EXPECT_EQ(pool.remembered(1).view(), "first");
  uint64_t key = 1;
  Str replaced;
  while (!pool.remembered(1).empty() && key < 100'000) {
    replaced = pool.remember(++key, pool.intern("other"));
  }
  EXPECT_EQ(replaced.view(), "first");
  EXPECT_TRUE(pool.remembered(1).empty());
  EXPECT_EQ(pool.remembered(key).view(), "other");
}

TEST(StrPool, MemoBelongsToProgramAndDomain) {
  StrPool pool;
  const Str text = pool.intern("bash");
  MemoSlot first = str_memo(*text.rep(), 1, 7, 2);
  EXPECT_TRUE(first.fresh);
  first.memo->bits()[1] = 42;
  EXPECT_FALSE(str_memo(*text.rep(), 1, 7, 2).fresh);
  EXPECT_EQ(str_memo(*text.rep(), 1, 7, 2).memo->bits()[1], 42u);
  EXPECT_TRUE(str_memo(*text.rep(), 2, 7, 1).fresh);
  const MemoSlot next = str_memo(*text.rep(), 1, 8, 2);
  EXPECT_TRUE(next.fresh);
  EXPECT_EQ(next.memo->bits()[1], 0u);
}

TEST(StrPool, MemoGrowsWithTheProgram) {
  StrPool pool;
  const Str text = pool.intern("sh");
  str_memo(*text.rep(), 1, 1, 1);
  const MemoSlot wide = str_memo(*text.rep(), 1, 2, 9);
  EXPECT_TRUE(wide.fresh);
  EXPECT_GE(wide.memo->words, 9);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(wide.memo->bits()[i], 0u);
}

}  // namespace
}  // namespace gyr
