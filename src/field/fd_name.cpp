// SPDX-License-Identifier: Apache-2.0
// Names of descriptors, also of calls that failed to make one: then the event's parameters tell.
#include "field/fd_name.h"

#include <algorithm>

#include "field/fd_of.h"
#include "field/render.h"

namespace gyr {
namespace {

Value param_name(const EvalContext& context, size_t index) {
  const Rendered rendered = render_param(context, index);
  if (rendered.resolved_rep == nullptr) return interned(context, rendered.text());
  Value value = Value::of_text(rendered.resolved);
  value.text.rep = rendered.resolved_rep;
  return value;
}

// Path relative to a directory descriptor.
Value relative_name(const EvalContext& context, size_t dirfd, size_t path) {
  if (!context.event.has(dirfd) || !context.event.has(path)) return Value::null();
  const std::string_view text = context.event.text(path);
  const Str base = context.state.resolve_dirfd(context.thread(), text,
                                               context.event.get<int64_t>(dirfd, kAtFdcwd));
  return held(context, context.state.join_path(base, text));
}

Value name_from_params(const EvalContext& context) {
  switch (context.event.type()) {
    case Ev::OPEN_X:
    case Ev::CREAT_X:
    case Ev::ACCEPT_5_X:
    case Ev::ACCEPT4_6_X:
    case Ev::CONNECT_X:
      return param_name(context, 1);
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_X:
      return relative_name(context, 1, 2);
    case Ev::OPEN_BY_HANDLE_AT_X:
      return param_name(context, 3);
    default:
      break;
  }
  return context.event.info().is_exit() ? Value::of_text("") : Value::null();
}

std::string_view raw_from_params(const EvalContext& context) {
  switch (context.event.type()) {
    case Ev::OPEN_X:
    case Ev::CREAT_X:
    case Ev::ACCEPT_5_X:
    case Ev::ACCEPT4_6_X:
    case Ev::CONNECT_X:
      return render_param(context, 1).value;
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_X:
      return context.event.text(2);
    case Ev::OPEN_BY_HANDLE_AT_X:
      return context.event.text(3);
    default:
      return {};
  }
}

}  // namespace

Value fd_name(const EvalContext& context) {
  if (!fd_applies(context)) return Value::null();
  const FdInfo* fd = event_fd(context);
  return fd == nullptr ? name_from_params(context) : Value::of_str(fd->name);
}

Value fd_name_field(const EvalContext& context, const FieldUse&) { return fd_name(context); }

Value fd_name_raw(const EvalContext& context, const FieldUse&) {
  if (!fd_applies(context)) return Value::null();
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr && !context.event.info().is_exit()) return Value::null();
  const std::string_view raw = fd == nullptr ? raw_from_params(context) : fd->name_raw.view();
  if (raw.find("//") == std::string_view::npos) {
    return fd == nullptr ? interned(context, raw) : Value::of_str(fd->name_raw);
  }
  ArenaText out(context.arena, raw.size());
  char last = '\0';
  for (const char c : raw) {
    if (c != '/' || last != '/') out.add(c);
    last = c;
  }
  return interned(context, out.view());
}

// What a list shows comes from /proc, which tells what the kernel has opened.
Value fd_real_path(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr) return Value::null();
  if (!fd->real_path.empty()) return Value::of_str(fd->real_path);
  const bool is_listed = fd->from_snapshot && fd->name.view().starts_with('/');
  const bool has_path = fd->is_file() || fd->kind == FdKind::Directory;
  return is_listed && has_path ? Value::of_str(fd->name) : Value::null();
}

Value fd_directory(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd != nullptr && fd->kind == FdKind::Directory) return Value::of_str(fd->name);
  if (fd != nullptr && !fd->is_file()) return Value::null();
  if (fd != nullptr) return held(context, context.state.directory_of(fd->name));
  const Value name = fd_name(context);
  if (name.is_null()) return name;
  const Str path =
      name.text.rep != nullptr ? Str(name.text.rep) : context.state.pool().intern(name.as_text());
  return held(context, context.state.directory_of(path));
}

Value fd_filename(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = event_fd(context);
  if (fd == nullptr || !fd->is_file()) return Value::null();
  const std::string_view name = fd->name.view();
  const size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return Value::of_text("/");
  return interned(context, name.substr(slash + 1));
}

Value fd_container_name(const EvalContext& context, const FieldUse&) {
  const Value name = fd_name(context);
  if (name.is_null()) return name;
  ArenaText out(context.arena, name.size + 80);
  out.add(context.thread()->container_id.view()).add(':').add(name.as_text());
  return Value::of_text(out.view());
}

Value fd_container_directory(const EvalContext& context, const FieldUse& use) {
  const Value name = fd_directory(context, use);
  if (name.is_null()) return name;
  ArenaText out(context.arena, name.size + 80);
  out.add(context.thread()->container_id.view()).add(':').add(name.as_text());
  return Value::of_text(out.view());
}

}  // namespace gyr
