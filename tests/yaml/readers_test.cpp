// SPDX-License-Identifier: Apache-2.0
// Both readers give the same: what libyaml reads, yaml-cpp reads, too, as the same tree in the same
// places. On texts where they are known to differ, on our rules, and on mutated pieces of rules.
#include "yaml/readers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace gyr::yaml {
namespace {

// All of a tree with the place of each value. Places behind the end count as the end.
void outline(const Node& node, std::string* out) {
  *out += "?\"[{"[static_cast<size_t>(node.kind)];
  *out += std::to_string(node.mark.line) + ':' + std::to_string(node.mark.column) + ' ';
  *out += (node.quoted ? "quoted " : "") + node.tag + ' ' + node.text;
  for (const NodePtr& item : node.items) outline(*item, out);
  for (const Node::Entry& entry : node.entries) {
    outline(*entry.key, out);
    outline(*entry.value, out);
  }
  *out += '.';
}

std::string outline(const std::vector<NodePtr>& roots) {
  std::string out;
  for (const NodePtr& root : roots) outline(*root, &out);
  return out;
}

struct Both {
  bool fast = false;
  bool valid = false;
};

// `parse` gives the document that both readers need; its own tree is not looked at.
Both compare(const std::string& text) {
  const auto document = parse(text).document;
  const auto fast = read_fast(*document);
  const Reading reference = read_as_reference(*document);
  if (fast) {
    EXPECT_TRUE(reference.errors.empty()) << reference.errors[0].message << " in\n" << text;
    EXPECT_EQ(outline(*fast), outline(reference.roots)) << text;
  }
  return {fast.has_value(), reference.errors.empty()};
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The reason for having the fast one: a rules file that needs the other one starts slowly.
TEST(YamlReaders, OurRulesAreReadFast) {
  const Both both = compare(contents(GYR_SOURCE_DIR "/rules/gyr_rules.yaml"));
  EXPECT_TRUE(both.fast);
  EXPECT_TRUE(both.valid);
}

TEST(YamlReaders, UsualTextIsReadFast) {
  for (const char* text : {
           "",
           "# nothing\n",
           "---\n- a\n---\n- b\n...\n",
           "- rule: x\n  tags: [a, b]\n  enabled: true\n  desc: >\n    a\n    b\n",
           "a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\n",
           "a:\nb: # nothing\n\nc:\n  -\n  - ~\n",
           "a: \"\\u00e4\\n\"\nb: 'it''s'\n",
           "# \u00e4\u00f6\u00fc \u2026\na: \u00e4\nb: [\u20ac, \U0001f600, c]\nc:\nd: |\n  "
           "\u00e4\n",
           "- a\r\n- b: c\r\n  d:\r\n",
           "condition: a startswith /b?\n",
       }) {
    EXPECT_TRUE(compare(text).fast) << text;
  }
}

// What libyaml reads, but not as yaml-cpp does, or what it cannot read at all.
TEST(YamlReaders, DoubtfulTextIsLeftToTheReference) {
  for (const char* text : {
           "[!a b, !!str c]", "!a%41 b",        "%YAML 1.1\n---\na", "a\n---\n%TAG !e! x\n",
           "a: b\rc: d\r",    "a: b\u2028c",    "a: 1\n\ufeff",      "? a\n",
           "{? a}",           "{a, b: c}",      "{a: , b: c}",       "[a?b]",
           "&a: b",           "- &a b\n c",     "-\n>\n a",          "\"\n\n\"",
           "a: \"b\n\n\n\"",  "- - &a >\n   b", "- >\n  a\n  ",      "[&a :b]",
           "[x,,y]",          "a: \xe9",        "&a.b c: *a.b",      "- a\n-b",
           "a: *nobody",      "a: &x [*x]",     "{<<: 1}",
       }) {
    EXPECT_FALSE(compare(text).fast) << text;
  }
}

// Texts of lines of our rules and of pieces that matter to YAML. The same texts in every run.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {
    std::istringstream file(contents(GYR_SOURCE_DIR "/rules/gyr_rules.yaml"));
    for (std::string line; std::getline(file, line);) lines_.push_back(line + '\n');
  }

  std::string next() {
    std::string text;
    if (below(4) == 0) {
      for (size_t left = 1 + below(12); left > 0; --left) text += piece();
      return text;
    }
    const size_t first = below(lines_.size());
    const size_t end = std::min(lines_.size(), first + 1 + below(12));
    for (size_t i = first; i < end; ++i) text += lines_[i];
    for (size_t left = below(4); left > 0; --left) change(&text);
    return text;
  }

 private:
  size_t below(size_t end) { return random_() % end; }

  std::string_view piece() {
    static constexpr std::string_view kPieces[] = {
        " ",       "  ",    "\t",      "\n",    "\r\n",        "\r",     "- ",     "-",
        "- - ",    "? ",    "?",       ": ",    ":",           "k: ",    "k: v\n", "a:\n",
        "[",       "]",     "{",       "}",     ",",           "[a, b]", "{a: b}", "#",
        " # c",    "'",     "\"",      "\\",    "|",           "|-",     "|2",     ">",
        "> ",      ">-",    "&a ",     "*a",    "&a",          "!t ",    "!",      "!!str ",
        "---\n",   "...\n", "--- ",    "<<: ",  "%YAML 1.2\n", "~",      "null",   "a",
        "x y",     "\\n",   "\\u00e4", "@",     "`",           "\u00e4", "\xe9",   "''",
        "\n\n",    "\n  ",  "\n    ",  "true",  "\u2026",      "\u2028", "\ufeff", "\\\n",
        "  - b\n", "=",     "# c\n",   "- k: ", "\U0001f600",  "\x7f",
    };
    return kPieces[below(std::size(kPieces))];
  }

  void change(std::string* text) {
    const size_t at = below(text->size() + 1);
    const size_t kind = below(4);
    if (kind == 0 && !text->empty()) {
      text->erase(std::min(at, text->size() - 1), 1 + below(4));
    } else if (kind == 1) {
      text->insert(at, lines_[below(lines_.size())]);
    } else {
      text->insert(at, piece());
    }
  }

  std::mt19937 random_;  // the same numbers everywhere, unlike the distributions of std
  std::vector<std::string> lines_;
};

TEST(YamlReaders, AgreeOnMutatedRules) {
  constexpr size_t kTexts = 20'000;
  Maker maker(1);
  size_t fast = 0;
  size_t valid = 0;
  for (size_t i = 0; i < kTexts && !testing::Test::HasFailure(); ++i) {
    const std::string text = maker.next();
    if (text.find("\\N") != text.npos || text.find("\\_") != text.npos) continue;
    const Both both = compare(text);
    fast += both.fast ? 1 : 0;
    valid += both.valid ? 1 : 0;
  }
  EXPECT_GT(fast, kTexts / 5);
  EXPECT_GT(valid, fast);
  EXPECT_LT(valid, kTexts * 9 / 10);
}

}  // namespace
}  // namespace gyr::yaml
