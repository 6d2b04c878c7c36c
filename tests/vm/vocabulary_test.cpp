// SPDX-License-Identifier: Apache-2.0
// Answers about strings, found by indexes, against asking every atom; and the index of needles
// against searching for each.
#include "vm/vocabulary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace gyr {
struct EvalContext {};
namespace {

using Random = std::mt19937_64;

FieldInfo make_info() {
  FieldInfo info;
  info.name = "fd.name";
  info.type = Type::CharBuf;
  info.domain = Domain::Path;
  info.extract = [](const EvalContext&, const FieldUse&) { return Value(); };
  return info;
}
const FieldInfo kName = make_info();

TreePtr atom(Operator op, Modifier modifier, const std::vector<std::string>& texts) {
  FieldUse use;
  use.info = &kName;
  use.type = kName.type;
  AtomSpec spec;
  spec.op = op;
  spec.modifier = modifier;
  spec.left = make_field(use);
  for (const std::string& text : texts) {
    spec.constants.emplace_back();
    spec.constants.back().text = text;
  }
  auto tree = std::make_shared<Tree>();
  tree->kind = Tree::Kind::Atom;
  tree->atom = Atom::make(std::move(spec));
  return tree;
}

// Few different bytes, so that texts and needles meet: NUL, both cases, what paths and patterns are
// made of, bytes that differ from others by the bit of the case only.
std::string random_text(Random& random, size_t longest) {
  constexpr std::string_view kBytes("ab/aB/\0[*?\\`@\xc1\xe1", 15);
  std::string text;
  for (size_t size = random() % (longest + 1); size > 0; --size)
    text += kBytes[random() % kBytes.size()];
  return text;
}

bool contains(std::string_view text, std::string_view needle, NeedleIndex::Case match_case) {
  return match_case == NeedleIndex::Case::Any ? contains_ignoring_case(text, needle)
                                              : text.find(needle) != std::string_view::npos;
}

TEST(NeedleIndex, FindsWhatSearchingFinds) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    NeedleIndex index;
    std::vector<std::pair<std::string, NeedleIndex::Case>> needles;
    for (size_t count = random() % 12; count > 0; --count) {
      std::string needle = random_text(random, 6);
      if (needle.size() < NeedleIndex::kShortest) continue;
      const auto match_case = random() % 2 == 0 ? NeedleIndex::Case::Any : NeedleIndex::Case::Same;
      index.add(needle, match_case, static_cast<uint32_t>(needles.size()));
      needles.emplace_back(std::move(needle), match_case);
    }
    for (int i = 0; i < 50; ++i) {
      const std::string text = random_text(random, 40);
      std::set<uint32_t> found;
      index.find(text, [&found](uint32_t id) { found.insert(id); });
      for (uint32_t id = 0; id < needles.size(); ++id) {
        EXPECT_EQ(found.contains(id), contains(text, needles[id].first, needles[id].second));
      }
    }
  }
}

TEST(PathBytes, GivesComponentsWithASlashBehindEach) {
  const auto all = [](std::string_view path) {
    PathBytes bytes(path);
    std::string text;
    for (int byte = bytes.next(); byte >= 0; byte = bytes.next()) text += static_cast<char>(byte);
    return text;
  };
  EXPECT_EQ(all(""), "");
  EXPECT_EQ(all("///"), "");
  EXPECT_EQ(all("/a"), "a/");
  EXPECT_EQ(all("a//bc/"), "a/bc/");
}

constexpr Operator kOperators[] = {Operator::Equal,      Operator::NotEqual, Operator::In,
                                   Operator::Exists,     Operator::Contains, Operator::IContains,
                                   Operator::Glob,       Operator::IGlob,    Operator::PMatch,
                                   Operator::StartsWith, Operator::EndsWith, Operator::Contains};

TreePtr random_atom(Random& random) {
  const Operator op = kOperators[random() % std::size(kOperators)];
  const bool list = op == Operator::In || op == Operator::PMatch;
  const bool many = list || random() % 4 == 0;
  const auto modifier =
      list || !many ? Modifier::None
                    : std::array{Modifier::AnyOf, Modifier::AllOf, Modifier::OneOf}[random() % 3];
  std::vector<std::string> texts;
  if (op == Operator::Exists) return atom(op, Modifier::None, {});
  for (size_t count = many ? 1 + random() % 4 : 1; count > 0; --count)
    texts.push_back(random_text(random, 6));
  return atom(op, modifier, texts);
}

NodeId random_node(Random& random, Graph& graph, int depth) {
  if (depth == 0 || random() % 3 == 0) return graph.add(*random_atom(random));
  if (random() % 4 == 0) return graph.negate(random_node(random, graph, depth - 1));
  std::vector<NodeId> parts;
  for (size_t count = 2 + random() % 3; count > 0; --count)
    parts.push_back(random_node(random, graph, depth - 1));
  return graph.combine(random() % 2 == 0 ? Node::Kind::And : Node::Kind::Or, parts);
}

TEST(Vocabulary, AnswersAreThoseOfTheAtoms) {
  Random random(2);
  for (int round = 0; round < 200; ++round) {
    Graph graph;
    Vocabulary vocabulary;
    std::vector<NodeId> nodes = {kTrueNode, kFalseNode};
    std::vector<uint32_t> bits;
    for (int i = 0; i < 20; ++i) nodes.push_back(random_node(random, graph, 3));
    for (const NodeId node : nodes) bits.push_back(vocabulary.bit_of(graph, node));
    const auto gate = vocabulary.gate_of(graph, nodes);
    ASSERT_TRUE(gate);
    vocabulary.finish();
    std::vector<uint64_t> words(vocabulary.words());
    for (int i = 0; i < 40; ++i) {
      const std::string text = random_text(random, 20);
      vocabulary.answer(text, words.data());
      const auto get = [&](uint32_t b) { return (words[b / 64] >> (b % 64) & 1) != 0; };
      for (size_t n = 0; n < nodes.size(); ++n) {
        ASSERT_EQ(get(bits[n]), vocabulary.answer_one(text, bits[n]))
            << testing::PrintToString(text);
        ASSERT_EQ(get(vocabulary.gate_bit(*gate) + static_cast<uint32_t>(n)), get(bits[n]));
      }
    }
  }
}

// More atoms than are tracked one by one.
TEST(Vocabulary, LargeVocabulariesAnswerTheSame) {
  Graph graph;
  Vocabulary vocabulary;
  std::vector<uint32_t> bits;
  const NodeId prefix = graph.add(*atom(Operator::StartsWith, Modifier::None, {"/a"}));
  for (size_t i = 0; i < Vocabulary::kMaxTracked / 2 + 10; ++i) {
    const NodeId one =
        graph.add(*atom(Operator::Equal, Modifier::None, {"/a" + std::to_string(i)}));
    bits.push_back(vocabulary.bit_of(
        graph, graph.combine(Node::Kind::And, std::vector<NodeId>{prefix, graph.negate(one)})));
  }
  vocabulary.finish();
  std::vector<uint64_t> words(vocabulary.words());
  for (const std::string text : {"/a7", "/b", "/a"}) {
    vocabulary.answer(text, words.data());
    for (size_t i = 0; i < bits.size(); i += 7) {
      ASSERT_EQ((words[bits[i] / 64] >> (bits[i] % 64) & 1) != 0,
                vocabulary.answer_one(text, bits[i]));
    }
  }
}

}  // namespace
}  // namespace gyr
