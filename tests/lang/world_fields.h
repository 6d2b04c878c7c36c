// SPDX-License-Identifier: Apache-2.0
// The fields of the made-up world (world.h) and the naive evaluator, for tests and fuzzers: no
// gtest. Included by one source file of each program.
#pragma once

#include <algorithm>

#include "world.h"

namespace gyr::testing_world {
namespace {

using Text = std::optional<std::string> EvalContext::*;

template <Text kText>
Value text(const EvalContext& c, const FieldUse&) {
  ++c.extractions;
  return c.*kText ? Value::of_text(*(c.*kText)) : Value::null();
}

template <Text kText>
Value interned(const EvalContext& c, const FieldUse& use) {
  if (!(c.*kText) || !c.interned || c.pool == nullptr) return text<kText>(c, use);
  ++c.extractions;
  c.keep.push_back(c.pool->intern(*(c.*kText)));
  return Value::of_str(c.keep.back());
}

template <auto kNumber>
Value signed_number(const EvalContext& c, const FieldUse&) {
  ++c.extractions;
  return c.*kNumber ? Value::of_int(*(c.*kNumber)) : Value::null();
}

template <auto kNumber>
Value unsigned_number(const EvalContext& c, const FieldUse&) {
  return c.*kNumber ? Value::of_uint(*(c.*kNumber)) : Value::null();
}

Value ratio(const EvalContext& c, const FieldUse&) {
  return c.ratio ? Value::of_double(*c.ratio) : Value::null();
}
Value flag(const EvalContext& c, const FieldUse&) {
  return c.flag ? Value::of_bool(*c.flag) : Value::null();
}
Value bytes(const EvalContext& c, const FieldUse&) {
  return c.bytes
             ? Value::of_bytes({reinterpret_cast<const uint8_t*>(c.bytes->data()), c.bytes->size()})
             : Value::null();
}
Value one_ip(const EvalContext& c, const FieldUse&) {
  return c.ip ? Value::of_ip(*c.ip) : Value::null();
}

template <class Items, class Make>
Value list_of(const EvalContext& c, const Items& items, Make make) {
  if (items.empty()) return Value::null();
  auto* values = c.arena.array<Value>(items.size());
  std::transform(items.begin(), items.end(), values, make);
  return Value::of_list({values, items.size()});
}

Value text_value(const std::string& item) { return Value::of_text(item); }

Value ancestor_at(const EvalContext& c, const FieldUse& use) {
  const auto index = static_cast<size_t>(use.number);
  return index < c.ancestors.size() ? Value::of_text(c.ancestors[index]) : Value::null();
}
Value ancestors(const EvalContext& c, const FieldUse& use) {
  if (use.has_argument) return ancestor_at(c, use);
  return list_of(c, c.ancestors, text_value);
}
Value ancestors_text(const EvalContext& c, const FieldUse& use) {
  if (use.has_argument) return ancestor_at(c, use);
  std::string joined;
  for (const std::string& name : c.ancestors) joined += (joined.empty() ? "" : " ") + name;
  return c.ancestors.empty() ? Value::null() : Value::of_text(c.arena.copy(joined));
}
Result<void> bind_index(FieldUse& use) {
  if (!use.has_argument || use.argument.find_first_not_of("0123456789") != std::string::npos) {
    return Error{"a number is expected"};
  }
  use.number = std::atoll(use.argument.c_str());
  return {};
}
Value ports(const EvalContext& c, const FieldUse&) {
  return list_of(c, c.ports, [](uint64_t port) { return Value::of_uint(port); });
}
Value ends(const EvalContext& c, const FieldUse&) {
  return list_of(c, c.ends, [](const IpAddress& end) { return Value::of_ip(end); });
}
Value yes(const EvalContext&, const FieldUse&) { return Value::of_bool(true); }
Value kinds(const EvalContext& c, const FieldUse&) {
  return c.kinds ? list_of(c, *c.kinds, text_value) : Value::null();
}

Result<void> bind_count(FieldUse& use) {
  use.data = std::make_shared<uint64_t>(0);
  return {};
}
Value count(const EvalContext&, const FieldUse& use) {
  return Value::of_uint(++*static_cast<uint64_t*>(use.data.get()));
}

bool fold_type(uint16_t type, const FieldUse&, Value* value) {
  if (type >= kTypeNames.size()) return false;
  *value = Value::of_text(kTypeNames[type]);
  return true;
}
Result<void> check_type(const FieldUse&, std::string_view name) {
  if (std::find(kTypeNames.begin(), kTypeNames.end(), name) != kTypeNames.end() || name == "x") {
    return {};
  }
  return Error{"there is no event of this name"};
}
Value argument(const EvalContext& c, const FieldUse& use) {
  return Value::of_text(c.arena.copy(use.argument));
}

constexpr uint32_t kFixed = kNoTransformer | kNoRightHandSide;

std::vector<FieldInfo> make_fields() {
  std::vector<FieldInfo> fields;
  const auto add = [&](std::string_view name, Type type, Dependency dependency, Domain domain,
                       Extractor extract) -> FieldInfo& {
    FieldInfo info;
    info.name = name;
    info.type = type;
    info.dependency = dependency;
    info.domain = domain;
    info.extract = extract;
    fields.push_back(info);
    return fields.back();
  };
  using C = EvalContext;
  constexpr auto kEvent = Dependency::Event;
  constexpr auto kThread = Dependency::Thread;
  FieldInfo& type = add("evt.type", Type::CharBuf, kEvent, Domain::None, text<&C::type_name>);
  type.fold = fold_type;
  type.check_constant = check_type;
  add("evt.n", Type::Int64, kEvent, Domain::None, signed_number<&C::number>);
  add("evt.flag", Type::Bool, kEvent, Domain::None, flag);
  add("evt.ratio", Type::Double, kEvent, Domain::None, ratio);
  add("evt.large", Type::Uint64, kEvent, Domain::None, unsigned_number<&C::large>);
  add("evt.note", Type::CharBuf, kEvent, Domain::None, text<&C::note>);
  add("evt.buffer", Type::ByteBuf, kEvent, Domain::None, bytes);
  add("evt.arg", Type::CharBuf, kEvent, Domain::None, argument).flags = kArgumentRequired;
  add("evt.shown", Type::CharBuf, kEvent, Domain::None, text<&C::note>).flags = kPrintOnly;
  add("fd.name", Type::CharBuf, kEvent, Domain::Path, interned<&C::path>);
  add("fd.nameraw", Type::CharBuf, kEvent, Domain::Path, interned<&C::raw_path>);
  add("fd.path", Type::FsPath, kEvent, Domain::None, text<&C::path>);
  add("proc.name", Type::CharBuf, kThread, Domain::Comm, interned<&C::name>);
  add("proc.pname", Type::CharBuf, kThread, Domain::Comm, interned<&C::parent>);
  add("proc.exe", Type::CharBuf, kThread, Domain::None, text<&C::exe>);
  add("proc.pid", Type::Pid, kThread, Domain::None, signed_number<&C::pid>);
  add("user.uid", Type::Uint32, kThread, Domain::None, unsigned_number<&C::uid>);
  add("host.name", Type::CharBuf, Dependency::Constant, Domain::Other, interned<&C::other>);
  FieldInfo& aname = add("proc.aname", Type::CharBuf, kThread, Domain::Comm, ancestors_text);
  aname.quantifier = Quantifier::Any;
  aname.extract_each = ancestors;
  aname.flags = kArgumentAllowed | kFixed;
  aname.bind = bind_index;
  FieldInfo& port = add("fd.port", Type::Port, kEvent, Domain::None, yes);
  port.quantifier = Quantifier::Ends;
  port.extract_each = ports;
  port.flags = kFilterOnly | kFixed;
  FieldInfo& either = add("fd.ip", Type::IpAddr, kEvent, Domain::None, yes);
  either.quantifier = Quantifier::Ends;
  either.extract_each = ends;
  either.flags = kFilterOnly | kFixed;
  FieldInfo& net = add("fd.net", Type::IpNet, kEvent, Domain::None, yes);
  net.quantifier = Quantifier::Ends;
  net.extract_each = ends;
  net.flags = kFilterOnly | kFixed;
  add("fd.sip", Type::IpAddr, kEvent, Domain::None, one_ip);
  add("fd.types", Type::CharBuf, kEvent, Domain::None, kinds).flags = kIsList | kNoRightHandSide;
  FieldInfo& counter = add("util.cnt", Type::Uint64, kEvent, Domain::None, count);
  counter.flags = kStateful;
  counter.bind = bind_count;
  return fields;
}

}  // namespace

Dialect dialect() {
  static const std::vector<FieldInfo> kFields = make_fields();
  static const std::array<FieldClass, 1> kClasses = {
      FieldClass{.name = "test", .doc = "", .source = "", .hidden = false, .fields = kFields}};
  return {.fields = kClasses, .event_types = kWorldTypes};
}

bool naive(const Tree& tree, const EvalContext& context) {
  const auto one = [&](const TreePtr& child) { return naive(*child, context); };
  switch (tree.kind) {
    case Tree::Kind::False:
      return false;
    case Tree::Kind::True:
      return true;
    case Tree::Kind::Atom:
      return tree.atom->evaluate(context, context.arena);
    case Tree::Kind::Not:
      return !one(tree.children.front());
    case Tree::Kind::And:
      return std::all_of(tree.children.begin(), tree.children.end(), one);
    case Tree::Kind::Or:
      return std::any_of(tree.children.begin(), tree.children.end(), one);
  }
  return false;
}

}  // namespace gyr::testing_world
