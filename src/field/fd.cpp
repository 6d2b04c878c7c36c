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

std::string_view letter_of_event(Ev event) {
  switch (event) {
    case Ev::OPEN_E:
    case Ev::OPEN_X:
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

template <End end>
Value port_text(const EvalContext& context, const FieldUse& use) {
  const Value number = port<end>(context, use);
  if (number.is_null()) return number;
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
  return Value::of_bool(!(fd->name == context.event_state.old_fd_name));
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
  const Thread* thread = context.thread();
  if (thread == nullptr) return Value::null();
  const FdTable& table = context.state.fds(*thread);
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
  return count == 0 ? Value::null() : Value::of_list({values, count});
}

constexpr auto kFields = std::to_array<FieldInfo>({
    {.name = "fd.num",
     .type = Type::Int64,
     .format = Format::Id,
     .doc = "Number of the descriptor.",
     .extract = num,
     .fold = fold_without_fd},
    {.name = "fd.type",
     .type = Type::CharBuf,
     .format = Format::Dec,
     .doc = "Kind of the descriptor as a word, such as file, directory, ipv4, unix, pipe.",
     .extract = type,
     .fold = fold_without_fd},
    {.name = "fd.typechar",
     .type = Type::CharBuf,
     .format = Format::Dec,
     .doc = "Kind of the descriptor as a letter.",
     .extract = type_char,
     .fold = fold_without_fd},
    {.name = "fd.name",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Path of a file, both ends of a socket, or whatever else names the descriptor.",
     .extract = fd_name_field,
     .fold = fold_without_fd},
    {.name = "fd.directory",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Directory of the file.",
     .extract = fd_directory,
     .fold = fold_without_fd},
    {.name = "fd.filename",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Name of the file without its directory.",
     .extract = fd_filename,
     .fold = fold_without_fd},
    {.name = "fd.ip",
     .type = Type::IpAddr,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Address of either end of the connection.",
     .extract = any_address,
     .quantifier = Quantifier::Ends,
     .extract_each = each_address,
     .fold = fold_without_fd},
    {.name = "fd.cip",
     .type = Type::IpAddr,
     .doc = "Address of the client.",
     .extract = address<End::Client>,
     .fold = fold_without_fd},
    {.name = "fd.sip",
     .type = Type::IpAddr,
     .doc = "Address of the server.",
     .extract = address<End::Server>,
     .fold = fold_without_fd},
    {.name = "fd.lip",
     .type = Type::IpAddr,
     .doc = "Address of the end on this machine.",
     .extract = address<End::Local>,
     .fold = fold_without_fd},
    {.name = "fd.rip",
     .type = Type::IpAddr,
     .doc = "Address of the other end.",
     .extract = address<End::Remote>,
     .fold = fold_without_fd},
    {.name = "fd.port",
     .type = Type::Port,
     .format = Format::Dec,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Port of either end of the connection.",
     .extract = any_port,
     .quantifier = Quantifier::Ends,
     .extract_each = each_port,
     .fold = fold_without_fd},
    {.name = "fd.cport",
     .type = Type::Port,
     .format = Format::Dec,
     .doc = "Port of the client.",
     .extract = port<End::Client>,
     .fold = fold_without_fd},
    {.name = "fd.sport",
     .type = Type::Port,
     .format = Format::Dec,
     .doc = "Port of the server.",
     .extract = port<End::Server>,
     .fold = fold_without_fd},
    {.name = "fd.lport",
     .type = Type::Port,
     .format = Format::Dec,
     .doc = "Port of the end on this machine.",
     .extract = port<End::Local>,
     .fold = fold_without_fd},
    {.name = "fd.rport",
     .type = Type::Port,
     .format = Format::Dec,
     .doc = "Port of the other end.",
     .extract = port<End::Remote>,
     .fold = fold_without_fd},
    {.name = "fd.l4proto",
     .type = Type::CharBuf,
     .doc = "Transport: tcp, udp, icmp or raw.",
     .extract = l4_proto,
     .fold = fold_without_fd},
    {.name = "fd.sockfamily",
     .type = Type::CharBuf,
     .doc = "ip or unix, for sockets.",
     .extract = socket_family,
     .fold = fold_without_fd},
    {.name = "fd.is_server",
     .type = Type::Bool,
     .doc = "True if this machine is the server of the connection.",
     .extract = is_server,
     .fold = fold_without_fd},
    {.name = "fd.uid",
     .type = Type::CharBuf,
     .doc = "Thread id followed by the number of the descriptor.",
     .extract = unique_id,
     .fold = fold_without_fd},
    {.name = "fd.containername",
     .type = Type::CharBuf,
     .doc = "Container id, a colon, and fd.name.",
     .extract = fd_container_name,
     .fold = fold_without_fd},
    {.name = "fd.containerdirectory",
     .type = Type::CharBuf,
     .doc = "Container id, a colon, and fd.directory.",
     .extract = fd_container_directory,
     .fold = fold_without_fd},
    {.name = "fd.proto",
     .type = Type::Port,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Port of either end, which may be compared with the name of a service.",
     .extract = any_port,
     .quantifier = Quantifier::Ends,
     .extract_each = each_port,
     .fold = fold_without_fd},
    {.name = "fd.cproto",
     .type = Type::CharBuf,
     .doc = "Port of the client as text, or the name of its service where ports are resolved.",
     .extract = port_text<End::Client>,
     .fold = fold_without_fd},
    {.name = "fd.sproto",
     .type = Type::CharBuf,
     .doc = "Port of the server as text, or the name of its service where ports are resolved.",
     .extract = port_text<End::Server>,
     .fold = fold_without_fd},
    {.name = "fd.lproto",
     .type = Type::CharBuf,
     .doc = "Port of the end on this machine as text, or the name of its service where ports are "
            "resolved.",
     .extract = port_text<End::Local>,
     .fold = fold_without_fd},
    {.name = "fd.rproto",
     .type = Type::CharBuf,
     .doc = "Port of the other end as text, or the name of its service where ports are resolved.",
     .extract = port_text<End::Remote>,
     .fold = fold_without_fd},
    {.name = "fd.net",
     .type = Type::IpNet,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Network of either end of the connection.",
     .extract = any_address,
     .quantifier = Quantifier::Ends,
     .extract_each = each_address,
     .fold = fold_without_fd},
    {.name = "fd.cnet",
     .type = Type::IpNet,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Network of the client.",
     .extract = address<End::Client>,
     .fold = fold_without_fd},
    {.name = "fd.snet",
     .type = Type::IpNet,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Network of the server.",
     .extract = address<End::Server>,
     .fold = fold_without_fd},
    {.name = "fd.lnet",
     .type = Type::IpNet,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Network of the end on this machine.",
     .extract = address<End::Local>,
     .fold = fold_without_fd},
    {.name = "fd.rnet",
     .type = Type::IpNet,
     .flags = kFilterOnly | kNoTransformer | kNoRightHandSide,
     .doc = "Network of the other end.",
     .extract = address<End::Remote>,
     .fold = fold_without_fd},
    {.name = "fd.connected",
     .type = Type::Bool,
     .doc = "True for a connected socket.",
     .extract = flag<&FdInfo::connected>,
     .fold = fold_without_fd},
    {.name = "fd.name_changed",
     .type = Type::Bool,
     .doc = "True if the event changed the name of the descriptor.",
     .extract = name_changed,
     .fold = fold_without_fd},
    {.name = "fd.cip.name",
     .type = Type::CharBuf,
     .flags = kNoTransformer | kNoRightHandSide,
     .doc = "Host name of the client; never looked up while an event is evaluated, so without a "
            "value.",
     .extract = no_host_name,
     .fold = fold_without_fd},
    {.name = "fd.sip.name",
     .type = Type::CharBuf,
     .flags = kNoTransformer | kNoRightHandSide,
     .doc = "Host name of the server; never looked up while an event is evaluated, so without a "
            "value.",
     .extract = no_host_name,
     .fold = fold_without_fd},
    {.name = "fd.lip.name",
     .type = Type::CharBuf,
     .flags = kNoTransformer | kNoRightHandSide,
     .doc = "Host name of the end on this machine; never looked up while an event is evaluated, so "
            "without a value.",
     .extract = no_host_name,
     .fold = fold_without_fd},
    {.name = "fd.rip.name",
     .type = Type::CharBuf,
     .flags = kNoTransformer | kNoRightHandSide,
     .doc = "Host name of the other end; never looked up while an event is evaluated, so without a "
            "value.",
     .extract = no_host_name,
     .fold = fold_without_fd},
    {.name = "fd.dev",
     .type = Type::Int32,
     .format = Format::Hex,
     .doc = "Device that holds the file.",
     .extract = device,
     .fold = fold_without_fd},
    {.name = "fd.dev.major",
     .type = Type::Int32,
     .format = Format::Dec,
     .doc = "Major number of that device.",
     .extract = device_major,
     .fold = fold_without_fd},
    {.name = "fd.dev.minor",
     .type = Type::Int32,
     .format = Format::Dec,
     .doc = "Minor number of that device.",
     .extract = device_minor,
     .fold = fold_without_fd},
    {.name = "fd.ino",
     .type = Type::Int64,
     .format = Format::Dec,
     .doc = "Inode of the file, or number of the pipe.",
     .extract = inode,
     .fold = fold_without_fd},
    {.name = "fd.nameraw",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Path as the caller wrote it, repeated slashes collapsed.",
     .extract = fd_name_raw,
     .fold = fold_without_fd},
    {.name = "fd.types",
     .type = Type::CharBuf,
     .format = Format::Dec,
     .flags = kIsList | kArgumentAllowed | kNoRightHandSide,
     .doc = "Kinds of all open descriptors of the process, or of the one with the number given.",
     .extract = types,
     .bind = bind_index},
    {.name = "fd.is_upper_layer",
     .type = Type::Bool,
     .doc = "True for a file in the upper layer of an overlay.",
     .extract = flag<&FdInfo::upper_layer>,
     .fold = fold_without_fd},
    {.name = "fd.is_lower_layer",
     .type = Type::Bool,
     .doc = "True for a file in a lower layer of an overlay.",
     .extract = flag<&FdInfo::lower_layer>,
     .fold = fold_without_fd},
});

}  // namespace

std::span<const FieldInfo> fd_fields() { return kFields; }

}  // namespace gyr
