// SPDX-License-Identifier: Apache-2.0
#include "field/render.h"

#include <cstdio>
#include <ctime>

#include "field/names.h"
#include "field/values.h"

namespace gyr {
namespace {

using Text = std::string_view;

constexpr uint64_t kSecond = 1'000'000'000;

bool shows_null(Type type) {
  switch (type) {
    case Type::ByteBuf:
    case Type::SockTuple:
    case Type::FdList:
    case Type::Dyn:
    case Type::CharBufArray:
    case Type::CharBufPairArray:
      return true;
    default:
      return false;
  }
}

Rendered number(const EvalContext& context, const ParamInfo& info, Bytes bytes) {
  ArenaText out(context.arena, 24);
  add_integer(out, info.type, info.format, bytes);
  return {out.view(), {}};
}

Text error_text(int64_t value) {
  return value < 0 ? errno_name(uint64_t{0} - static_cast<uint64_t>(value)) : Text();
}

// "<4t>name" of an open descriptor.
Text descriptor(const EvalContext& context, const FdInfo& fd) {
  ArenaText out(context.arena, fd.name.size() + 8);
  out.add('<').add(fd_kind_info(fd.kind).letter);
  if (fd.is_ip_socket()) {
    switch (shown_l4(fd)) {
      case L4::Tcp:
        out.add('t');
        break;
      case L4::Udp:
        out.add('u');
        break;
      case L4::Icmp:
        out.add('i');
        break;
      case L4::Raw:
        out.add('r');
        break;
      case L4::Unknown:
      case L4::NotApplicable:
        break;
    }
  }
  return out.add('>').add(fd.name.view()).view();
}

Rendered fd_number(const EvalContext& context, int64_t fd) {
  ArenaText out(context.arena, 24);
  const Text value = out.number(fd).view();
  if (fd == kAtFdcwd) return {value, "AT_FDCWD"};
  if (fd < 0) return {value, error_text(fd)};
  const FdInfo* info = find_fd(context, fd);
  return {value, info ? descriptor(context, *info) : Text()};
}

Rendered process(const EvalContext& context, int64_t pid) {
  ArenaText out(context.arena, 24);
  const Thread* thread = context.state.find(pid);
  return {out.number(pid).view(), thread ? thread->comm.view() : Text()};
}

Rendered user_or_group(const EvalContext& context, uint32_t id, bool user) {
  if (id == kNoId) return {"-1", "<NONE>"};
  ArenaText out(context.arena, 16);
  const Text name = user ? user_name(context, id).as_text() : group_name(context, id).as_text();
  return {out.number(id).view(), name};
}

// Decimal, whatever the format of the parameter.
Rendered error_or_result(const EvalContext& context, Bytes bytes) {
  ArenaText out(context.arena, 24);
  const int64_t value = load_signed(bytes);
  return {out.number(value).view(), error_text(value)};
}

Rendered path(const EvalContext& context, const ParamInfo& info, size_t index) {
  const Text text = context.event.text(index);
  if (context.event.is_null_text(index) || text == "<NA>") return {"<NA>", {}};
  if (text.starts_with('/') || text.empty()) return {text, {}};
  const Thread* thread = context.thread();
  if (thread == nullptr) return {text, {}};
  Str joined;
  if (info.type == Type::FsRelPath && info.aux >= 0) {
    const auto dirfd = context.event.get<int64_t>(static_cast<size_t>(info.aux), kAtFdcwd);
    const Str base = context.state.resolve_dirfd(thread, text, dirfd);
    joined = base.view() == "<UNKNOWN>" ? context.state.join_path(Str(), text)
                                        : context.state.join_path(base, text);
  } else {
    joined = context.state.join_path(context.state.cwd(*thread), text);
  }
  context.arena.hold(joined);
  return {text, joined.view(), joined.rep()};
}

// Numbers are shown without sign: that of an ignored entry, -1, is the largest.
Rendered fd_list(const EvalContext& context, Bytes bytes) {
  ByteReader reader(bytes);
  ArenaText out(context.arena);
  const auto count = reader.read<uint16_t>();
  for (uint16_t i = 0; i < count; ++i) {
    const auto fd = reader.read<int64_t>();
    const auto flags = reader.read<uint16_t>();
    if (!reader.ok()) break;
    const FdInfo* info = find_fd(context, fd);
    if (i > 0) out.add(' ');
    out.number(static_cast<uint64_t>(fd))
        .add(':')
        .add(info ? fd_kind_info(info->kind).letter : '?')
        .number(flags, 16);
  }
  return {out.view(), {}};
}

Rendered flags(const EvalContext& context, const ParamInfo& info, Bytes bytes, bool single) {
  const uint64_t value = load_unsigned(bytes);
  ArenaText digits(context.arena, 24);
  digits.number(value);
  ArenaText names(context.arena);
  if (single) {
    add_enum_names(names, info.flags, value);
  } else {
    add_flag_names(names, info.flags, value);
  }
  return {digits.view(), names.view()};
}

Rendered mode(const EvalContext& context, const ParamInfo& info, Bytes bytes) {
  ParamInfo octal = info;
  octal.format = Format::Oct;
  Rendered rendered = number(context, octal, bytes);
  ArenaText names(context.arena);
  add_flag_names(names, info.flags, load_unsigned(bytes));
  rendered.resolved = names.view();
  return rendered;
}

Rendered duration(const EvalContext& context, Bytes bytes) {
  const uint64_t ns = load_unsigned(bytes);
  if (ns == UINT64_MAX) return {"none", {}};
  ArenaText out(context.arena, 24);
  out.number(ns);
  char seconds[48];
  const int length = std::snprintf(seconds, sizeof seconds, "%gs", static_cast<double>(ns) / 1e9);
  return {out.view(), context.arena.copy({seconds, static_cast<size_t>(length)})};
}

Rendered time_stamp(const EvalContext& context, Bytes bytes) {
  ArenaText out(context.arena);
  add_local_time(out, load_unsigned(bytes), true, true);
  return {out.view(), {}};
}

Rendered signal_number(const EvalContext& context, Bytes bytes) {
  ArenaText out(context.arena, 24);
  const uint64_t signal = load_unsigned(bytes);
  return {out.number(signal).view(), signal_name(signal)};
}

Rendered signal_set(const EvalContext& context, Bytes bytes) {
  const uint64_t mask = load_unsigned(bytes);
  ArenaText out(context.arena);
  for (unsigned bit = 0; bit < 32; ++bit) {
    const Text name = (mask >> bit & 1) != 0 ? signal_name(bit + 1) : Text();
    if (name.empty()) continue;
    if (!out.empty()) out.add(' ');
    out.add(name);
  }
  return {out.view(), {}};
}

Rendered variant(const EvalContext& context, const ParamInfo& info, Bytes bytes);

Rendered rendered_syscall(const EvalContext& context, const ParamInfo& info, Bytes bytes) {
  Rendered rendered = number(context, info, bytes);
  const ScInfo* call = sc_info(static_cast<uint16_t>(load_unsigned(bytes)));
  if (call != nullptr) rendered.resolved = call->name;
  return rendered;
}

Rendered text_of(const EvalContext& context, Bytes bytes) {
  Text text = as_text(bytes);
  if (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  (void)context;
  return {text == "(NULL)" ? Text("<NA>") : text, {}};
}

// Types whose values stand for nothing else. Those that no event carries are not printable.
Rendered scalar(const EvalContext& context, const ParamInfo& info, Bytes bytes) {
  switch (info.type) {
    case Type::Int8:
    case Type::Int16:
    case Type::Int32:
    case Type::Int64:
    case Type::Uint8:
    case Type::Uint16:
    case Type::Uint32:
    case Type::Uint64:
    case Type::Port:
    case Type::L4Proto:
    case Type::SockFamily:
      return number(context, info, bytes);
    case Type::Double: {
      char digits[48];
      const int length =
          std::snprintf(digits, sizeof digits, "%.4f", std::bit_cast<double>(load_unsigned(bytes)));
      return {context.arena.copy({digits, static_cast<size_t>(length)}), {}};
    }
    default:
      return {"(n.a.)", {}};
  }
}

// A value that is not empty. `index` is that of the parameter it belongs to.
Rendered value_of(const EvalContext& context, const ParamInfo& info, size_t index, Bytes bytes) {
  switch (info.type) {
    case Type::CharBuf:
      return text_of(context, bytes);
    case Type::FsPath:
    case Type::FsRelPath:
      return path(context, info, index);
    case Type::ByteBuf:
      return {render_buffer(context.arena, bytes, context.settings.buffers), {}};
    case Type::Errno:
      return error_or_result(context, bytes);
    case Type::Fd:
    case Type::Fd32:
      return fd_number(context, load_signed(bytes));
    case Type::Pid:
    case Type::Pid32:
      return process(context, load_signed(bytes));
    case Type::SockAddr:
      return {render_sockaddr(context, bytes), {}};
    case Type::SockTuple:
      return {render_tuple(context, bytes), {}};
    case Type::FdList:
      return fd_list(context, bytes);
    case Type::SyscallId:
      return rendered_syscall(context, info, bytes);
    case Type::SigType:
      return signal_number(context, bytes);
    case Type::SigSet:
      return signal_set(context, bytes);
    case Type::RelTime:
      return duration(context, bytes);
    case Type::AbsTime:
      return time_stamp(context, bytes);
    case Type::Flags8:
    case Type::Flags16:
    case Type::Flags32:
      return flags(context, info, bytes, false);
    case Type::EnumFlags8:
    case Type::EnumFlags16:
    case Type::EnumFlags32:
      return flags(context, info, bytes, true);
    case Type::Mode:
      return mode(context, info, bytes);
    case Type::Uid:
      return user_or_group(context, static_cast<uint32_t>(load_unsigned(bytes)), true);
    case Type::Gid:
      return user_or_group(context, static_cast<uint32_t>(load_unsigned(bytes)), false);
    case Type::Dyn:
      return variant(context, info, bytes);
    default:
      return scalar(context, info, bytes);
  }
}

Rendered variant(const EvalContext& context, const ParamInfo& info, Bytes bytes) {
  const auto variants = dyn_variants(static_cast<DynTable>(info.aux));
  const size_t choice = bytes.front();
  if (choice >= variants.size()) return {"NULL", {}};
  ParamInfo chosen = info;
  chosen.type = variants[choice].type;  // never Dyn, so this ends
  chosen.aux = -1;
  bytes = bytes.subspan(1);
  if (bytes.empty()) return {shows_null(chosen.type) ? Text("NULL") : Text("<NA>"), {}};
  return value_of(context, chosen, 0, bytes);
}

}  // namespace

L4 shown_l4(const FdInfo& fd) {
  if (!fd.is_ip_socket()) return L4::NotApplicable;
  if (fd.is_server_socket() || fd.role != FdRole::None || fd.l4 == L4::Raw) return fd.l4;
  return L4::NotApplicable;
}

Rendered render_param(const EvalContext& context, size_t index) {
  const auto params = context.event.info().params();
  if (index >= params.size()) return {};
  const ParamInfo& info = params[index];
  const Bytes bytes = context.event.param(index);
  const bool too_short = bytes.size() < type_info(info.type).size_min;
  if (bytes.empty() || too_short) return {shows_null(info.type) ? Text("NULL") : Text("<NA>"), {}};
  return value_of(context, info, index, bytes);
}

std::string_view render_args(const EvalContext& context) {
  if (context.event.type() == Ev::GENERIC_X || context.event.type() == Ev::GENERIC_E) return "";
  const auto params = context.event.info().params();
  ArenaText out(context.arena, 256);
  for (size_t i = 0; i < context.event.nparams(); ++i) {
    const Rendered rendered = render_param(context, i);
    if (i > 0) out.add(' ');
    out.add(params[i].name).add('=').add(rendered.value);
    if (!rendered.resolved.empty()) out.add('(').add(rendered.resolved).add(')');
  }
  return out.view();
}

void add_flag_names(ArenaText& out, FlagTable table, uint64_t value) {
  uint64_t left = value;
  for (const FlagInfo& flag : flag_entries(table)) {
    const bool set = flag.value == 0 ? value == 0 : (left & flag.value) == flag.value;
    if (!set) continue;
    if (!out.empty()) out.add('|');
    out.add(flag.name);
    if (flag.value == value) return;
    left &= ~uint64_t{flag.value};
  }
}

void add_enum_names(ArenaText& out, FlagTable table, uint64_t value) {
  for (const FlagInfo& flag : flag_entries(table)) {
    if (flag.value != value) continue;
    if (!out.empty()) out.add('|');
    out.add(flag.name);
  }
}

void add_local_time(ArenaText& out, uint64_t ts_ns, bool date, bool fraction) {
  const auto seconds = static_cast<std::time_t>(ts_ns / kSecond);
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return;
  char text[40];
  out.add(
      {text, std::strftime(text, sizeof text, date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &local)});
  if (fraction) out.add('.').padded(ts_ns % kSecond, 9);
}

}  // namespace gyr
