// SPDX-License-Identifier: Apache-2.0
// A small set of fields for the tests of rule files: names, types and flags are real enough to
// check conditions against; nothing is ever extracted.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "lang/condition.h"
#include "schema/schema.h"

namespace gyr::fake {

inline Value no_value(const EvalContext&, const FieldUse&) { return Value::null(); }

inline bool fold_type(uint16_t event_type, const FieldUse&, Value* value) {
  if (event_type >= kEventCount) return false;
  *value = Value::of_text(all_events()[event_type].name);
  return true;
}

inline Result<void> check_type(const FieldUse&, std::string_view constant) {
  for (const EventInfo& event : all_events()) {
    if (event.name == constant) return {};
  }
  return Error{"there is no event type '" + std::string(constant) + "'"};
}

constexpr FieldInfo field(std::string_view name, Type type, uint32_t flags = 0) {
  FieldInfo info;
  info.name = name;
  info.type = type;
  info.flags = flags;
  info.extract = no_value;
  return info;
}

constexpr FieldInfo type_field() {
  FieldInfo info = field("evt.type", Type::CharBuf);
  info.fold = fold_type;
  info.check_constant = check_type;
  return info;
}

constexpr uint32_t kKeyOrIndex = kArgumentAllowed | kArgumentKey | kArgumentIndex;

inline constexpr std::array kEvt = {
    type_field(),
    field("evt.num", Type::Uint64),
    field("evt.dir", Type::CharBuf, kDeprecated),
    field("evt.arg", Type::CharBuf, kKeyOrIndex | kArgumentRequired),
    field("evt.args", Type::CharBuf),
    field("evt.is_open_write", Type::Bool),
    field("evt.is_open_read", Type::Bool),
};
inline constexpr std::array kProc = {
    field("proc.name", Type::CharBuf),
    field("proc.pname", Type::CharBuf),
    field("proc.exe", Type::CharBuf),
    field("proc.cmdline", Type::CharBuf),
    field("proc.aname", Type::CharBuf, kKeyOrIndex | kNoTransformer | kNoRightHandSide),
    field("proc.apid", Type::Int64, kArgumentAllowed | kArgumentIndex | kNoTransformer),
    field("proc.pid", Type::Int64),
};
inline constexpr std::array kFd = {
    field("fd.name", Type::CharBuf),      field("fd.filename", Type::CharBuf),
    field("fd.directory", Type::CharBuf), field("fd.cport", Type::Port),
    field("fd.typechar", Type::CharBuf),  field("fd.num", Type::Int64),
};
inline constexpr std::array kUser = {field("user.name", Type::CharBuf),
                                     field("user.uid", Type::Uint32)};
inline constexpr std::array kContainer = {field("container.id", Type::CharBuf, kSuggestedOutput),
                                          field("container.name", Type::CharBuf, kSuggestedOutput)};
inline constexpr std::array kAudit = {
    field("ka.verb", Type::CharBuf), field("ka.user.name", Type::CharBuf),
    field("ka.uri.param", Type::CharBuf, kArgumentAllowed | kArgumentKey)};

inline constexpr std::array kClasses = {
    FieldClass{"evt", "events", "", false, kEvt},
    FieldClass{"process", "processes", "syscall", false, kProc},
    FieldClass{"fd", "descriptors", "syscall", false, kFd},
    FieldClass{"user", "users", "syscall", false, kUser},
    FieldClass{"container", "containers", "syscall", false, kContainer},
    FieldClass{"ka", "audit", "k8s_audit", false, kAudit},
};

inline Dialect dialect() { return {kClasses, static_cast<uint16_t>(kEventCount)}; }

}  // namespace gyr::fake
