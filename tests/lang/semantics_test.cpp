// SPDX-License-Identifier: Apache-2.0
// What conditions mean: missing values, operators on every type, several values, modifiers,
// functions. Each row is evaluated by the naive walk and by the compiled program (holds() demands
// that they agree).
#include <gtest/gtest.h>

#include <random>

#include "world.h"

namespace gyr {
namespace {

using namespace testing_world;

struct Row {
  std::string_view text;
  bool result;
};

void expect_rows(const std::vector<Row>& rows, const EvalContext& context) {
  for (const Row& row : rows) EXPECT_EQ(holds(row.text, context), row.result) << row.text;
}

TEST(Semantics, MissingValuesMakeEveryCheckFalse) {
  const EvalContext nothing;
  for (const std::string_view field : {"proc.name", "fd.name", "evt.note"}) {
    for (const std::string_view check :
         {"= x", "!= x", "exists", "in (x)", "contains x", "contains ''", "= val(evt.note)",
          "!= anyof (x, y)", "regex \".*\"", "glob *", "pmatch (/)", "= '<NA>'"}) {
      const std::string text = std::string(field) + ' ' + std::string(check);
      EXPECT_FALSE(holds(text, nothing)) << text;
      EXPECT_TRUE(holds("not " + text, nothing)) << text;
    }
  }
  expect_rows({{"evt.n != 1", false},
               {"evt.n < 1 or evt.n >= 1", false},
               {"evt.flag = false", false},
               {"fd.sip != 1.2.3.4", false},
               {"fd.ip != 1.2.3.4", false},
               {"fd.ip exists", true},
               {"fd.port != 1", false},
               {"proc.aname != sh", false},
               {"fd.types in (x)", false},
               {"len(proc.name) = 0", false},
               {"concat(proc.name, 'x') exists", false}},
              nothing);
}

TEST(Semantics, TextOperators) {
  EvalContext c;
  c.name = "Bash.so";
  c.note = "";
  expect_rows({{"proc.name = Bash.so", true},
               {"proc.name = bash.so", false},
               {"proc.name != bash.so", true},
               {"proc.name == Bash.so", true},
               {"proc.name in (a, Bash.so)", true},
               {"proc.name in (B*)", false},
               {"proc.name in ()", false},
               {"proc.name intersects (a, Bash.so)", true},
               {"proc.name contains ash", true},
               {"proc.name contains ''", true},
               {"proc.name contains ASH", false},
               {"proc.name icontains ASH", true},
               {"proc.name icontains ''", true},
               {"proc.name startswith Ba", true},
               {"proc.name startswith ba", false},
               {"proc.name endswith .so", true},
               {"proc.name endswith so.", false},
               {"proc.name glob B*.so", true},
               {"proc.name glob b*", false},
               {"proc.name iglob b*.SO", true},
               {"proc.name glob 'Ba[r-t]?.s?'", true},
               {"proc.name regex Bash", false},
               {"proc.name regex 'B.*'", true},
               {"proc.name < 3", false},
               {"not proc.name < 3", true},
               {"proc.name exists", true},
               {"evt.note exists", true},
               {"evt.note = ''", true},
               {"evt.note contains ''", true},
               {"evt.note startswith ''", true},
               {"evt.note glob '*'", true},
               {"evt.note glob '?'", false}},
              c);
}

TEST(Semantics, RegexSeesInvalidBytesAsReplacementCharacters) {
  EvalContext c;
  c.note = std::string("a\xff") + "b";
  expect_rows({{"evt.note regex 'a.b'", true},
               {"evt.note regex 'ab'", false},
               {"evt.note contains \"\\xff\"", true},
               {"evt.note = \"a\\xffb\"", true}},
              c);
}

TEST(Semantics, PathPrefixes) {
  EvalContext c;
  c.path = "/usr/bin/sh";
  expect_rows({{"fd.name pmatch (/usr)", true},
               {"fd.name pmatch (usr)", true},
               {"fd.name pmatch (/usr/)", true},
               {"fd.name pmatch (/us)", false},
               {"fd.name pmatch (/usr/bin/sh)", true},
               {"fd.name pmatch (/usr/bin/sh/x)", false},
               {"fd.name pmatch (/etc, /u*/b?n)", true},
               {"fd.name pmatch (/u*)", true},
               {"fd.name pmatch (/*/sh)", false},
               {"fd.name pmatch (/)", true},
               {"fd.name pmatch ()", false}},
              c);
}

TEST(Semantics, NumbersAndTruthValues) {
  EvalContext c;
  c.number = -2;
  c.uid = 4294967295;
  c.large = 18446744073709551615ULL;
  c.ratio = 1.5;
  c.flag = false;
  expect_rows({{"evt.n = -2", true},
               {"evt.n in (-13, -2)", true},
               {"evt.n < -1", true},
               {"evt.n <= -3", false},
               {"evt.n > -3", true},
               {"evt.n != 5", true},
               {"user.uid = -1", true},
               {"user.uid >= 4294967295", true},
               {"user.uid > 4294967295", false},
               {"user.uid = 8589934591", false},
               {"evt.large = -1", true},
               {"evt.large > 9223372036854775807", true},
               {"evt.large < 0", false},
               {"evt.ratio > 1.25", true},
               {"evt.ratio in (2, 1.5)", true},
               {"evt.flag = false", true},
               {"evt.flag in (true)", false},
               {"evt.flag != true", true},
               {"evt.n = oneof (-2, 5)", true},
               {"evt.n intersects (-2)", true}},
              c);
}

TEST(Semantics, Bytes) {
  EvalContext c;
  c.bytes = std::string("GET \x01\x80/", 7);
  expect_rows({{"evt.buffer contains GET", true},
               {"evt.buffer startswith GET", true},
               {"evt.buffer endswith /", true},
               {"evt.buffer bcontains 200180", true},
               {"evt.buffer bcontains 200181", false},
               {"evt.buffer bstartswith 4745", true},
               {"evt.buffer bstartswith 45", false},
               {"evt.buffer = \"GET \\x01\\x80/\"", true},
               {"len(evt.buffer) = 7", true}},
              c);
}

TEST(Semantics, Addresses) {
  EvalContext c;
  c.ip = ip("10.1.2.3");
  c.ip->bytes[15] = 1;  // left over from an IPv6 tuple that the socket got
  c.ends = {*c.ip, ip("192.168.0.1")};
  c.ports = {443, 51000};
  expect_rows({{"fd.sip = 10.1.2.3", true},
               {"fd.sip != ::1", true},
               {"fd.sip = ::1", false},
               {"fd.sip in (::1, 10.1.2.3)", true},
               {"fd.ip = 192.168.0.1", true},
               {"fd.ip = 8.8.8.8", false},
               {"fd.ip != 10.1.2.3", false},
               {"fd.ip != 8.8.8.8", true},
               {"fd.ip in (8.8.8.8, 192.168.0.1)", true},
               {"fd.ip in (8.8.8.8)", false},
               {"fd.ip intersects (192.168.0.1)", true},
               {"fd.ip = anyof (8.8.8.8, 192.168.0.1)", true},
               {"fd.ip = allof (10.1.2.3, 192.168.0.1)", true},
               {"fd.ip = oneof (10.1.2.3, 192.168.0.1)", false},
               {"fd.ip != anyof (10.1.2.3, 8.8.8.8)", true},
               {"fd.ip != allof (10.1.2.3, 8.8.8.8)", false},
               {"fd.net = 10.0.0.0/8", true},
               {"fd.net = 10.1.2.0/23", true},
               {"fd.net = 10.1.0.0/23", false},
               {"fd.net != 10.0.0.0/8", false},
               {"fd.net != 172.16.0.0/12", true},
               {"fd.net in (172.16.0.0/12, 192.168.0.0/16)", true},
               {"fd.net intersects (172.16.0.0/12, 192.168.0.0/16)", true},
               {"fd.net = ::/0", false},
               {"fd.port = https", true},
               {"fd.port < 500", true},
               {"fd.port in (80, 51000)", true},
               {"fd.port != 443", false},
               {"fd.port != 80", true}},
              c);
}

TEST(Semantics, SeveralValues) {
  EvalContext c;
  c.ancestors = {"sh", "init"};
  c.kinds = {{"file", "pipe"}};
  expect_rows({{"proc.aname = sh", true},
               {"proc.aname = init", true},
               {"proc.aname = x", false},
               {"proc.aname != sh", true},
               {"proc.aname in (x, init)", true},
               {"proc.aname startswith in", true},
               {"proc.aname[0] = sh", true},
               {"proc.aname[1] = sh", false},
               {"proc.aname[1] exists", true},
               {"proc.aname[2] exists", false},
               {"proc.aname[2] != sh", false},
               {"proc.aname = oneof (sh, x)", true},
               {"proc.aname exists", true},
               {"fd.types in (file, pipe, ipv4)", true},
               {"fd.types in (file)", false},
               {"fd.types intersects (ipv4, pipe)", true},
               {"fd.types intersects (ipv4)", false},
               {"fd.types intersects ('(file)')", false},
               {"len(fd.types) = 2", true},
               {"join('+', fd.types) = file+pipe", true},
               {"fd.types exists", true}},
              c);
  c.ancestors = {"sh"};
  expect_rows({{"proc.aname != sh", false}}, c);
}

TEST(Semantics, Modifiers) {
  EvalContext c;
  c.name = "abc";
  expect_rows({{"proc.name = anyof (x, abc)", true},
               {"proc.name != anyof (abc, x)", true},
               {"proc.name != allof (abc, x)", false},
               {"proc.name != allof (y, x)", true},
               {"proc.name startswith oneof (a, x)", true},
               {"proc.name startswith oneof (a, ab)", false},
               {"proc.name contains allof (a, b, c)", true},
               {"proc.name contains allof (a, d)", false},
               {"proc.name glob anyof (x*, a*)", true},
               {"proc.name regex oneof (\"a..\", \".bc\")", false},
               {"proc.name regex anyof (\"x\", \".bc\")", true},
               {"proc.name = anyof ()", false},
               {"proc.name = allof ()", false}},
              c);
}

TEST(Semantics, Functions) {
  EvalContext c;
  c.name = "Sh";
  c.parent = "bash";
  c.path = "/usr/bin/Sh";
  c.exe = "tar -xf a.tgz --verbose -C /tmp -- -z";
  c.note = "aGVsbG8";
  c.pid = 7;
  expect_rows({{"toupper(proc.name) = SH", true},
               {"tolower(proc.name) = sh", true},
               {"proc.name = val(proc.pname)", false},
               {"tolower(proc.name) = tolower(proc.name)", true},
               {"basename(fd.name) = val(proc.name)", true},
               {"proc.pname endswith tolower(proc.name)", true},
               {"b64(evt.note) = hello", true},
               {"b64(proc.pname) exists", true},
               {"b64(fd.name) exists", false},  // bits beyond the last byte
               {"b64(proc.exe) exists", false},
               {"len(proc.pname) >= 4", true},
               {"concat(proc.name, '/', proc.pid) = Sh/7", true},
               {"concat('/usr/bin/', proc.name) = val(fd.name)", true},
               {"join(' ', (proc.name, proc.pname)) = 'Sh bash'", true},
               {"getopt(proc.exe, 'xf:C:v')[f] = a.tgz", true},
               {"getopt(proc.exe, 'xf:C:v')[C] = /tmp", true},
               {"getopt(proc.exe, 'xf:C:v')[x] exists", true},
               {"getopt(proc.exe, 'xf:C:vz')[z] exists", false},
               {"getopt(proc.exe, 'xf:C:v')[v] exists", false},
               {"proc.pname in tolower(proc.pname)", true}},
              c);
}

TEST(Semantics, LongConstantsUnderFunctionsWork) {
  EvalContext c;
  c.note = std::string(400, 'A');
  EXPECT_TRUE(holds("tolower(evt.note) = '" + std::string(400, 'a') + "'", c));
}

TEST(Program, TellsWhichTypesAndWhatIsLeft) {
  const std::vector<CheckedPtr> rules = {
      checked("evt.type = open and fd.name = x and evt.n = 1"),
      checked("evt.type in (open, close)"),
      checked("evt.type != close and evt.type != open and evt.type = open")};
  const auto program = compile(rules, dialect());
  EXPECT_EQ(residual_atoms(*program, 0, 0), 2U);
  EXPECT_EQ(residual_atoms(*program, 0, 1), 0U);
  EXPECT_EQ(residual_atoms(*program, 1, 0), 0U);
  const Evaluator evaluator(program);
  EXPECT_FALSE(evaluator.never_matches(0));
  EXPECT_FALSE(evaluator.never_matches(1));
  EXPECT_TRUE(evaluator.never_matches(2));
  EXPECT_FALSE(evaluator.never_matches(4));  // a type without a fixed name
}

TEST(Program, CountsEventsAndMatches) {
  const std::vector<CheckedPtr> rules = {checked("evt.type = open and evt.n = 1"),
                                         checked("evt.type in (open, close)")};
  Evaluator evaluator(compile(rules, dialect()));
  for (uint16_t i = 0; i < 12; ++i) {
    EvalContext context;
    context.type = i % 3;
    context.number = i % 2;
    EvalInput input;
    input.context = &context;
    input.event_type = context.type;
    evaluator.evaluate(input, MatchMode::First);
  }
  const std::vector<RuleCounters> counters = evaluator.counters();
  EXPECT_EQ(counters[0].evaluated, 4U);
  EXPECT_EQ(counters[0].matched, 2U);
  EXPECT_EQ(counters[1].evaluated, 8U);
  EXPECT_EQ(counters[1].matched, 6U);  // two of its events went to the first rule
}

// More rules than one group holds, in order.
TEST(Program, ManyRulesKeepTheirOrder) {
  std::vector<CheckedPtr> rules;
  for (int i = 0; i < 300; ++i) {
    rules.push_back(checked("fd.name startswith /" + std::to_string(i % 7) +
                            " and evt.n >= " + std::to_string(i % 5)));
  }
  StrPool pool;
  EvalContext context;
  context.pool = &pool;
  context.path = "/3x";
  context.number = 2;
  Evaluator evaluator(compile(rules, dialect()));
  EvalInput input;
  input.context = &context;
  for (int turn = 0; turn < 2; ++turn) {
    const auto matched = evaluator.evaluate(input, MatchMode::All);
    std::vector<uint32_t> want;
    for (uint32_t i = 0; i < 300; ++i) {
      if (i % 7 == 3 && i % 5 <= 2) want.push_back(i);
    }
    EXPECT_EQ(std::vector<uint32_t>(matched.begin(), matched.end()), want);
    EXPECT_EQ(evaluator.evaluate(input, MatchMode::First).size(), 1U);
  }
}

// Values of one event are extracted once, answers about strings and threads more rarely still.
TEST(Program, WorkIsNotRepeated) {
  const std::vector<CheckedPtr> rules = {
      checked("fd.name = /a and evt.n = 1"), checked("fd.name startswith /b and evt.n = 2"),
      checked("proc.name = x and proc.pname = y and evt.note = z"),
      checked("proc.name = w and evt.note = q")};
  StrPool pool;
  EvalContext context;
  context.pool = &pool;
  context.path = "/c";
  context.name = "x";
  context.parent = "y";
  context.note = "n";
  Evaluator evaluator(compile(rules, dialect()));
  ThreadMemo memo;
  EvalInput input;
  input.context = &context;
  input.memo = &memo;
  input.thread_version = 1;
  evaluator.evaluate(input, MatchMode::All);
  EXPECT_LE(context.extractions, 4U);  // path, name, parent, note
  context.extractions = 0;
  evaluator.evaluate(input, MatchMode::All);
  EXPECT_EQ(context.extractions, 2U);  // path, note
}

}  // namespace
}  // namespace gyr
