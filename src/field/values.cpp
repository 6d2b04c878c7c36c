// SPDX-License-Identifier: Apache-2.0
#include "field/values.h"

#include <charconv>
#include <memory>

namespace gyr {

uint64_t load_unsigned(Bytes bytes) {
  switch (bytes.size()) {
    case 0:
      return 0;
    case 1:
      return bytes[0];
    case 2:
    case 3:
      return load<uint16_t>(bytes.data());
    case 4:
    case 5:
    case 6:
    case 7:
      return load<uint32_t>(bytes.data());
    default:
      return load<uint64_t>(bytes.data());
  }
}

int64_t load_signed(Bytes bytes) {
  switch (bytes.size()) {
    case 0:
      return 0;
    case 1:
      return load<int8_t>(bytes.data());
    case 2:
    case 3:
      return load<int16_t>(bytes.data());
    case 4:
    case 5:
    case 6:
    case 7:
      return load<int32_t>(bytes.data());
    default:
      return load<int64_t>(bytes.data());
  }
}

void add_integer(ArenaText& out, Type type, Format format, Bytes bytes) {
  switch (format) {
    case Format::Hex:
      out.upper_hex(load_unsigned(bytes));
      return;
    case Format::Oct: {
      const uint64_t value = load_unsigned(bytes);
      if (value != 0) out.add('0');
      out.number(value, 8);
      return;
    }
    case Format::PaddedDec:
      out.padded(load_unsigned(bytes), 9);
      return;
    case Format::Na:
    case Format::Dec:
    case Format::Id:
    case Format::Dir:
      if (bytes.size() >= 4 || family_of(type) == Family::Signed) {
        out.number(load_signed(bytes));
      } else {
        out.number(load_unsigned(bytes));
      }
      return;
  }
}

const UserInfo* find_user(const EvalContext& context, const Thread& thread, uint32_t uid) {
  const UserInfo* user = context.state.user(thread.container_id, uid);
  if (user != nullptr || thread.container_id.empty()) return user;
  // Every list of users has a root: without one the container's list is unknown.
  const bool list_known = context.state.user(thread.container_id, 0) != nullptr;
  return list_known ? nullptr : context.state.user(Str(), uid);
}

const GroupInfo* find_group(const EvalContext& context, const Thread& thread, uint32_t gid) {
  const GroupInfo* group = context.state.group(thread.container_id, gid);
  if (group != nullptr || thread.container_id.empty()) return group;
  const bool list_known = context.state.group(thread.container_id, 0) != nullptr;
  return list_known ? nullptr : context.state.group(Str(), gid);
}

Value user_name(const EvalContext& context, uint32_t uid) {
  const Thread* thread = context.thread();
  const UserInfo* user =
      thread == nullptr ? context.state.user(Str(), uid) : find_user(context, *thread, uid);
  if (user != nullptr) return Value::of_str(user->name);
  return Value::of_text(uid == 0 ? "root" : "<NA>");
}

Value group_name(const EvalContext& context, uint32_t gid) {
  const Thread* thread = context.thread();
  const GroupInfo* group =
      thread == nullptr ? context.state.group(Str(), gid) : find_group(context, *thread, gid);
  if (group != nullptr) return Value::of_str(group->name);
  return Value::of_text(gid == 0 ? "root" : "<NA>");
}

Value type_name(const EvalContext& context) {
  const EventView& event = context.event;
  if (event.type() == Ev::ASYNCEVENT_E) return text_or_null(event.text(1));
  if (event.type() != Ev::GENERIC_X && event.type() != Ev::GENERIC_E) {
    return Value::of_text(event.info().name);
  }
  const ScInfo* call = sc_info(event.get<uint16_t>(0));
  // A call that the recording collector had no number for is known by the machine's number.
  if ((call == nullptr || call->sc == Sc::UNKNOWN) && event.has(1)) {
    const ScInfo* native = syscall_of_x86_64(event.get<uint16_t>(1));
    if (native != nullptr) call = native;
  }
  return Value::of_text(call == nullptr ? "<unknown syscall>" : call->name);
}

bool has_result_type(const EventInfo& info) {
  return info.source == EventSource::Syscall && info.is_exit() && info.type != Ev::GENERIC_X;
}

bool fold_without_fd(uint16_t type, const FieldUse&, Value* value) {
  return !has_fd(event_of(type)) && fold_to(value, Value::null());
}

bool fold_without_result(uint16_t type, const FieldUse&, Value* value) {
  return !has_result_type(event_of(type)) && fold_to(value, Value::null());
}

Result<int64_t> argument_number(const FieldUse& use) {
  int64_t number = 0;
  const char* end = use.argument.data() + use.argument.size();
  const auto result = std::from_chars(use.argument.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < 0) {
    return Error{std::string(use.info->name) + " takes a number, not '" + use.argument + "'"};
  }
  return number;
}

Result<void> bind_memory(FieldUse& use) {
  use.data = std::make_shared<char>();
  return {};
}

Result<void> bind_index(FieldUse& use) {
  const Result<int64_t> number = argument_number(use);
  if (!number) return number.error();
  use.number = *number;
  return {};
}

}  // namespace gyr
