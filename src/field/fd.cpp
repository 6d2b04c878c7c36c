// SPDX-License-Identifier: Apache-2.0
// fd.*: the descriptor an event works on (state-engine section 10). Names are in fd_name.cpp.
#include <algorithm>
#include <array>

#include "field/families.h"
#include "field/fd_name.h"
#include "field/fd_of.h"
#include "field/render.h"

namespace gyr {
namespace {

Value num(const EvalContext& context, const FieldUse&) {
  return fd_applies(context) ? Value::of_int(context.event_state.fd_number) : Value::null();
}

Value type(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_text(fd_kind_info(fd->kind).text);
}

// Of a call that made none. The reference forgot the exit of open; its letter is part of the
// goldens.
std::string_view letter_of_event(Ev event) {
  switch (event) {
    case Ev::OPEN_E:
    case Ev::CREAT_E:
    case Ev::CREAT_X:
    case Ev::OPENAT_2_E:
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_E:
    case Ev::OPENAT2_X:
    case Ev::OPEN_BY_HANDLE_AT_E:
    case Ev::OPEN_BY_HANDLE_AT_X:
      return "f";
    case Ev::SOCKET_E:
    case Ev::SOCKET_X:
    case Ev::ACCEPT_5_E:
    case Ev::ACCEPT_5_X:
    case Ev::ACCEPT4_6_E:
    case Ev::ACCEPT4_6_X:
      return "4";
    case Ev::PIPE_E:
    case Ev::PIPE_X:
    case Ev::PIPE2_E:
    case Ev::PIPE2_X:
      return "p";
    case Ev::EVENTFD_E:
    case Ev::EVENTFD_X:
    case Ev::EVENTFD2_E:
    case Ev::EVENTFD2_X:
      return "e";
    case Ev::SIGNALFD_E:
    case Ev::SIGNALFD_X:
    case Ev::SIGNALFD4_E:
    case Ev::SIGNALFD4_X:
      return "s";
    case Ev::TIMERFD_CREATE_E:
    case Ev::TIMERFD_CREATE_X:
      return "t";
    case Ev::INOTIFY_INIT_E:
    case Ev::INOTIFY_INIT_X:
    case Ev::INOTIFY_INIT1_E:
    case Ev::INOTIFY_INIT1_X:
      return "i";
    default:
      return "o";
  }
}

Value type_char(const EvalContext& context, const FieldUse&) {
  if (!fd_applies(context)) return Value::null();
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::of_text(letter_of_event(context.event.type()));
  return Value::of_text({&fd_kind_info(fd->kind).letter, 1});
}

// --- ends of a socket
// ------------------------------------------------------------------------------

enum class End { Client, Server, Local, Remote };

// Which of an entry's two addresses is meant.
enum class Slot { None, Source, Dest };

Slot slot_by_role(const FdInfo& fd, End end, bool port) {
  if (fd.is_server_socket()) {
    if (end != End::Server) return Slot::None;
    return port || fd.role != FdRole::None ? Slot::Source : Slot::None;
  }
  if (fd.role == FdRole::None) return Slot::None;
  return end == End::Client ? Slot::Source : Slot::Dest;
}

Slot slot_by_place(const EvalContext& context, const FdInfo& fd, End end) {
  if (fd.is_server_socket() || fd.role == FdRole::None) return Slot::None;
  const bool source_local = context.state.is_local(source_ip(fd), context.thread());
  return source_local == (end == End::Local) ? Slot::Source : Slot::Dest;
}

Slot slot_of(const EvalContext& context, const FdInfo& fd, End end, bool port) {
  if (!fd.is_ip_socket()) return Slot::None;
  switch (end) {
    case End::Client:
    case End::Server:
      return slot_by_role(fd, end, port);
    case End::Local:
    case End::Remote:
      return slot_by_place(context, fd, end);
  }
  return Slot::None;
}

template <End end>
Value address(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  switch (slot_of(context, *fd, end, false)) {
    case Slot::Source:
      return Value::of_ip(source_ip(*fd));
    case Slot::Dest:
      return Value::of_ip(dest_ip(*fd));
    case Slot::None:
      break;
  }
  return Value::null();
}

template <End end>
Value port(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  switch (slot_of(context, *fd, end, true)) {
    case Slot::Source:
      return Value::of_uint(fd->source_port);
    case Slot::Dest:
      return Value::of_uint(fd->dest_port);
    case Slot::None:
      break;
  }
  return Value::null();
}

// Sockets whose client has no port that could be named: to the reference that is an empty text.
bool lacks_client(const EvalContext& context) {
  const FdInfo* fd = event_fd(context);
  return fd != nullptr &&
         (fd->is_server_socket() || (fd->kind == FdKind::Unix && fd->from_snapshot));
}

template <End end>
Value port_text(const EvalContext& context, const FieldUse& use) {
  const Value number = port<end>(context, use);
  if (number.is_null())
    return end == End::Client && lacks_client(context) ? Value::of_text("") : number;
  // A listening socket has a port for fd.sport, but no text; rules compare it like that.
  if (event_fd(context)->is_server_socket()) return Value::of_text("");
  ArenaText out(context.arena, 24);
  add_port(out, context, static_cast<uint16_t>(number.u), event_fd(context)->l4);
  return Value::of_text(out.view());
}

// Both ends; the single one of a server socket.
template <class Make>
Value both_ends(const EvalContext& context, Make make) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr || !fd->is_ip_socket()) return Value::null();
  auto* values = context.arena.array<Value>(2);
  values[0] = make(*fd, true);
  if (fd->is_server_socket()) return Value::of_list({values, 1});
  values[1] = make(*fd, false);
  return Value::of_list({values, 2});
}

Value each_address(const EvalContext& context, const FieldUse&) {
  return both_ends(context, [](const FdInfo& fd, bool source) {
    return Value::of_ip(source ? source_ip(fd) : dest_ip(fd));
  });
}

Value each_port(const EvalContext& context, const FieldUse&) {
  return both_ends(context, [](const FdInfo& fd, bool source) {
    return Value::of_uint(source ? fd.source_port : fd.dest_port);
  });
}

// "exists" of the fields about either end is true of every known descriptor.
Value any_address(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_ip(source_ip(*fd));
}

Value any_port(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_uint(fd->source_port);
}

// Names of hosts would have to be asked for over the network; that never happens while an event
// waits.
Value no_host_name(const EvalContext&, const FieldUse&) { return Value::null(); }

// --- kinds of sockets
// ------------------------------------------------------------------------------

Value l4_proto(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  switch (shown_l4(*fd)) {
    case L4::Tcp:
      return Value::of_text("tcp");
    case L4::Udp:
      return Value::of_text("udp");
    case L4::Icmp:
      return Value::of_text("icmp");
    case L4::Raw:
      return Value::of_text("raw");
    case L4::Unknown:
    case L4::NotApplicable:
      break;
  }
  return Value::of_text("<NA>");
}

Value socket_family(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  if (fd->kind == FdKind::Unix) return Value::of_text("unix");
  return fd->is_ip_socket() ? Value::of_text("ip") : Value::null();
}

Value is_server(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  if (fd->is_server_socket()) return Value::of_bool(true);
  return Value::of_bool(fd->is_ip_socket() &&
                        context.state.is_local(dest_ip(*fd), context.thread()));
}

template <bool FdInfo::*member>
Value flag(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_bool(fd->*member);
}

Value name_changed(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  const EventState& now = context.event_state;
  return Value::of_bool(now.fd_edited && !(fd->name == now.old_fd_name));
}

// --- device and inode
// ------------------------------------------------------------------------------

Value device(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_int(static_cast<int32_t>(fd->dev));
}

Value device_major(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_int((fd->dev & 0xfff00) >> 8);
}

Value device_minor(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  return Value::of_int((fd->dev & 0xff) | ((fd->dev >> 12) & 0xfff00));
}

Value inode(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? Value::null() : Value::of_int(static_cast<int64_t>(fd->ino));
}

Value unique_id(const EvalContext& context, const FieldUse&) {
  if (!fd_applies(context)) return Value::null();
  ArenaText out(context.arena);
  out.number(context.thread()->tid).number(context.event_state.fd_number);
  return Value::of_text(out.view());
}

// The kinds of all open descriptors, each once; or of the one with the number given.
Value types(const EvalContext& context, const FieldUse& use) {
  if (!fd_applies(context)) return Value::null();
  const FdTable& table = context.state.fds(*context.thread());
  auto* values = context.arena.array<Value>(all_fd_kinds().size());
  size_t count = 0;
  const auto add = [&](const FdInfo& fd) {
    const std::string_view text = fd_kind_info(fd.kind).text;
    const bool known = std::any_of(values, values + count,
                                   [&](const Value& value) { return value.as_text() == text; });
    if (!known) values[count++] = Value::of_text(text);
  };
  if (use.has_argument) {
    if (const FdInfo* fd = table.find(use.number)) add(*fd);
  } else {
    table.for_each([&](int64_t, const FdInfo& fd) { add(fd); });
  }
  if (count == 0 && use.has_argument) return Value::null();
  return Value::of_list({values, count});
}

constexpr auto kFields = std::to_array<FieldInfo>({
#include "field/fd.def"
});

}  // namespace

std::span<const FieldInfo> fd_fields() { return kFields; }

}  // namespace gyr
