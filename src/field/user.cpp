// SPDX-License-Identifier: Apache-2.0
// user.* and group.*: whose rights the thread has, by the lists of its container or of the host.
#include <array>

#include "field/families.h"
#include "field/values.h"

namespace gyr {
namespace {

Value uid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_uint(thread->uid);
}

Value name(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : user_name(context, thread->uid);
}

Value home(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  const UserInfo* user = find_user(context, *thread, thread->uid);
  if (user != nullptr) return Value::of_str(user->home);
  return Value::of_text(thread->uid == 0 ? "/root" : "<NA>");
}

Value shell(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  const UserInfo* user = find_user(context, *thread, thread->uid);
  return user == nullptr ? Value::of_text("<NA>") : Value::of_str(user->shell);
}

Value login_uid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  return Value::of_int(thread->loginuid == kNoId ? -1 : int64_t{thread->loginuid});
}

Value login_name(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : user_name(context, thread->loginuid);
}

Value gid(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : Value::of_uint(thread->gid);
}

Value group(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  return thread == nullptr ? Value::null() : group_name(context, thread->gid);
}

constexpr auto kUserFields = std::to_array<FieldInfo>({
    {.name = "user.uid",
     .type = Type::Uint32,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Effective user id.",
     .extract = uid},
    {.name = "user.name",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Name of the effective user.",
     .extract = name},
    {.name = "user.homedir",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Home directory of the effective user.",
     .extract = home},
    {.name = "user.shell",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Login shell of the effective user.",
     .extract = shell},
    {.name = "user.loginuid",
     .type = Type::Int64,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "User id of the login session, -1 if there was no login.",
     .extract = login_uid},
    {.name = "user.loginname",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Name of the user of the login session.",
     .extract = login_name},
});

constexpr auto kGroupFields = std::to_array<FieldInfo>({
    {.name = "group.gid",
     .type = Type::Uint32,
     .format = Format::Id,
     .dependency = Dependency::Thread,
     .doc = "Effective group id.",
     .extract = gid},
    {.name = "group.name",
     .type = Type::CharBuf,
     .dependency = Dependency::Thread,
     .domain = Domain::Other,
     .doc = "Name of the effective group.",
     .extract = group},
});

}  // namespace

std::span<const FieldInfo> user_fields() { return kUserFields; }
std::span<const FieldInfo> group_fields() { return kGroupFields; }

}  // namespace gyr
