// SPDX-License-Identifier: Apache-2.0
#include "lang/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "world.h"

namespace gyr {
namespace {

using namespace testing_world;

std::string rendered(std::string_view text, const EvalContext& context) {
  std::vector<TextFault> faults;
  const auto parsed = OutputTemplate::parse(text, dialect(), &faults);
  if (!parsed) return "refused at " + std::to_string(faults.at(0).offset);
  return parsed->render(context);
}

std::string names(std::string_view text) {
  std::vector<TextFault> faults;
  const auto parsed = OutputTemplate::parse(text, dialect(), &faults);
  std::string result;
  if (!parsed) return "refused";
  for (const OutputField& field : parsed->fields()) {
    result += (result.empty() ? "" : " ") + field.name;
    EXPECT_NE(field.use, nullptr);
  }
  return result;
}

TEST(Output, Tokens) {
  EvalContext c;
  c.name = "bash";
  c.path = "/a b";
  c.number = -3;
  c.flag = true;
  c.ip = ip("::1");
  c.ancestors = {"sh", "init"};
  c.kinds = {{"file", "pipe"}};
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"plain", "plain"},
      {"", ""},
      {"%proc.name", "bash"},
      {"a %proc.name, b", "a bash, b"},
      {"%proc.name.", "bash."},
      {"%proc.name%evt.n", "bash-3"},
      {"%proc.namefoo", "bashfoo"},
      {"%proc.name[1]", "bash[1]"},
      {"%proc.pname", "<NA>"},
      {"%fd.nameraw %fd.name", "<NA> /a b"},
      {"%proc.aname %proc.aname[1] %proc.aname[7]", "sh init init <NA>"},
      {"%evt.arg.res.", "res."},
      {"%evt.arg[a b]", "a b"},
      {"%6proc.name|", "bash  |"},
      {"%2proc.name|", "ba|"},
      {"%3evt.pname", "refused at 2"},
      {"%toupper(proc.name)!", "BASH!"},
      {"%tolower(toupper(proc.name))", "bash"},
      {"%len(proc.name)", "4"},
      {"%toupper(proc.pname)", "<NA>"},
      {"%evt.flag %fd.sip %fd.types", "true ::1 (file,pipe)"},
      {"%evt.shown", "<NA>"},
      {"100%", "refused at 3"},
      {"100%%", "refused at 3"},
      {"%% %proc.name", "refused at 0"},
      {"%nosuch.field", "refused at 1"},
      {"% proc.name", "refused at 0"},
      {"%fd.port", "refused at 1"},
      {"%toupper(evt.n)", "refused at 1"},
      {"%toupper(proc.name", "refused at 1"},
      {"%nosuch(proc.name)", "refused at 1"},
      {"%evt.arg", "refused at 1"},
      {"%proc.aname[x]", "refused at 1"},
      {"%proc.aname[1", "refused at 1"},
      {"%0proc.name", "refused at 0"},
  };
  for (const auto& [text, want] : rows) EXPECT_EQ(rendered(text, c), want) << text;
}

TEST(Output, FieldsEachOnceInOrderOfUse) {
  EXPECT_EQ(names("%evt.n %proc.name %evt.n %toupper(proc.pname) %proc.aname[2] %evt.arg.x"),
            "evt.n proc.name proc.pname proc.aname[2] evt.arg.x");
  EXPECT_EQ(names("nothing"), "");
}

TEST(Output, EveryFaultIsReported) {
  std::vector<TextFault> faults;
  EXPECT_FALSE(OutputTemplate::parse("%nosuch.a %proc.name %%", dialect(), &faults));
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0].code, Code::UnknownField);
  EXPECT_EQ(faults[1].code, Code::CompileOutput);
  EXPECT_EQ(faults[1].offset, 21U);
}

TEST(Output, UnknownFieldsGetASuggestion) {
  std::vector<TextFault> faults;
  EXPECT_FALSE(OutputTemplate::parse("%proc.nmae", dialect(), &faults));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0].message, testing::HasSubstr("proc.name"));
}

TEST(Output, WhatMayNotStandThereIsSaid) {
  std::vector<TextFault> faults;
  EXPECT_FALSE(OutputTemplate::parse("x %concat(proc.name,proc.exe)", dialect(), &faults));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0].message, testing::StartsWith("'concat' cannot stand in an output"));
  EXPECT_TRUE(OutputTemplate::parse("%proc.name(x)", dialect(), &faults)) << "text behind a field";
}

TEST(Output, RenderedValues) {
  EXPECT_EQ(render_value(Value::null(), Type::CharBuf, Format::Na), "<NA>");
  EXPECT_EQ(render_value(Value::of_uint(7), Type::RelTime, Format::PaddedDec), "000000007");
  EXPECT_EQ(render_value(Value::of_uint(0xfe00), Type::Int32, Format::Hex), "FE00");
  EXPECT_EQ(render_value(Value::of_uint(8), Type::Mode, Format::Oct), "10");
  EXPECT_EQ(render_value(Value::of_int(-1), Type::Int64, Format::Dec), "-1");
  EXPECT_EQ(render_value(Value::of_double(2.25), Type::Double, Format::Na), "2.2");
  EXPECT_EQ(render_value(Value::of_bool(false), Type::Bool, Format::Na), "false");
  const std::array<Value, 2> list = {Value::of_text("a"), Value::of_uint(2)};
  EXPECT_EQ(render_value(Value::of_list(list), Type::CharBuf, Format::Na), "(a,2)");
}

}  // namespace
}  // namespace gyr
