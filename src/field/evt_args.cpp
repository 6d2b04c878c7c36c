// SPDX-License-Identifier: Apache-2.0
#include "field/evt_args.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "field/render.h"
#include "field/values.h"

namespace gyr {
namespace {

// Number of the parameter in each event type, -1 where the type lacks it.
struct ParamIndex {
  std::array<int8_t, kEventCount> of_type{};
};

int find_param(const EventInfo& info, std::string_view name) {
  const auto params = info.params();
  const auto found = std::ranges::find(params, name, &ParamInfo::name);
  return found == params.end() ? -1 : static_cast<int>(found - params.begin());
}

int param_of(const FieldUse& use, uint16_t type) {
  const auto* index = static_cast<const ParamIndex*>(use.data.get());
  return index == nullptr ? -1 : index->of_type[type];
}

Error unknown_param(const FieldUse& use) {
  std::vector<std::string_view> names;
  for (const EventInfo& event : all_events()) {
    for (const ParamInfo& param : event.params()) names.push_back(param.name);
  }
  std::string message = "no event has a parameter '" + use.argument + "'";
  const std::string_view close = closest(use.argument, names);
  if (!close.empty()) message += "; did you mean '" + std::string(close) + "'?";
  return Error{message};
}

enum class Class { Signed, Unsigned, Text, Bytes };

Class class_of(Type type) {
  switch (family_of(type)) {
    case Family::Signed:
      return Class::Signed;
    case Family::Unsigned:
    case Family::Double:
    case Family::Bool:
      return Class::Unsigned;
    case Family::Text:
      return is_string(type) ? Class::Text : Class::Bytes;
    case Family::Blob:
    case Family::Ip:
    case Family::Net:
    case Family::None:
      break;
  }
  return Class::Bytes;
}

bool is_number(Class c) { return c == Class::Signed || c == Class::Unsigned; }

// The type that values of both can be compared as: theirs if equal, a 64-bit integer of numbers
// (signed if one is), the number's if one is none (`addr` of mmap and of bind), else the first's.
Type common_type(Type a, Type b) {
  if (a == b || a == Type::None) return b;
  const Class first = class_of(a);
  const Class second = class_of(b);
  if (!is_number(first) || !is_number(second)) {
    if (first != second) return is_number(second) ? b : a;
    return first == Class::Text ? Type::CharBuf : Type::ByteBuf;
  }
  return first == Class::Signed || second == Class::Signed ? Type::Int64 : Type::Uint64;
}

// Index of the parameter for every type; the types' common type in use.type if asked.
Result<void> bind_name(FieldUse& use, bool typed) {
  auto index = std::make_shared<ParamIndex>();
  bool found = false;
  Type type = Type::None;
  for (const EventInfo& event : all_events()) {
    const int param = find_param(event, use.argument);
    index->of_type[static_cast<size_t>(event.type)] = static_cast<int8_t>(param);
    if (param < 0) continue;
    found = true;
    // Old versions of an event are upgraded before anybody sees them.
    const Type own = event.params()[static_cast<size_t>(param)].type;
    if (!event.has(EF_OLD_VERSION)) type = common_type(type, own);
  }
  if (!found) return unknown_param(use);
  use.data = index;
  if (typed) use.type = type == Type::None ? Type::CharBuf : type;
  return {};
}

// Names of a parameter's flags as an interned string, which few values have: rules ask for flags
// of every open, and answers about interned strings are kept. Null where there are no names.
const Str* flag_names(const EvalContext& context, size_t index) {
  const ParamInfo& info = context.event.info().params()[index];
  const Bytes bytes = context.event.param(index);
  if (info.flags == FlagTable::none || bytes.size() > sizeof(uint32_t)) return nullptr;
  uint32_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  StrPool& pool = context.state.pool();
  const uint64_t key = (uint64_t{static_cast<uint8_t>(info.flags)} << 48) |
                       (uint64_t{static_cast<uint8_t>(info.type)} << 40) |
                       (uint64_t{bytes.size()} << 32) | value;
  const Str& known = pool.remembered(key);
  if (!known.empty()) return &known;
  const Rendered rendered = render_param(context, index);
  if (rendered.resolved.empty()) return nullptr;
  // Another value of this event may be the string that had the place.
  context.arena.hold(pool.remember(key, pool.intern(rendered.resolved)));
  return &pool.remembered(key);
}

// The parameter's number, if this event carries it.
std::optional<size_t> carried_param(const EvalContext& context, const FieldUse& use) {
  const int param = param_of(use, static_cast<uint16_t>(context.event.type()));
  if (param < 0 || static_cast<size_t>(param) >= context.event.nparams()) return std::nullopt;
  return static_cast<size_t>(param);
}

// Buffers as the settings want them shown.
Value arg_text(const EvalContext& context, size_t index) {
  if (const Str* names = flag_names(context, index)) return Value::of_str(*names);
  const Rendered rendered = render_param(context, index);
  const std::string_view text = rendered.text();
  if (rendered.resolved_rep != nullptr) {
    Value value = Value::of_text(text);
    value.text.rep = rendered.resolved_rep;
    return value;
  }
  const Type type = context.event.info().params()[index].type;
  const bool path = type == Type::FsPath || type == Type::FsRelPath;
  return path ? interned(context, text) : Value::of_text(text);
}

}  // namespace

Value evt_args(const EvalContext& context, const FieldUse&) {
  return Value::of_text(render_args(context));
}

Result<void> bind_arg(FieldUse& use) {
  if (!use.has_argument) {
    return Error{"it needs the name or the number of a parameter, as in evt.arg.fd or evt.arg[0]"};
  }
  const Result<int64_t> number = argument_number(use);
  if (!number) return bind_name(use, false);
  if (*number >= static_cast<int64_t>(kMaxParams)) {
    return Error{"evt.arg[" + use.argument + "]: no event has that many parameters"};
  }
  auto index = std::make_shared<ParamIndex>();
  for (const EventInfo& event : all_events()) {
    const bool has = *number < event.nparams;
    index->of_type[static_cast<size_t>(event.type)] = static_cast<int8_t>(has ? *number : -1);
  }
  use.data = index;
  return {};
}

Value evt_arg(const EvalContext& context, const FieldUse& use) {
  const auto index = carried_param(context, use);
  if (!index) return Value::null();
  if (context.event.info().params()[*index].type != Type::ByteBuf) return arg_text(context, *index);
  return Value::of_text(
      render_buffer(context.arena, context.event.param(*index), BufferFormat::Printable));
}

Value evt_arg_text(const EvalContext& context, const FieldUse& use) {
  const auto index = carried_param(context, use);
  return index ? arg_text(context, *index) : Value::null();
}

bool fold_arg(uint16_t type, const FieldUse& use, Value* value) {
  return use.data != nullptr && param_of(use, type) < 0 && fold_to(value, Value::null());
}

Result<void> bind_rawarg(FieldUse& use) {
  if (!use.has_argument) return Error{"it needs the name of a parameter, as in evt.rawarg.flags"};
  return bind_name(use, true);
}

Value evt_rawarg(const EvalContext& context, const FieldUse& use) {
  const auto carried = carried_param(context, use);
  if (!carried) return Value::null();
  const size_t index = *carried;
  const Bytes bytes = context.event.param(index);
  const Class own = class_of(context.event.info().params()[index].type);
  const Class wanted = class_of(use.type);
  if (is_number(own) != is_number(wanted)) return Value::null();
  if (is_number(own)) {
    if (bytes.empty()) return Value::null();
    if (wanted == Class::Unsigned) return Value::of_uint(load_unsigned(bytes));
    // A number without sign stays what it is; only those above the signed range change.
    return Value::of_int(own == Class::Signed ? load_signed(bytes)
                                              : static_cast<int64_t>(load_unsigned(bytes)));
  }
  if (own == Class::Text && wanted == Class::Text) {
    if (context.event.is_null_text(index)) return Value::of_text("<NA>");
    return Value::of_text(context.event.text(index));
  }
  if (wanted == Class::Text) return Value::of_text(as_text(bytes));
  return Value::of_bytes(bytes);
}

// The parameter's own type decides, whatever comparisons take it for.
Value evt_rawarg_text(const EvalContext& context, const FieldUse& use) {
  const auto carried = carried_param(context, use);
  if (!carried) return Value::null();
  const size_t index = *carried;
  const Bytes bytes = context.event.param(index);
  const ParamInfo& info = context.event.info().params()[index];
  switch (class_of(info.type)) {
    case Class::Signed:
      return bytes.empty() ? Value::null() : Value::of_int(load_signed(bytes));
    case Class::Unsigned:
      if (bytes.empty()) return Value::null();
      if (info.format == Format::Hex) {
        return Value::of_text(ArenaText(context.arena).upper_hex(load_unsigned(bytes)).view());
      }
      if (info.format == Format::Oct) {
        return Value::of_text(ArenaText(context.arena).number(load_unsigned(bytes), 8).view());
      }
      return Value::of_uint(load_unsigned(bytes));
    case Class::Text:
      return Value::of_text(context.event.is_null_text(index) ? "<NA>" : context.event.text(index));
    case Class::Bytes:
      break;
  }
  if (info.type != Type::ByteBuf) return Value::of_text(render_param(context, index).text());
  return Value::of_text(render_buffer(context.arena, bytes, context.settings.buffers));
}

Value evt_buffer(const EvalContext& context, const FieldUse&) {
  const int param = find_param(context.event.info(), "data");
  if (param < 0 || static_cast<size_t>(param) >= context.event.nparams()) return Value::null();
  return Value::of_bytes(context.event.param(static_cast<size_t>(param)));
}

Value evt_buffer_text(const EvalContext& context, const FieldUse& use) {
  const Value bytes = evt_buffer(context, use);
  if (bytes.is_null()) return bytes;
  return Value::of_text(
      render_buffer(context.arena, as_bytes(bytes.as_text()), context.settings.buffers));
}

bool fold_buffer(uint16_t type, const FieldUse&, Value* value) {
  return find_param(event_of(type), "data") < 0 && fold_to(value, Value::null());
}

namespace {

enum class Side : int64_t { Only, Source, Destination };

struct PathParams {
  int dirfd = -1;
  int path = -1;
};

PathParams path_params(Ev type, Side side) {
  const bool only = side == Side::Only;
  const bool source = side == Side::Source;
  switch (type) {
    case Ev::RENAMEAT_X:
    case Ev::RENAMEAT2_X:
    case Ev::LINKAT_X:
    case Ev::LINKAT_2_X:
      if (only || source) return {1, 2};
      return {3, 4};
    case Ev::SYMLINKAT_X:
      return {2, 3};
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_X:
    case Ev::UNLINKAT_2_X:
    case Ev::MKDIRAT_X:
    case Ev::FCHMODAT_X:
    case Ev::FCHOWNAT_X:
      return {1, 2};
    case Ev::OPEN_BY_HANDLE_AT_X:
      return {-1, 3};
    default:
      return {};
  }
}

}  // namespace

Result<void> bind_abspath(FieldUse& use) {
  if (!use.has_argument) {
    use.number = static_cast<int64_t>(Side::Only);
  } else if (use.argument == "src") {
    use.number = static_cast<int64_t>(Side::Source);
  } else if (use.argument == "dst") {
    use.number = static_cast<int64_t>(Side::Destination);
  } else {
    return Error{"evt.abspath takes src or dst, not '" + use.argument + "'"};
  }
  return {};
}

Value evt_abspath(const EvalContext& context, const FieldUse& use) {
  const EventView& event = context.event;
  const PathParams at = path_params(event.type(), static_cast<Side>(use.number));
  if (at.path < 0) return Value::null();
  const auto path = static_cast<size_t>(at.path);
  if (event.type() == Ev::OPEN_BY_HANDLE_AT_X) {
    return event.result() > 0 ? interned(context, event.text(path)) : Value::null();
  }
  const auto directory_param = static_cast<size_t>(at.dirfd);
  if (event.param(path).empty() || event.param(directory_param).empty()) return Value::null();
  const std::string_view text = event.is_null_text(path) ? "<NA>" : event.text(path);
  if (text.starts_with('/')) return held(context, context.state.join_path(Str(), text));
  const auto dirfd = event.get<int64_t>(directory_param, kAtFdcwd);
  const Str base = context.state.resolve_dirfd(context.thread(), text, dirfd);
  // Behind the name of a directory that is "/" a slash comes too.
  const bool is_root = dirfd != kAtFdcwd && base.view() == "/";
  if (base.view().ends_with('/') && !is_root) {
    return held(context, context.state.join_path(base, text));
  }
  ArenaText directory(context.arena);
  directory.add(base.view()).add('/');
  const Str with_slash = context.state.pool().intern(directory.view());
  return held(context, context.state.join_path(with_slash, text));
}

bool fold_abspath(uint16_t type, const FieldUse& use, Value* value) {
  return path_params(static_cast<Ev>(type), static_cast<Side>(use.number)).path < 0 &&
         fold_to(value, Value::null());
}

}  // namespace gyr
