// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
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
  constexpr size_t kIdleBytes = size_t{4096} * 128;
  StrPool pool(kIdleBytes);
  const Str held = pool.intern("held");
  size_t most = 0;
  for (int i = 0; i < 10'000'000; ++i) {
    pool.intern("/tmp/" + std::to_string(i));
    if (pool.size() > most) most = pool.size();
  }
  EXPECT_LE(most, 8192u);
  EXPECT_GT(pool.sweeps(), 0u);
  EXPECT_EQ(pool.intern("held").rep(), held.rep());
}

size_t allocated_bytes() { return mallinfo2().uordblks; }

TEST(StrPool, LongNamesAndTheirAnswersAreBoundedInBytes) {
  constexpr size_t kIdleBytes = 1u << 20;
  const size_t before = allocated_bytes();
  size_t most = 0;
  StrPool pool(kIdleBytes);
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = std::to_string(i) + std::string(4096, 'x');
    str_memo(*pool.intern(name).rep(), 1, 1, 64);
    most = std::max(most, allocated_bytes() - before);
  }
  EXPECT_LT(most, kIdleBytes * 3 / 2);
  for (int i = 0; i < 200'000; ++i) {  // short ones with wide answers
    str_memo(*pool.intern(std::to_string(i)).rep(), 2, 1, 64);
    if (i > 10'000) most = std::max(most, allocated_bytes() - before);
  }
  EXPECT_LT(most, kIdleBytes * 2);
}

TEST(StrPool, WhatIsAskedForAgainOutlivesInventedNames) {
  StrPool pool(1u << 16);
  const StrRep* known = pool.intern("/etc/passwd").rep();
  uint64_t sweeps = 0;
  for (int i = 0; sweeps < 5; ++i) {
    pool.intern("/tmp/" + std::to_string(i));
    if (i % 50 == 0) {
      str_memo(*pool.intern("/etc/passwd").rep(), 1, 1, 1).memo->bits()[0] = 42;
    }
    if (pool.sweeps() == sweeps) continue;
    sweeps = pool.sweeps();
    EXPECT_EQ(pool.intern("/etc/passwd").rep(), known);
    EXPECT_EQ(str_memo(*pool.intern("/etc/passwd").rep(), 1, 1, 1).memo->bits()[0], 42u);
  }
}

TEST(StrPool, ARelatedStringLivesAsLongAsTheOneThatHoldsIt) {
  StrPool pool(512);
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
  StrPool pool(1024);
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
