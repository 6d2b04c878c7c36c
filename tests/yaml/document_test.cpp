// SPDX-License-Identifier: Apache-2.0
// Positions of YAML nodes and of every byte of their text; bounds on what a text may expand to.
#include "yaml/document.h"

#include <gtest/gtest.h>

namespace gyr::yaml {
namespace {

NodePtr parse_one(const std::string& text) {
  const ParseResult result = parse(text);
  EXPECT_TRUE(result.errors.empty()) << result.errors[0].message;
  return result.errors.empty() && !result.document->roots().empty() ? result.document->roots()[0]
                                                                    : std::make_shared<Node>();
}

std::string error_of(const std::string& text) {
  const ParseResult result = parse(text);
  if (result.errors.empty()) return "";
  EXPECT_TRUE(result.document->roots().empty());
  const ParseError& error = result.errors[0];
  return std::to_string(error.mark.line) + ":" + std::to_string(error.mark.column) + " " +
         error.message;
}

TEST(YamlDocument, KeepsKindsTagsAndQuotes) {
  const NodePtr root = parse_one("a: x\nb: 'x'\nc: [1, !tagged]\nd:\ne: {f: ~}\n");
  ASSERT_TRUE(root->is_map());
  EXPECT_EQ(root->find("a")->text, "x");
  EXPECT_FALSE(root->find("a")->quoted);
  EXPECT_TRUE(root->find("b")->quoted);
  ASSERT_EQ(root->find("c")->items.size(), 2u);
  EXPECT_EQ(root->find("c")->items[1]->tag, "!tagged");
  EXPECT_EQ(root->find("c")->items[1]->text, "");
  EXPECT_TRUE(root->find("d")->is_null());
  EXPECT_TRUE(root->find("e")->find("f")->is_null());
  EXPECT_EQ(root->find("nothing"), nullptr);
}

TEST(YamlDocument, PositionsCountFromOne) {
  const NodePtr root = parse_one("- a: x\n  b: !t &n  y\n");
  const Node* a = root->items[0]->find("a");
  const Node* b = root->items[0]->find("b");
  EXPECT_EQ(a->mark.line, 1u);
  EXPECT_EQ(a->mark.column, 6u);
  EXPECT_EQ(a->mark.offset, 5u);
  EXPECT_EQ(b->mark.line, 2u);
  EXPECT_EQ(b->mark.column, 13u) << "behind tag and anchor";
}

TEST(YamlDocument, ReadsSeveralDocuments) {
  const ParseResult result = parse("---\n- a\n---\n- b\n");
  ASSERT_TRUE(result.errors.empty());
  ASSERT_EQ(result.document->roots().size(), 2u);
  EXPECT_EQ(result.document->roots()[1]->items[0]->text, "b");
  EXPECT_TRUE(parse("").document->roots().empty());
}

TEST(YamlDocument, ResolvesAliasesAndMergeKeys) {
  const NodePtr root =
      parse_one("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [*b, {z: 4}]}\nall: *b\n");
  EXPECT_EQ(root->find("one")->find("x")->text, "1");
  EXPECT_EQ(root->find("one")->find("y")->text, "3") << "own keys win, also behind the merge";
  EXPECT_EQ(root->find("one")->entries.size(), 2u);
  EXPECT_EQ(root->find("two")->find("z")->text, "4");
  EXPECT_EQ(root->find("all"), root->find("base"));
}

TEST(YamlDocument, RefusesWhatIsNotYaml) {
  EXPECT_EQ(error_of("this : is : not : yaml"), "1:11 illegal map value");
  EXPECT_EQ(error_of("a: \x04 b"), "1:4 control characters are not allowed in YAML");
  EXPECT_EQ(error_of("a: &x [*x]"), "1:8 this alias is part of its own value");
  EXPECT_EQ(error_of("a: {<<: 1}"), "1:5 '<<' needs a map or a sequence of maps");
  EXPECT_EQ(error_of("a: *nobody").substr(0, 4), "1:4 ");
  EXPECT_NE(error_of(std::string(5000, '[')), "");
  EXPECT_NE(error_of(std::string(101, '[') + std::string(101, ']')), "");
  EXPECT_EQ(error_of(std::string(99, '[') + std::string(99, ']')), "");
}

// Found by rules_fuzz: such text would be empty documents without end.
TEST(YamlDocument, TextBehindTheValueIsAFaultInItsPlace) {
  for (const std::string_view text : {"- a\n, b)\n", "- - -\n, x"}) {
    const ParseResult result = parse(std::string(text));
    ASSERT_EQ(result.errors.size(), 1u) << text;
    EXPECT_EQ(result.errors[0].message, "no value can start here");
    EXPECT_EQ(result.errors[0].mark.line, 2u);
    EXPECT_EQ(result.errors[0].mark.column, 1u);
  }
}

// All of a tree in one line: scalars as 'text', quoted ones as "text", nulls as ~, tags as <tag>.
std::string outline(const Node& node) {
  std::string out = node.tag.empty() ? "" : '<' + node.tag + '>';
  if (node.is_null()) return out + '~';
  if (node.is_scalar())
    return out + (node.quoted ? '"' + node.text + '"' : '\'' + node.text + '\'');
  std::string inner;
  for (const NodePtr& item : node.items) inner += (inner.empty() ? "" : " ") + outline(*item);
  for (const Node::Entry& entry : node.entries)
    inner += (inner.empty() ? "" : " ") + outline(*entry.key) + '=' + outline(*entry.value);
  return out + (node.is_map() ? '{' + inner + '}' : '[' + inner + ']');
}

std::string outline_of(const std::string& text) {
  const ParseResult result = parse(text);
  if (!result.errors.empty()) return error_of(text);
  std::string out;
  for (const NodePtr& root : result.document->roots())
    out += (out.empty() ? "" : " --- ") + outline(*root);
  return out;
}

// What the parser of the reference makes of texts on which YAML readers disagree.
TEST(YamlDocument, ReadsWhatTheReferenceReads) {
  struct Row {
    const char* text;
    const char* outline;
  };
  const Row rows[] = {
      {"[x,,y]", "['x' ~ 'y']"},
      {"{x: 1,, y: 2}", "{'x'='1' ~=~ 'y'='2'}"},
      {"[a,]", "['a']"},
      {"{a, b: c}", "{'a'=~ 'b'='c'}"},
      {"{b:c}", "{'b:c'=~}"},
      {"{\"b\":c}", "{\"b\"='c'}"},
      {"[b: c, : d]", "[{'b'='c'} {~='d'}]"},
      {"[a:]", "[{'a'=~}]"},
      {"[? a : b]", "[{'a'='b'}]"},
      {"{?\n}", "{~=~}"},
      {"[-,a]", "['-' 'a']"},
      {"[x?y]", "1:3 unknown token"},
      {"- - a\n  - b\n- c\n", "[['a' 'b'] 'c']"},
      {"a:\n- b\n- c\nd: e\n", "{'a'=['b' 'c'] 'd'='e'}"},
      {"a:\n- b\nc", "{'a'=['b'] 'c'=~}"},
      {"a:\nb c", "{'a'=~ 'b c'=~}"},
      {"- \n-\n- ~\n- null", "[~ ~ ~ ~]"},
      {"? a\n: b\n? c\n", "{'a'='b' 'c'=~}"},
      {": a\n", "{~='a'}"},
      {"-\ta\n", "['a']"},
      {"- a\n-b\n", "['a'] --- '-b'"},
      {"--- a\n... b\n", "'a' --- 'b'"},
      {"a: b\n...\nc: d\n", "{'a'='b'} --- {'c'='d'}"},
      {"a\n---\nb", "'a' --- 'b'"},
      {"%FOO bar\n---\na", "'a'"},
      {"%YAML 1.2\n%TAG !e! tag:x,\n---\n!e!y z", "<tag:x,y>'z'"},
      {"%YAML 2.0\n---\na", "1:1 YAML major version too large"},
      {"%YAML one\n---\na", "1:1 bad YAML version: one"},
      {"%TAG ! a\n%TAG ! b\n---\na", "2:1 repeated TAG directive"},
      {"[!!str a, !<x> b, ! c, !d]", "[<tag:yaml.org,2002:str>'a' <x>'b' 'c' <!d>'']"},
      {"!a !b c", "1:4 cannot assign multiple tags to the same node"},
      {"&a &b c", "1:4 cannot assign multiple anchors to the same node"},
      {"&a.b c: *a.b", "{'c'='c'}"},
      {"# caf\xe9\na: \xe9", "{'a'='\xe9'}"},
      {"a: 'x\n\n  y '", "{'a'=\"x\ny \"}"},
      {"\"a\\\n  b\\x41\\u00e4\\U0001f600\\N\"", "\"abA\u00e4\U0001f600\u0085\""},
      {"\"\\ud800\"", "1:8 invalid unicode: 55296"},
      {"\"\\d\"", "1:4 unknown escape character: d"},
      {"\"a\n---\nb\"", "2:1 illegal document indicator in scalar"},
      {"'a", "1:3 illegal EOF in scalar"},
      {"a: |+\n  b\n\n", "{'a'=\"b\n\n\"}"},
      {"a: >2-\n   b\n  c\n", "{'a'=\" b\nc\"}"},
      {"a: |0\n b", "1:6 cannot set zero indentation for a block scalar"},
      {"a: | b\n", "1:6 unexpected character in block scalar"},
      {"a: |\n\tb\n", "2:1 illegal tab when looking for indentation"},
      {"a: x\n\ty", "2:1 illegal tab when looking for indentation"},
      {"a: b\n c: d\n", "2:3 illegal map value"},
      {"a: - b", "1:4 illegal block entry"},
      {"a: ? b", "1:4 illegal map key"},
      {"a: {}}", "1:6 illegal flow end"},
      {"[a}", "1:3 illegal flow end"},
      {"'a': 'b' c", "1:10 end of map not found"},
      {"a:\n  - b\n - c\n", "3:2 end of map not found"},
      {"- - a\n  -b\n -c", "2:3 end of sequence not found"},
      {"[a", "1:3 end of sequence flow not found"},
      {"{a: b", "1:6 end of map flow not found"},
      {"&", "1:2 anchor not found after &"},
      {"*a[b", "1:3 illegal character found while scanning alias"},
      {"!a;!b", "1:3 illegal character found while scanning tag handle"},
      {"!a! b", "1:4 tag handle with no suffix"},
      {"!<a b", "1:4 end of verbatim tag not found"},
  };
  for (const Row& row : rows) EXPECT_EQ(outline_of(row.text), row.outline) << row.text;
  const std::string key(1024, 'k');
  EXPECT_EQ(outline_of(key + ": v"), "{'" + key + "'='v'}");
  EXPECT_EQ(outline_of(key + "k: v"), "1:1026 illegal map value");
}

TEST(YamlDocument, AliasBombsAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(error_of(bomb).find("expands to too many values"), std::string::npos);
  std::string deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 200; ++i)
    deep += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  EXPECT_NE(error_of(deep).find("nested too deeply"), std::string::npos);
}

// Every byte of a text that is not blank is found where it stands in the source.
struct TraceCase {
  const char* name;
  const char* source;
  const char* text;
};
void PrintTo(const TraceCase& c, std::ostream* out) { *out << c.name; }

class Trace : public testing::TestWithParam<TraceCase> {};

TEST_P(Trace, FindsEveryByte) {
  const ParseResult result = parse(GetParam().source);
  ASSERT_TRUE(result.errors.empty()) << result.errors[0].message;
  const Node* node = result.document->roots()[0]->find("k");
  ASSERT_NE(node, nullptr);
  ASSERT_EQ(node->text, GetParam().text);
  const std::string_view source = result.document->source();
  for (size_t i = 0; i < node->text.size(); ++i) {
    const char c = node->text[i];
    if (c == ' ' || c == '\n' || c == '\t' || (c & 0x80) != 0) continue;
    const Mark mark = result.document->locate(*node, i);
    const char at = source[mark.offset];
    EXPECT_TRUE(at == c || at == '\\') << "byte " << i << " '" << c << "' found at '" << at << "'";
    EXPECT_EQ(mark.offset, result.document->mark_at(mark.offset).offset);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Styles, Trace,
    testing::Values(TraceCase{"plain", "k: evt.type = open and x", "evt.type = open and x"},
                    TraceCase{"plain_folded", "k: evt.type = open\n   and\n\n   x=1\n",
                              "evt.type = open and\nx=1"},
                    TraceCase{"literal", "k: |\n  a = 1\n    and b\n\n  c\nz: 1\n",
                              "a = 1\n  and b\n\nc\n"},
                    TraceCase{"literal_strip", "k: |-\n  a\n  b\n", "a\nb"},
                    TraceCase{"folded", "k: >\n  evt.type = open\n  and (b or\n    c)\n  d\n",
                              "evt.type = open and (b or\n  c)\nd\n"},
                    TraceCase{"folded_comment", "k: > # why\n\n  a\n  b\n", "\na b\n"},
                    TraceCase{"single", "k: 'it''s a ''b'' or\n  c'", "it's a 'b' or c"},
                    TraceCase{"double", "k: \"a \\\"b\\\" \\x41\\u00e4c \\\n   d e\\n\\nf\\\\g\"",
                              "a \"b\" A\xc3\xa4"
                              "c d e\n\nf\\g"},
                    TraceCase{"tagged", "k: !!str &x >-\n  a b\n  c", "a b c"},
                    TraceCase{"crlf", "k: >\r\n  a b\r\n  c d\r\n", "a b c d\n"}),
    [](const auto& param) { return param.param.name; });

TEST(YamlDocument, LinesAreGivenWithoutTheirEnds) {
  const ParseResult result = parse("a: 1\r\nb: 2");
  EXPECT_EQ(result.document->line_of({1, 1, 0}), "a: 1");
  EXPECT_EQ(result.document->line_of({2, 4, 9}), "b: 2");
  EXPECT_EQ(result.document->mark_at(999).line, 2u);
}

TEST(YamlDocument, TruthIsThatOfYaml11) {
  EXPECT_EQ(truth(*parse_one("Yes")), Truth::True);
  EXPECT_EQ(truth(*parse_one("off")), Truth::False);
  EXPECT_EQ(truth(*parse_one("'true'")), Truth::Neither);
  EXPECT_EQ(truth(*parse_one("maybe")), Truth::Neither);
}

}  // namespace
}  // namespace gyr::yaml
