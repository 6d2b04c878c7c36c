// SPDX-License-Identifier: Apache-2.0
// fs.path.*: paths that a successful call worked on, one rule for every call (state-engine section
// 12).
#include <algorithm>
#include <array>

#include "field/families.h"
#include "field/fd_of.h"

namespace gyr {
namespace {

// What a relative path is relative to.
enum class Base : uint8_t {
  Cwd,
  EventFd,  // it is the name of the event's descriptor
  Dirfd,    // the event's descriptor, if that is a directory
  Param,    // the directory descriptor in the parameter before
  Unknown,
};

struct PathRow {
  Ev type;
  int8_t name;  // parameter numbers, -1: none
  int8_t source;
  int8_t target;
  Base base;
  Base target_base;
};

constexpr int8_t kNo = -1;
constexpr int8_t kFdName = -2;  // the path is the name of the event's descriptor

// Links are seen from their end: the new name is the source.
constexpr auto kPaths = std::to_array<PathRow>({
    {Ev::MKDIR_2_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::MKDIRAT_X, 2, kNo, kNo, Base::Dirfd, Base::Cwd},
    {Ev::RMDIR_2_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::UNLINK_2_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::UNLINKAT_2_X, 2, kNo, kNo, Base::Dirfd, Base::Cwd},
    {Ev::OPEN_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::OPENAT_2_X, 2, kNo, kNo, Base::EventFd, Base::Cwd},
    {Ev::OPENAT2_X, 2, kNo, kNo, Base::EventFd, Base::Cwd},
    {Ev::CHMOD_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::FCHMODAT_X, 2, kNo, kNo, Base::Dirfd, Base::Cwd},
    {Ev::FCHMOD_X, kFdName, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::FCHOWN_X, kFdName, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::CHOWN_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::LCHOWN_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::FCHOWNAT_X, 2, kNo, kNo, Base::Dirfd, Base::Cwd},
    {Ev::QUOTACTL_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::UMOUNT_1_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::UMOUNT2_X, 1, kNo, kNo, Base::Cwd, Base::Cwd},
    {Ev::RENAME_X, kNo, 1, 2, Base::Cwd, Base::Cwd},
    {Ev::RENAMEAT_X, kNo, 2, 4, Base::Cwd, Base::Cwd},
    {Ev::RENAMEAT2_X, kNo, 2, 4, Base::Param, Base::Param},
    {Ev::LINK_2_X, kNo, 2, 1, Base::Cwd, Base::Cwd},
    {Ev::LINKAT_2_X, kNo, 4, 2, Base::Cwd, Base::Cwd},
    {Ev::SYMLINK_X, kNo, 2, 1, Base::Cwd, Base::Cwd},
    {Ev::SYMLINKAT_X, kNo, 3, 1, Base::Dirfd, Base::Unknown},
    {Ev::MOUNT_X, kNo, 1, 2, Base::Cwd, Base::Cwd},
});

const PathRow* row_of(Ev type) {
  const auto* row = std::ranges::find(kPaths, type, &PathRow::type);
  return row == kPaths.end() ? nullptr : row;
}

bool makes_fd(Ev type) {
  return type == Ev::OPEN_X || type == Ev::OPENAT_2_X || type == Ev::OPENAT2_X;
}

// Opens are let through unless they failed with -1, as the reference does.
bool succeeded(const EventView& event) {
  if (!event.has_result()) return false;
  return makes_fd(event.type()) ? event.result() != -1 : event.result() == 0;
}

enum class Which { Name, Source, Target };

int8_t param_of(const PathRow& row, Which which) {
  switch (which) {
    case Which::Name:
      return row.name;
    case Which::Source:
      return row.source;
    case Which::Target:
      return row.target;
  }
  return kNo;
}

constexpr std::string_view kUnknown = "<UNKNOWN>";

Value relative(const EvalContext& context, Base base, size_t param, std::string_view path) {
  const State& state = context.state;
  const FdInfo* fd = event_fd(context);
  switch (base) {
    case Base::Cwd:
      return held(context, state.join_path(state.cwd(*context.thread()), path));
    case Base::EventFd:
      return fd == nullptr ? Value::of_text(kUnknown) : Value::of_str(fd->name);
    case Base::Dirfd: {
      if (fd == nullptr || fd->kind != FdKind::Directory) break;
      ArenaText directory(context.arena, fd->name.size() + 1);
      directory.add(fd->name.view()).add('/');
      return held(context, state.join_path(state.pool().intern(directory.view()), path));
    }
    case Base::Param: {
      const auto dirfd = context.event.get<int64_t>(param - 1, kAtFdcwd);
      const Str directory = state.resolve_dirfd(context.thread(), path, dirfd);
      return held(context, state.join_path(directory, path));
    }
    case Base::Unknown:
      break;
  }
  return held(context, state.join_path(state.pool().intern(kUnknown), path));
}

template <Which which, bool raw>
Value path(const EvalContext& context, const FieldUse&) {
  const PathRow* row = row_of(context.event.type());
  if (row == nullptr || context.thread() == nullptr || !succeeded(context.event)) {
    return Value::null();
  }
  const int8_t number = param_of(*row, which);
  if (number == kNo) return Value::null();
  if (number == kFdName) return fd_name(context);
  const size_t param = static_cast<uint8_t>(number);
  const bool missing = context.event.is_null_text(param);
  const std::string_view text = missing ? "<NA>" : context.event.text(param);
  if (raw) return interned(context, text);
  if (text.starts_with('/')) return held(context, context.state.join_path(Str(), text));
  return relative(context, which == Which::Target ? row->target_base : row->base, param, text);
}

template <Which which>
bool fold_path(uint16_t type, const FieldUse&, Value* value) {
  const PathRow* row = row_of(static_cast<Ev>(type));
  return (row == nullptr || param_of(*row, which) == kNo) && fold_to(value, Value::null());
}

constexpr auto kFields = std::to_array<FieldInfo>({
    {.name = "fs.path.name",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Path a successful call worked on, made absolute.",
     .extract = path<Which::Name, false>,
     .fold = fold_path<Which::Name>},
    {.name = "fs.path.nameraw",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Path a successful call worked on, as the caller wrote it.",
     .extract = path<Which::Name, true>,
     .fold = fold_path<Which::Name>},
    {.name = "fs.path.source",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc =
         "First path of a successful call with two; of a link the new name, of a mount the device.",
     .extract = path<Which::Source, false>,
     .fold = fold_path<Which::Source>},
    {.name = "fs.path.sourceraw",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "fs.path.source as the caller wrote it.",
     .extract = path<Which::Source, true>,
     .fold = fold_path<Which::Source>},
    {.name = "fs.path.target",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "Second path of a successful call with two; of a link what it leads to.",
     .extract = path<Which::Target, false>,
     .fold = fold_path<Which::Target>},
    {.name = "fs.path.targetraw",
     .type = Type::CharBuf,
     .domain = Domain::Path,
     .doc = "fs.path.target as the caller wrote it.",
     .extract = path<Which::Target, true>,
     .fold = fold_path<Which::Target>},
});

}  // namespace

std::span<const FieldInfo> fs_path_fields() { return kFields; }

}  // namespace gyr
