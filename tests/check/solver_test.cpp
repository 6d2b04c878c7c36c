// SPDX-License-Identifier: Apache-2.0
// What the solver calls impossible is true for no value at all.
#include "check/solver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "lang/checked.h"
#include "rules/fake_fields.h"

namespace gyr::check {
namespace {

CheckedPtr condition(const std::string& text) {
  std::vector<TextFault> faults;
  const ExprPtr expr = parse_condition(text, &faults);
  const Dialect dialect = fake::dialect();
  CheckedPtr checked = expr ? check_condition(expr, dialect, &faults) : nullptr;
  EXPECT_TRUE(checked) << text << (faults.empty() ? "" : ": " + faults[0].message);
  return checked;
}

bool is_impossible(const std::string& text) {
  const CheckedPtr checked = condition(text);
  Graph graph;
  const NodeId root = graph.add(*checked->root);
  return Solver(graph).exclude_each_other({{root, true}});
}

// Each claim of an implication: `a` is within `b`.
bool implies(const std::string& a, const std::string& b) {
  const CheckedPtr left = condition(a);
  const CheckedPtr right = condition(b);
  Graph graph;
  const NodeId narrow = graph.add(*left->root);
  const NodeId wide = graph.add(*right->root);
  return Solver(graph).exclude_each_other({{narrow, true}, {wide, false}});
}

TEST(Solver, KnowsWhatExcludesEachOther) {
  for (const char* text : {
           "proc.name = a and proc.name = b",
           "proc.name in (a, b) and proc.name in (c, d)",
           "proc.name in (a, b) and not proc.name in (b, a)",
           "proc.name = abc and proc.name startswith b",
           "proc.name in (abc, abd) and proc.name contains x",
           "proc.name startswith a and proc.name startswith b",
           "proc.name endswith a and proc.name endswith ba and proc.name endswith cb",
           "fd.num > 3 and fd.num < 4",
           "fd.num >= 3 and fd.num <= 3 and fd.num != 3",
           "fd.num in (1, 2) and fd.num > 2",
           "evt.is_open_read = true and evt.is_open_read = false",
           "not proc.name exists and proc.name contains a",
           "proc.name = a and not proc.name = a",
           "proc.name = a and (proc.name = b or (fd.num = 1 and fd.num = 2))",
           "(proc.name = a or proc.name = b) and (proc.name = c or proc.name = d)",
           "(fd.num = 1 or proc.name = a) and not fd.num = 1 and proc.name startswith b",
       }) {
    EXPECT_TRUE(is_impossible(text)) << text;
  }
}

TEST(Solver, ClaimsNothingElse) {
  for (const char* text : {
           "proc.name = a and proc.pname = b",
           "proc.name in (a, b) and proc.name in (b, c)",
           "proc.name != a and proc.name != b",
           "not proc.name = a and not proc.name exists",
           "proc.name startswith a and proc.name startswith ab",
           "proc.name startswith a and proc.name endswith b",
           "proc.aname[1] = a and proc.aname[2] = b",
           "evt.num = 0",
           "proc.name in () and proc.name = a",
           "tolower(proc.name) = a and proc.name = A",
           "fd.num > 3 and fd.num < 5",
           "proc.name = val(proc.pname) and proc.name != val(proc.pname) or proc.name = a",
       }) {
    EXPECT_FALSE(is_impossible(text)) << text;
  }
}

TEST(Solver, KnowsWhatIsWithinWhat) {
  EXPECT_TRUE(implies("proc.name = a and fd.num = 1", "proc.name = a"));
  EXPECT_TRUE(implies("proc.name in (a, b)", "proc.name in (b, c, a)"));
  EXPECT_TRUE(implies("fd.num = 1 and (proc.name = a or proc.pname = b)",
                      "proc.pname = b or proc.name in (x, a)"));
  EXPECT_TRUE(implies("proc.name = abc", "proc.name startswith ab and not proc.name = x"));
  EXPECT_TRUE(implies("fd.num > 5", "fd.num > 3"));
  EXPECT_FALSE(implies("fd.num > 3", "fd.num > 5"));
  EXPECT_FALSE(implies("proc.name = a", "proc.name = a and fd.num = 1"));
  EXPECT_FALSE(implies("not proc.name = a", "proc.name != a"));  // it may have no value
}

TEST(Solver, GivesUpInsteadOfTakingLong) {
  std::string text = "proc.name exists";
  for (int i = 0; i < 40; ++i) {
    text +=
        fmt::format(" and (fd.name contains a{0} or fd.name contains b{0} or proc.exe = c{0})", i);
  }
  EXPECT_FALSE(is_impossible(text));
}

TEST(Solver, ClaimsNothingOnceItsStepsAreUsedUp) {
  const CheckedPtr checked = condition("proc.name = a and proc.name = b and fd.num = 1");
  Graph graph;
  const NodeId root = graph.add(*checked->root);
  Solver solver(graph, 6);
  EXPECT_TRUE(solver.exclude_each_other({{root, true}}));
  EXPECT_FALSE(solver.is_exhausted());
  solver.exclude_each_other({{root, true}});
  EXPECT_TRUE(solver.is_exhausted());
  EXPECT_FALSE(solver.exclude_each_other({{root, true}}));
}

// Random conditions over three fields, tried with every value of a small world.
class World {
 public:
  bool holds(const Tree& tree, const std::map<std::string_view, Value>& values) {
    switch (tree.kind) {
      case Tree::Kind::False:
        return false;
      case Tree::Kind::True:
        return true;
      case Tree::Kind::Atom:
        return tree.atom->matches(values.at(tree.atom->field()->info->name));
      case Tree::Kind::Not:
        return !holds(*tree.children.front(), values);
      case Tree::Kind::And:
      case Tree::Kind::Or:
        break;
    }
    const bool all = tree.kind == Tree::Kind::And;
    for (const TreePtr& child : tree.children) {
      if (holds(*child, values) != all) return !all;
    }
    return all;
  }

  std::string random_condition(int depth) {
    const size_t kind = depth == 0 ? 0 : pick(4);
    if (kind == 0) return random_check();
    if (kind == 1) return "not (" + random_condition(depth - 1) + ")";
    const char* word = kind == 2 ? " and " : " or ";
    std::string text = "(" + random_condition(depth - 1);
    for (size_t i = 0; i < 1 + pick(3); ++i) text += word + random_condition(depth - 1);
    return text + ")";
  }

  size_t pick(size_t bound) { return random_() % bound; }

 private:
  std::string random_text() {
    std::string text;
    for (size_t i = 0; i < 1 + pick(2); ++i) text += "ab"[pick(2)];
    return text;
  }

  std::string random_check() {
    if (pick(3) == 0) {
      static const char* const kOrders[] = {"<", "<=", ">", ">=", "=", "!="};
      return fmt::format("fd.num {} {}", kOrders[pick(6)], static_cast<int>(pick(6)) - 1);
    }
    static const char* const kTexts[] = {"=",        "!=",        "startswith", "endswith",
                                         "contains", "icontains", "glob"};
    const char* field = pick(2) == 0 ? "proc.name" : "proc.pname";
    switch (pick(4)) {
      case 0:
        return fmt::format("{} in ({}, {})", field, random_text(), random_text());
      case 1:
        return fmt::format("{} exists", field);
      default:
        return fmt::format("{} {} {}", field, kTexts[pick(7)], random_text());
    }
  }

  std::mt19937 random_{20260730};
};

TEST(Solver, WhatItCallsImpossibleNeverHolds) {
  const std::vector<std::string> texts = {"",    "a",   "b",   "aa",  "ab",  "ba",  "bb",   "aab",
                                          "aba", "abb", "baa", "bab", "bba", "bbb", "aaaa", "xaby"};
  std::vector<Value> names = {Value::null()};
  for (const std::string& text : texts) names.push_back(Value::of_text(text));
  std::vector<Value> numbers = {Value::null()};
  for (int64_t number = -3; number < 8; ++number) numbers.push_back(Value::of_int(number));
  World world;
  size_t proofs = 0;
  constexpr size_t kRounds = 4000;
  for (size_t round = 0; round < kRounds; ++round) {
    const std::string text = world.random_condition(3) + " and " + world.random_condition(2);
    const CheckedPtr checked = condition(text);
    Graph graph;
    const NodeId root = graph.add(*checked->root);
    if (!Solver(graph).exclude_each_other({{root, true}})) continue;
    ++proofs;
    for (const Value& name : names) {
      for (const Value& parent : names) {
        for (const Value& number : numbers) {
          ASSERT_FALSE(world.holds(
              *checked->root, {{"proc.name", name}, {"proc.pname", parent}, {"fd.num", number}}))
              << text;
        }
      }
    }
  }
  EXPECT_GT(proofs, kRounds / 100);
  EXPECT_LT(proofs, kRounds);
}

}  // namespace
}  // namespace gyr::check
