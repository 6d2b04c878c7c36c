// SPDX-License-Identifier: Apache-2.0
// Sharing and simplification of nodes, and vocabularies.
#include "vm/graph.h"

#include <gtest/gtest.h>

#include "vm/vocabulary.h"

namespace gyr {
struct EvalContext {
  std::string_view path;
};
namespace {

Value path(const EvalContext& context, const FieldUse&) { return Value::of_text(context.path); }

FieldInfo make_info(std::string_view name, uint32_t flags = 0) {
  FieldInfo info;
  info.name = name;
  info.type = Type::CharBuf;
  info.domain = Domain::Path;
  info.extract = path;
  info.flags = flags;
  return info;
}

const FieldInfo kName = make_info("fd.name");
const FieldInfo kRaw = make_info("fd.nameraw");
const FieldInfo kCount = make_info("util.cnt", kStateful);

TreePtr atom(const FieldInfo& info, Operator op, std::vector<std::string> texts) {
  FieldUse use;
  use.info = &info;
  use.type = info.type;
  AtomSpec spec;
  spec.op = op;
  spec.left = make_field(use);
  for (std::string& text : texts) {
    spec.constants.emplace_back();
    spec.constants.back().text = std::move(text);
  }
  auto tree = std::make_shared<Tree>();
  tree->kind = Tree::Kind::Atom;
  tree->atom = Atom::make(std::move(spec));
  return tree;
}

TreePtr combined(Tree::Kind kind, std::vector<TreePtr> children) {
  auto tree = std::make_shared<Tree>();
  tree->kind = kind;
  tree->children = std::move(children);
  return tree;
}

TEST(Graph, EqualPartsAreOneNode) {
  Graph graph;
  const TreePtr a = atom(kName, Operator::Equal, {"x"});
  const TreePtr b = atom(kName, Operator::StartsWith, {"y"});
  const NodeId ab = graph.add(*combined(Tree::Kind::And, {a, b}));
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {b, a, b})), ab);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {a, combined(Tree::Kind::And, {b})})), ab);
  // A set of one is an equality; sets are equal in any order.
  EXPECT_EQ(graph.add(*atom(kName, Operator::In, {"x"})), graph.add(*a));
  EXPECT_EQ(graph.add(*atom(kName, Operator::In, {"x", "y"})),
            graph.add(*atom(kName, Operator::Intersects, {"y", "x", "y"})));
}

TEST(Graph, WhatIsDecidedVanishes) {
  Graph graph;
  const TreePtr a = atom(kName, Operator::Equal, {"x"});
  const TreePtr never = combined(Tree::Kind::False, {});
  const TreePtr always = combined(Tree::Kind::True, {});
  const TreePtr not_a = combined(Tree::Kind::Not, {a});
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {a, never})), kFalseNode);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {a, always})), graph.add(*a));
  EXPECT_EQ(graph.add(*combined(Tree::Kind::Or, {a, always})), kTrueNode);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {a, not_a})), kFalseNode);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::Or, {not_a, a})), kTrueNode);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::Not, {not_a})), graph.add(*a));
}

TEST(Graph, StatefulPartsStayApartAndInOrder) {
  Graph graph;
  const TreePtr a = atom(kName, Operator::Equal, {"x"});
  const TreePtr s = atom(kCount, Operator::Equal, {"1"});
  const TreePtr never = combined(Tree::Kind::False, {});
  EXPECT_NE(graph.add(*s), graph.add(*s));
  const NodeId reached = graph.add(*combined(Tree::Kind::And, {a, s, a, never, s}));
  ASSERT_EQ(graph.node(reached).kind, Node::Kind::And);
  EXPECT_EQ(graph.node(reached).children.size(), 3U);  // a, s, false
  EXPECT_EQ(graph.node(reached).children.back(), kFalseNode);
  EXPECT_EQ(graph.add(*combined(Tree::Kind::And, {a, never, s})), kFalseNode);
}

TEST(Vocabulary, FieldsOfADomainShareBits) {
  Graph graph;
  Vocabulary vocabulary;
  const NodeId name = graph.add(*atom(kName, Operator::StartsWith, {"/etc"}));
  const NodeId raw = graph.add(*atom(kRaw, Operator::StartsWith, {"/etc"}));
  const NodeId equal = graph.add(*atom(kName, Operator::In, {"/a", "/etc/b"}));
  const NodeId both =
      graph.combine(Node::Kind::And, std::vector<NodeId>{name, graph.negate(equal)});
  EXPECT_NE(name, raw);
  EXPECT_EQ(vocabulary.bit_of(graph, name), vocabulary.bit_of(graph, raw));
  const uint32_t bit = vocabulary.bit_of(graph, both);
  const auto gate = vocabulary.gate_of(graph, std::vector<NodeId>{kTrueNode, both, kFalseNode});
  ASSERT_TRUE(gate);
  vocabulary.finish();
  const auto answers = [&](std::string_view text) {
    std::vector<uint64_t> words(vocabulary.words());
    vocabulary.answer(text, words.data());
    const auto get = [&](uint32_t b) { return (words[b / 64] >> (b % 64) & 1) != 0; };
    EXPECT_EQ(get(bit), vocabulary.answer_one(text, bit));
    const uint32_t first = vocabulary.gate_bit(*gate);
    EXPECT_TRUE(get(first));
    EXPECT_EQ(get(first + 1), get(bit));
    EXPECT_FALSE(get(first + 2));
    return get(bit);
  };
  EXPECT_TRUE(answers("/etc/a"));
  EXPECT_FALSE(answers("/etc/b"));
  EXPECT_FALSE(answers("/a"));
  EXPECT_FALSE(answers(""));
}

// Every way of finding an atom for a text, against asking the atom.
TEST(Vocabulary, AffixesFindWhatTheAtomsSay) {
  Graph graph;
  Vocabulary vocabulary;
  const std::vector<std::string> constants = {"",   "a",     "ab",     "b",    "*b",   "a*", "a*b",
                                              "?a", "[ab]*", "*[ab]b", "\\a*", "*\\b", "ba"};
  std::vector<std::pair<NodeId, uint32_t>> bits;
  for (const Operator op :
       {Operator::StartsWith, Operator::EndsWith, Operator::Glob, Operator::IGlob,
        Operator::Contains, Operator::NotEqual, Operator::Equal, Operator::PMatch}) {
    for (const std::string& constant : constants) {
      const NodeId node = graph.add(*atom(kName, op, {constant}));
      bits.emplace_back(node, vocabulary.bit_of(graph, node));
    }
  }
  vocabulary.finish();
  const std::vector<std::string> texts = {"",    "a",   "b",  "ab",  "ba",
                                          "aab", "bab", "AB", "xab", "abx"};
  for (const std::string& text : texts) {
    std::vector<uint64_t> words(vocabulary.words());
    vocabulary.answer(text, words.data());
    for (const auto& [node, bit] : bits) {
      const Atom& asked = graph.atom(graph.node(node).atom);
      EXPECT_EQ((words[bit / 64] >> (bit % 64) & 1) != 0, asked.matches(Value::of_text(text)))
          << asked.key() << " on " << text;
    }
  }
}

}  // namespace
}  // namespace gyr
