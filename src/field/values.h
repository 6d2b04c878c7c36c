// SPDX-License-Identifier: Apache-2.0
// Helpers that several field families share. Internal to field/.
#pragma once

#include <cstdint>
#include <string_view>

#include "field/arena_text.h"
#include "field/context.h"
#include "value/field_info.h"

namespace gyr {

// Little-endian integers of 1, 2, 4 or 8 bytes.
uint64_t load_unsigned(Bytes bytes);
int64_t load_signed(Bytes bytes);
// The number in the parameter's format; decimal is always signed, whatever the type (state-engine
// 15).
void add_integer(ArenaText& out, Type type, Format format, Bytes bytes);

// An interned string made while the event is evaluated.
inline Value held(const EvalContext& context, const Str& text) {
  context.arena.hold(text);
  return Value::of_str(text);
}
// `text` interned, so that answers about it are kept. For texts that repeat from event to event.
inline Value interned(const EvalContext& context, std::string_view text) {
  return held(context, context.state.pool().intern(text));
}
inline Value text_or_null(std::string_view text) {
  return text.empty() ? Value::null() : Value::of_text(text);
}

// The descriptor with this number in the table of the event's thread, null if unknown.
inline const FdInfo* find_fd(const EvalContext& context, int64_t fd) {
  const Thread* thread = context.thread();
  return thread == nullptr ? nullptr : context.state.fds(*thread).find(fd);
}

// Entry of the thread's container; the host's where nothing is known about the container's users,
// as ps shows them. Null if there is none.
const UserInfo* find_user(const EvalContext& context, const Thread& thread, uint32_t uid);
const GroupInfo* find_group(const EvalContext& context, const Thread& thread, uint32_t gid);

// Name of a user or group of the event's thread's container: the list's, else "root" for 0, else
// "<NA>".
Value user_name(const EvalContext& context, uint32_t uid);
Value group_name(const EvalContext& context, uint32_t gid);

// Name of the event or, for the generic one, of the system call; null if an asynchronous event has
// none.
Value type_name(const EvalContext& context);

// Folds to the value that is the same for every event of the type.
inline bool fold_to(Value* out, const Value& value) {
  *out = value;
  return true;
}

inline const EventInfo& event_of(uint16_t type) { return event_info(static_cast<Ev>(type)); }
// The descriptor fields have values for events of this type.
inline bool has_fd(const EventInfo& info) {
  return info.has(EF_CREATES_FD | EF_USES_FD | EF_DESTROYS_FD);
}
bool has_result_type(const EventInfo& info);
bool fold_without_fd(uint16_t type, const FieldUse& use, Value* value);
bool fold_without_result(uint16_t type, const FieldUse& use, Value* value);

// Number in an argument such as "3". Fails for anything else.
Result<int64_t> argument_number(const FieldUse& use);
// Binder: the argument must be a number, kept in use.number.
Result<void> bind_index(FieldUse& use);
// The bind() of a stateful field: the use gets an entry of its own in UseMemory.
Result<void> bind_memory(FieldUse& use);

}  // namespace gyr
