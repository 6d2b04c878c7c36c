// SPDX-License-Identifier: Apache-2.0
// fdlist.*: the descriptors that poll and ppoll wait for, joined by commas.
#include <array>

#include "field/families.h"
#include "field/fd_of.h"

namespace gyr {
namespace {

constexpr size_t kListParam = 1;

bool has_list(Ev type) { return type == Ev::POLL_X || type == Ev::PPOLL_X; }

bool fold_without_list(uint16_t type, const FieldUse&, Value* value) {
  return !has_list(static_cast<Ev>(type)) && fold_to(value, Value::null());
}

// Lets add(out, number, entry or null) write one element; what writes nothing leaves no comma.
template <class Add>
Value joined(const EvalContext& context, Add add) {
  if (!has_list(context.event.type()) || context.thread() == nullptr) return Value::null();
  ByteReader reader(context.event.param(kListParam));
  const auto count = reader.read<uint16_t>();
  ArenaText out(context.arena);
  for (uint16_t i = 0; i < count; ++i) {
    const auto fd = reader.read<int64_t>();
    reader.skip(sizeof(uint16_t));  // what is waited for
    if (!reader.ok()) break;
    ArenaText element(context.arena);
    add(element, fd, find_fd(context, fd));
    if (element.empty()) continue;
    if (!out.empty()) out.add(',');
    out.add(element.view());
  }
  return text_or_null(out.view());
}

Value nums(const EvalContext& context, const FieldUse&) {
  return joined(context, [](ArenaText& out, int64_t fd, const FdInfo*) { out.number(fd); });
}

Value names(const EvalContext& context, const FieldUse&) {
  return joined(context, [](ArenaText& out, int64_t, const FdInfo* fd) {
    out.add(fd == nullptr || fd->name.empty() ? "<NA>" : fd->name.view());
  });
}

template <bool client>
Value addresses(const EvalContext& context, const FieldUse&) {
  return joined(context, [](ArenaText& out, int64_t, const FdInfo* fd) {
    if (fd == nullptr || !fd->is_ip_socket() || (client && fd->is_server_socket())) return;
    out.add(ip_text(client || fd->is_server_socket() ? source_ip(*fd) : dest_ip(*fd)));
  });
}

template <bool client>
Value ports(const EvalContext& context, const FieldUse&) {
  return joined(context, [](ArenaText& out, int64_t, const FdInfo* fd) {
    if (fd == nullptr || !fd->is_ip_socket() || fd->is_server_socket()) return;
    out.number(client ? fd->source_port : fd->dest_port);
  });
}

constexpr auto kFields = std::to_array<FieldInfo>({
    {.name = "fdlist.nums",
     .type = Type::CharBuf,
     .format = Format::Id,
     .doc = "Numbers of the descriptors a poll waits for.",
     .extract = nums,
     .fold = fold_without_list},
    {.name = "fdlist.names",
     .type = Type::CharBuf,
     .doc = "Names of the descriptors a poll waits for.",
     .extract = names,
     .fold = fold_without_list},
    {.name = "fdlist.cips",
     .type = Type::CharBuf,
     .doc = "Client addresses of the sockets a poll waits for.",
     .extract = addresses<true>,
     .fold = fold_without_list},
    {.name = "fdlist.sips",
     .type = Type::CharBuf,
     .doc = "Server addresses of the sockets a poll waits for.",
     .extract = addresses<false>,
     .fold = fold_without_list},
    {.name = "fdlist.cports",
     .type = Type::CharBuf,
     .format = Format::Dec,
     .doc = "Client ports of the sockets a poll waits for.",
     .extract = ports<true>,
     .fold = fold_without_list},
    {.name = "fdlist.sports",
     .type = Type::CharBuf,
     .format = Format::Dec,
     .doc = "Server ports of the sockets a poll waits for.",
     .extract = ports<false>,
     .fold = fold_without_list},
});

}  // namespace

std::span<const FieldInfo> fdlist_fields() { return kFields; }

}  // namespace gyr
