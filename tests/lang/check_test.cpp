// SPDX-License-Identifier: Apache-2.0
// Every cell of the matrix of types and operators, conversion of constants, and the exact wording
// of what is refused (tests/lang/faults.txt; rewrite it with GYR_REWRITE_GOLDENS=1).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "world.h"

namespace gyr {
namespace {

using namespace testing_world;

bool accepted(std::string_view text) {
  for (const TextFault& fault : faults_of(text)) {
    if (fault.severity == Severity::Error) return false;
  }
  return true;
}

struct MatrixRow {
  std::string_view field;
  std::string_view constant;
  std::string_view operators;  // those allowed, blank-separated
};

TEST(Check, MatrixOfTypesAndOperators) {
  constexpr std::string_view kNumber = "= == != < <= > >= in intersects exists";
  constexpr std::string_view kEquality = "= == != in intersects exists";
  constexpr std::string_view kText =
      "= == != in intersects exists contains icontains startswith endswith glob iglob pmatch regex";
  const std::vector<MatrixRow> rows = {
      {"evt.n", "1", kNumber},
      {"user.uid", "1", kNumber},
      {"evt.large", "1", kNumber},
      {"proc.pid", "1", kNumber},
      {"evt.ratio", "1", kNumber},
      {"fd.port", "1", kNumber},
      {"evt.flag", "true", kEquality},
      {"proc.name", "ab", kText},
      {"fd.path", "ab", kText},
      {"evt.buffer", "ab",
       "= == != in intersects exists contains startswith endswith bcontains bstartswith"},
      {"fd.sip", "1.2.3.4", kEquality},
      {"fd.net", "1.2.3.0/24", kEquality},
      {"fd.types", "ab", "in intersects exists"},
      {"len(proc.name)", "1", kNumber},
      {"toupper(proc.name)", "ab", kText},
      {"b64(evt.buffer)", "ab",
       "= == != in intersects exists contains startswith endswith bcontains bstartswith"},
      // Ordering of text parses with a number and selects nothing.
      {"proc.name", "3",
       "= == != < <= > >= in intersects exists contains icontains startswith endswith glob iglob "
       "pmatch regex"},
  };
  for (const MatrixRow& row : rows) {
    const std::string allowed = fmt::format(" {} ", row.operators);
    for (const std::string_view op :
         {"=",           "==",         "!=",     "<",        "<=",        ">",         ">=",
          "in",          "intersects", "exists", "contains", "icontains", "bcontains", "startswith",
          "bstartswith", "endswith",   "glob",   "iglob",    "pmatch",    "regex"}) {
      const bool list = op == "in" || op == "intersects" || op == "pmatch";
      const std::string right = op == "exists" ? ""
                                : list         ? fmt::format("({})", row.constant)
                                               : std::string(row.constant);
      const std::string text = fmt::format("{} {} {}", row.field, op, right);
      EXPECT_EQ(accepted(text), allowed.find(fmt::format(" {} ", op)) != std::string::npos) << text;
    }
  }
}

TEST(Check, Constants) {
  for (const auto* text :
       {"evt.n = -5", "evt.n = +5", "evt.n in (037, -2,-13)", "user.uid = -1",
        "user.uid > 4294967295", "user.uid = 99999999999", "evt.large = 18446744073709551615",
        "evt.ratio < 1.5", "evt.ratio = 1e3", "fd.port = https", "fd.port in (22, ssh, 99999)",
        "evt.flag in (true)", "fd.sip = ::1", "fd.net = fe80::/10", "evt.buffer bcontains 48545450",
        "evt.buffer bcontains \"\"", "evt.type = open", "evt.type in (open, close)"}) {
    EXPECT_TRUE(accepted(text)) << text;
  }
  for (const auto* text : {"evt.n = 0x1F",
                           "evt.n = 1.5",
                           "evt.n = 1e3",
                           "evt.n = abc",
                           "evt.n = ''",
                           "evt.n = 9223372036854775808",
                           "evt.large = 18446744073709551616",
                           "evt.flag = 0",
                           "evt.flag = True",
                           "fd.port = nosuchservice",
                           "fd.sip = 1.2.3.4.5",
                           "fd.sip = 1.2.3.4/8",
                           "fd.net = 1.2.3.4",
                           "fd.net = 1.2.3.4/33",
                           "fd.net = ::/129",
                           "evt.buffer bcontains 4",
                           "evt.buffer bcontains xy",
                           "evt.type = nosuch",
                           "evt.type regex \".*\"",
                           "proc.name regex \"(\""}) {
    EXPECT_FALSE(accepted(text)) << text;
  }
}

TEST(Check, FieldsAndArguments) {
  for (const auto* text :
       {"evt.arg.fd = x", "evt.arg[0] = x", "proc.aname = x", "proc.aname[2] = x",
        "proc.name = val(proc.pname)", "proc.name in val(proc.pname)", "len(fd.types) > 1",
        "proc.name = toupper(proc.pname)", "join(',', fd.types) = x",
        "concat(proc.name, proc.pid) = x", "getopt(proc.exe, 'ab:')[b] = x"}) {
    EXPECT_TRUE(accepted(text)) << text;
  }
  for (const auto* text : {"evt.arg = x",
                           "evt.argx = x",
                           "proc.namex = x",
                           "proc.name.x = y",
                           "proc.name[1] = y",
                           "proc.aname[x] = y",
                           "proc.aname.x = y",
                           "toupper(proc.aname) = X",
                           "evt.shown = x",
                           "proc.name = val(nosuch.field)",
                           "proc.name = val(proc.pid)",
                           "proc.name = val(fd.path)",
                           "proc.name = val(proc.aname)",
                           "proc.name regex val(proc.pname)",
                           "proc.name pmatch val(proc.pname)",
                           "fd.net = val(fd.net)",
                           "evt.n = val(evt.large)",
                           "toupper(evt.n) = X",
                           "toupper(proc.name, proc.exe) = a",
                           "basename(evt.buffer) = x",
                           "getopt(proc.exe)[c] = x",
                           "getopt(proc.exe, 'x') = x",
                           "toupper(proc.name)[x] = y",
                           "join(proc.name, proc.name) = x",
                           "proc.name = tolower(evt.n)"}) {
    EXPECT_FALSE(accepted(text)) << text;
  }
}

std::string shown(std::string_view text) {
  std::ostringstream out;
  out << text << "\n";
  for (const TextFault& fault : faults_of(text)) {
    out << std::string(fault.offset, ' ') << std::string(fault.size, '^') << "\n  "
        << (fault.severity == Severity::Warning ? "warning " : "") << code_text(fault.code) << ": "
        << fault.message << "\n";
  }
  return out.str();
}

TEST(Check, WordingOfFaults) {
  const std::string path = std::string(GYR_SOURCE_DIR) + "/tests/lang/faults.txt";
  std::ifstream file(path);
  std::ostringstream want;
  want << file.rdbuf();
  std::ostringstream got;
  for (const auto* text : {"proc.nam = bash",
                           "proc.name startswit ba",
                           "proc.name = toupperr(proc.pname)",
                           "touper(proc.name) = X",
                           "proc.name",
                           "proc.name = ",
                           "proc.name in (a b)",
                           "(evt.n = 1",
                           "evt.n = 1)",
                           "evt.n = 1 adn evt.n = 2",
                           "proc.name = \"a\\qb\"",
                           "proc.name 'x'",
                           "evt.n > many",
                           "evt.n startswith 1",
                           "evt.n = 0x10",
                           "evt.flag = yes",
                           "fd.port = htps",
                           "fd.sip = 1.2.3",
                           "fd.net = 10.0.0.1",
                           "evt.type = opne",
                           "fd.types = file",
                           "proc.name regex \"a(\"",
                           "proc.name regex \".*abc\"",
                           "proc.name < 3",
                           "proc.name = evt.arg.fd",
                           "proc.name = evt.arg[0]",
                           "evt.buffer contains proc.name",
                           "proc.name = tolower",
                           "proc.name = proc.exe.x",
                           "proc.name = proc.exe",
                           "proc.name in shells",
                           "proc.name = val(proc.pid)",
                           "toupper(evt.n) = X",
                           "nomacro and evt.n = 1",
                           "evt.arg = x",
                           "proc.aname[q] = x",
                           "evt.buffer bcontains 123",
                           "evt.buffer bcontains xyz",
                           "evt.n = 1 and",
                           "(evt.n = 1 and)",
                           "evt.n = 1 or not",
                           "evt.n = 1 and'x'",
                           "evt.n = 1 AND evt.n = 2",
                           "evt.n = 1 && evt.n = 2",
                           "evt.n = 1 || evt.n = 2",
                           "evt.n = 1 not evt.n = 2",
                           "NOT evt.n = 1",
                           "NOT(evt.n = 1)",
                           "!evt.n = 1",
                           "proc.name not in (a)",
                           "proc.name IN (a)",
                           "and evt.n = 1",
                           "proc.nme = 1 or evt.m = 1",
                           "concat() = x",
                           "getopt(proc.exe)[c] = x"}) {
    got << shown(text);
  }
  if (std::getenv("GYR_REWRITE_GOLDENS") != nullptr) {
    std::ofstream(path) << got.str();
    return;
  }
  EXPECT_EQ(got.str(), want.str());
}

TEST(Check, EveryDiagnosticHasItsTexts) {
  EXPECT_EQ(code_text(Code::CompileCondition), "LOAD_ERR_COMPILE_CONDITION");
  EXPECT_EQ(code_short_text(Code::UnknownField), "Unknown field or event type");
  for (int i = 0; i <= static_cast<int>(Code::UnknownField); ++i) {
    EXPECT_FALSE(code_help(static_cast<Code>(i)).empty());
  }
}

TEST(Needs, TypesByTheirNamesAlone) {
  const auto types = [](std::string_view text) {
    std::vector<std::string> names;
    const EventNeeds needs = event_needs(*checked(text), dialect());
    std::string result = needs.all ? "all" : "";
    for (size_t i = 0; i < kWorldTypes; ++i) {
      if (!needs.all && needs.types[i]) result += i < 4 ? std::string(kTypeNames[i]) + ' ' : "? ";
    }
    for (const std::string& name : needs.names) result += '+' + name;
    return result;
  };
  EXPECT_EQ(types("evt.type = open"), "open ? ? +open");
  EXPECT_EQ(types("evt.type in (open, close) and proc.name = x"), "open close ? ? +open+close");
  EXPECT_EQ(types("evt.type = open or evt.n = 1"), "all+open");
  EXPECT_EQ(types("not evt.type = open"), "close execve connect ? ? ");
  EXPECT_EQ(types("evt.type != open"), "close execve connect ? ? ");
  EXPECT_EQ(types("evt.type = open and evt.type = close"), "? ? +open+close");
  EXPECT_EQ(types("not (evt.type = open and proc.name = x)"), "all");
  EXPECT_EQ(types("not (evt.type != open or proc.name = x)"), "open ? ? +open");
  EXPECT_EQ(types("proc.name = x"), "all");
}

}  // namespace
}  // namespace gyr
