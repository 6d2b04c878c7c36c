// SPDX-License-Identifier: Apache-2.0
// What the grammar accepts and how it is read: the text printed back from the tree shows the
// structure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace gyr {
namespace {

using testing::ElementsAre;

std::string read(std::string_view text) {
  std::vector<TextFault> faults;
  const ExprPtr expr = parse_condition(text, &faults);
  if (expr) return to_text(*expr);
  return "refused at " + std::to_string(faults.at(0).offset);
}

struct Row {
  std::string_view text;
  std::string_view result;
};

TEST(Parser, Structure) {
  const std::vector<Row> rows = {
      {"a.b = 1", "a.b = 1"},
      {"  a.b=1\t\n", "a.b = 1"},
      {"a.b = 1 or c.d = 2 and e.f = 3", "(a.b = 1 or (c.d = 2 and e.f = 3))"},
      {"(a.b = 1 or c.d = 2) and e.f = 3", "((a.b = 1 or c.d = 2) and e.f = 3)"},
      {"not a.b = 1 and m", "(not a.b = 1 and m)"},
      {"not(a.b = 1 and m)", "not (a.b = 1 and m)"},
      {"not not m", "not not m"},
      {"not not not m", "not m"},
      {"(((m)))", "m"},
      {"m and(n)or(o)", "((m and n) or o)"},
      {"a.b exists", "a.b exists"},
      {"a.b exists and m", "(a.b exists and m)"},
      {"a.b[1] = x", "a.b[1] = x"},
      {"a.b['x y'] = x", "a.b[x y] = x"},
      {"a.b[/a/b.c-d] = x", "a.b[/a/b.c-d] = x"},
      {"a.b in (x, 'y z',\"w\")", "a.b in (x, \"y z\", \"w\")"},
      {"a.b in(x)", "a.b in (x)"},
      {"a.b in ()", "a.b in ()"},
      {"a.b intersects (x)", "a.b intersects (x)"},
      {"a.b pmatch (/usr, /etc)", "a.b pmatch (/usr, /etc)"},
      {"a.b=<", "a.b = <"},
      {"a.b = > and m", "(a.b = > and m)"},
      {"a.b == -2", "a.b == -2"},
      {"a.b != /a/*[x]", "a.b != /a/*[x]"},
      {"a.b >= +1.5e-3", "a.b >= +1.5e-3"},
      {"a.b < 0x1F", "a.b < 0x1F"},
      {"a.b contains 'it\\'s'", "a.b contains \"it's\""},
      {"a.b contains \"\\x41\\t\\\\\"", "a.b contains \"A\t\\\\\""},
      {"a.b contains \"x\\ y\"", "a.b contains \"x\\\\y\""},
      {"a.b startswith anyof (x, y)", "a.b startswith anyof (x, y)"},
      {"a.b = oneof(x)", "a.b = oneof (x)"},
      {"a.b = oneof", "a.b = oneof"},
      {"a.b = val(c.d)", "a.b = val(c.d)"},
      {"a.b = val( c.d[1] )", "a.b = val(c.d[1])"},
      {"a.b = valx", "a.b = valx"},
      {"toupper(a.b) = X", "toupper(a.b) = X"},
      {"toupper(tolower( a.b )) = X", "toupper(tolower(a.b)) = X"},
      {"a.b = basename(c.d)", "a.b = basename(c.d)"},
      {"a.b in val(c.d)", "a.b in val(c.d)"},
      {"len(a.b) >= len(c.d)", "len(a.b) >= len(c.d)"},
      {"join(\" \", (a.b, c.d)) = x", "join(\" \", (a.b, c.d)) = x"},
      {"concat(a.b, '/', 1) = x", "concat(a.b, \"/\", 1) = x"},
      {"getopt(a.b, 'x:')[x] = y", "getopt(a.b, \"x:\")[x] = y"},
      {"a.b in names", "a.b in names"},
      {"a.b.c_d.e2 = x", "a.b.c_d.e2 = x"},
      {"order.by = x", "order.by = x"},
      {"and_more or nothing", "(and_more or nothing)"},
  };
  for (const Row& row : rows) EXPECT_EQ(read(row.text), row.result) << row.text;
}

// What is printed can be read again and means the same.
TEST(Parser, PrintedTextReadsBackAsItself) {
  for (const std::string_view text :
       {"a.b = 1 or not (c.d in ('x y', \"q\\\"\\\\\") and e.f exists)", "m and not n",
        "a.b glob allof (x*, \"y?\") or toupper(a.b[1]) = val(c.d)"}) {
    const std::string once = read(text);
    EXPECT_EQ(read(once), once);
  }
}

TEST(Parser, Refusals) {
  const std::vector<std::pair<std::string_view, size_t>> rows = {
      {"", 0},
      {"   ", 3},
      {"1 = 1", 0},
      {"a.b", 3},
      {"a.b =", 5},
      {"a.b = \"x", 6},
      {"a.b = 'x\"", 6},
      {"a.b = x y", 8},
      {"a.b = x; c.d = y", 9},
      {"a.b in (x y)", 10},
      {"a.b in (x,)", 10},
      {"a.b in", 6},
      {"a.b in oneof (x)", 7},
      {"a.b oneof (x)", 4},
      {"a.b contains\"x\"", 12},
      {"a.b startswith(x)", 14},
      {"a.b contains fd=3", 15},
      {"a.b > sh", 6},
      {"(a.b = x", 8},
      {"a.b = x)", 7},
      {"or a.b = x", 0},
      {"a.b = x or", 8},
      {"a.b = x and and c.d = y", 12},
      {"not", 0},
      {"nosuch(a.b) = x", 0},
      {"val(a.b) = x", 0},
      {"concat() = x", 7},
      {"toupper(a.b = x", 12},
      {"a.b = \"\\q\"", 7},
      {"a.b = \"\\x00\"", 7},
      {"a.b = \"\\'\"", 7},
      {"a.b[] = x", 4},
      {"a.b[1 = x", 6},
  };
  for (const auto& [text, offset] : rows) {
    EXPECT_EQ(read(text), "refused at " + std::to_string(offset)) << text;
  }
}

TEST(Parser, NulBytesAreRefused) {
  EXPECT_EQ(read(std::string_view("a.b = x\0y", 9)), "refused at 6");
  EXPECT_EQ(read(std::string_view("a.b = 'x\0y'", 11)), "refused at 8");
}

std::string nested(size_t levels, std::string_view open, std::string_view close) {
  std::string text;
  for (size_t i = 0; i < levels; ++i) text += open;
  text += "evt.n = 1";
  for (size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(Parser, DepthIsBounded) {
  for (const auto& [open, close] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"(", ")"},
           {"not (evt.flag = true or ", ")"},
           {"(evt.n = 2 and (evt.n = 3 or ", "))"}}) {
    const size_t per_level = open == "(evt.n = 2 and (evt.n = 3 or " ? 2 : 1;
    const std::string deepest = nested(kMaxDepth / per_level, open, close);
    const CheckedPtr condition = testing_world::checked(deepest);
    ASSERT_TRUE(condition);
    EvalContext context;
    context.number = 1;
    context.flag = false;
    testing_world::holds(deepest, context);  // compiles, runs and is destroyed
    std::vector<TextFault> faults;
    EXPECT_FALSE(parse_condition(nested(kMaxDepth / per_level + 1, open, close), &faults));
    ASSERT_FALSE(faults.empty());
    EXPECT_THAT(faults[0].message, testing::HasSubstr("nested more than 1000 levels"));
  }
  EXPECT_TRUE(testing_world::checked(nested(200000, "not ", "")));
  std::vector<TextFault> faults;
  EXPECT_FALSE(parse_condition(nested(1000000, "(", ")"), &faults));
  std::string calls;
  for (int i = 0; i < 100000; ++i) calls += "toupper(";
  EXPECT_FALSE(parse_condition(calls, &faults));
}

TEST(Macros, UsesAreListedWithOffsets) {
  std::vector<TextFault> faults;
  const ExprPtr expr = parse_condition("open and not (foo or a.b = open)", &faults);
  ASSERT_TRUE(expr);
  const std::vector<MacroUse> uses = macros_used(*expr);
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[0].name, "open");
  EXPECT_EQ(uses[0].offset, 0U);
  EXPECT_EQ(uses[1].name, "foo");
  EXPECT_EQ(uses[1].offset, 14U);
}

ExprPtr parsed(std::string_view text) {
  std::vector<TextFault> faults;
  return parse_condition(text, &faults);
}

TEST(Macros, ExpansionReplacesAndReportsUnknown) {
  std::vector<TextFault> faults;
  const auto find = [](std::string_view name) {
    return name == "m" ? parsed("a.b = 1 or c.d = 2") : nullptr;
  };
  const ExprPtr good = expand_macros(parsed("m and not m"), find, &faults);
  ASSERT_TRUE(good);
  EXPECT_EQ(to_text(*good), "((a.b = 1 or c.d = 2) and not (a.b = 1 or c.d = 2))");
  EXPECT_THAT(mentions(*good).macros, ElementsAre("m"));
  EXPECT_FALSE(expand_macros(parsed("m and nix and nox"), find, &faults));
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].offset, 6U);
  EXPECT_EQ(faults[0].size, 3U);
  EXPECT_EQ(faults[1].offset, 14U);
}

// Macros that double at every step would be astronomically large.
TEST(Macros, ExplosionIsRefused) {
  ExprPtr expr = parsed("evt.n = 1");
  std::vector<TextFault> faults;
  for (int i = 0; i < 64 && faults.empty(); ++i) {
    const ExprPtr body = expr;
    expr = expand_macros(
        parsed("m or m"), [&](std::string_view) { return body; }, &faults);
  }
  EXPECT_FALSE(expr);
  ASSERT_FALSE(faults.empty());
}

TEST(Macros, FaultsInsideNameTheMacro) {
  std::vector<TextFault> faults;
  const ExprPtr expr = expand_macros(
      parsed("evt.n = 1 and m"),
      [](std::string_view) { return parsed("evt.flag = true or fd.nam = x"); }, &faults);
  ASSERT_TRUE(expr);
  EXPECT_FALSE(check_condition(expr, testing_world::dialect(), &faults));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].macro, "m");
  EXPECT_EQ(faults[0].offset, 14U);
  EXPECT_EQ(faults[0].macro_offset, 19U);
  EXPECT_EQ(faults[0].macro_size, 6U);
}

TEST(Mentions, EachOnceInOrder) {
  const ExprPtr expr = parsed(
      "m and a.b[1] = val(c.d) or toupper(e.f) contains anyof (x, y) or a.b[1] = z or n or m");
  const Mentions found = mentions(*expr);
  EXPECT_THAT(found.fields, ElementsAre("a.b[1]", "c.d", "e.f"));
  EXPECT_THAT(found.operators, ElementsAre("=", "contains anyof"));
  EXPECT_THAT(found.macros, ElementsAre("m", "n"));
}

}  // namespace
}  // namespace gyr
