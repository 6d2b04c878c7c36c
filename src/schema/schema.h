// SPDX-License-Identifier: Apache-2.0
// THE tables: events, parameters, system calls, flags, kinds of descriptors. The rows are in the
// .def files, read here as constexpr data and by the kernel probe as read-only data. Facts:
// schema 4.5.1 of the capture format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "value/type.h"

namespace gyr {

enum class Ev : uint16_t {
#define GYR_EVENT(number, code, name, category, source, flags, fd) code = number,
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
};
inline constexpr size_t kEventCount = 454;
inline constexpr size_t kMaxParams = 32;

enum class Category : uint8_t {
  Unknown,
  Other,
  File,
  Net,
  Ipc,
  Memory,
  Process,
  Sleep,
  System,
  Signal,
  User,
  Time,
  Processing,
  IoRead,
  IoWrite,
  IoOther,
  Wait,
  Scheduler,
  Internal,
};
enum class EventSource : uint8_t { None, Syscall, Tracepoint, Plugin, Meta, Iterator };

enum EventFlags : uint16_t {
  EF_NONE = 0,
  EF_CREATES_FD = 1,
  EF_DESTROYS_FD = 2,
  EF_USES_FD = 4,
  EF_READS_FROM_FD = 8,
  EF_WRITES_TO_FD = 16,
  EF_MODIFIES_STATE = 32,
  EF_UNUSED = 64,
  EF_WAITS = 128,
  EF_SKIPPARSERESET = 256,
  EF_OLD_VERSION = 512,
  EF_LARGE_PAYLOAD = 2048,
  EF_CONVERTER_MANAGED = 4096,
};

enum class FlagTable : uint8_t {
  none,
#define GYR_FLAG_TABLE(table) table,
#define GYR_FLAG(...)
#include "schema/flags.def"
#undef GYR_FLAG_TABLE
#undef GYR_FLAG
};
struct FlagInfo {
  FlagTable table;
  std::string_view name;
  uint32_t value;
};
std::span<const FlagInfo> flag_entries(FlagTable table);
std::string_view flag_table_name(FlagTable table);

// Tables of variants of a Dyn parameter (ParamInfo::aux).
enum DynTable : int8_t { DYN_SOCKOPT = 1, DYN_PTRACE, DYN_BPF, DYN_KEYCTL };
struct DynVariant {
  Type type;
  Format format;
};
std::span<const DynVariant> dyn_variants(DynTable table);

// How the kernel side fills a parameter (collect.def); none: it does not.
enum class Collect : uint8_t {
#define GYR_COLLECT(token, group) token,
#include "schema/collect.def"
#undef GYR_COLLECT
};

struct ParamInfo {
  std::string_view name;
  Type type;
  Format format;
  FlagTable flags;
  int8_t aux;  // index of the directory fd parameter (FsRelPath), DynTable (Dyn), else -1
  Collect collect;
  int8_t argument;  // of the system call, -1: none
};

inline constexpr size_t kPlainParams = 8;

struct EventInfo {
  std::string_view name;  // "openat"
  std::string_view code;  // "OPENAT_2_X"
  Ev type;
  Category category;
  EventSource source;
  uint16_t flags;   // EventFlags
  int8_t fd_param;  // index, -1: none
  uint8_t nparams;
  uint16_t first_param;
  bool carries_result;  // its first parameter is the result of the call
  // Parameters it has if their lengths are of 16 bits and there are at most kPlainParams, else 0.
  uint8_t plain_params;

  bool has(uint16_t mask) const { return (flags & mask) != 0; }
  constexpr bool is_exit() const { return is_exit(type); }
  static constexpr bool is_exit(Ev type) { return (static_cast<uint16_t>(type) & 1) != 0; }
  std::span<const ParamInfo> params() const;
};
const EventInfo& event_info(Ev type);
std::span<const EventInfo> all_events();

enum class Sc : uint16_t {
#define GYR_SYSCALL(number, code, name, x86_64, ia32, aarch64, event, flags) code = number,
#define GYR_SYSCALL_ALIAS(ia32, code)
#include "schema/syscalls.def"
#undef GYR_SYSCALL
#undef GYR_SYSCALL_ALIAS
};
inline constexpr size_t kScLimit = 454;  // one past the highest number; 382 is unused

enum ScFlags : uint8_t {
  SC_NONE = 0,
  SC_USED = 1,
  SC_NEVER_DROP = 2,
  SC_ALWAYS_DROP = 4,
  SC_GENERIC = 8,
  SC_TRACEPOINT = 16,
  SC_FOREIGN = 32,
};
struct ScInfo {
  std::string_view name;
  Sc sc;
  int16_t x86_64;  // numbers of the call on each machine, -1: none
  int16_t ia32;
  int16_t aarch64;
  Ev event;
  uint8_t flags;  // ScFlags
};
std::span<const ScInfo> all_syscalls();
// Null for a number that no row has.
const ScInfo* sc_info(uint16_t sc);
const ScInfo* find_syscall(std::string_view name);
// The call an x86-64 program makes with this number, null if unknown.
const ScInfo* syscall_of_x86_64(int number);
// The same of aarch64.
const ScInfo* syscall_of_aarch64(int number);
// The call a 32-bit x86 program makes with this number, aliases resolved; null if unknown.
const ScInfo* syscall_of_ia32(int number);

// Kinds of descriptors. Numbers are stored in captures.
enum class FdKind : uint8_t {
#define GYR_FD_KIND(number, name, letter, text, category, stored, link) name = number,
#include "schema/fd_kinds.def"
#undef GYR_FD_KIND
};
struct FdKindInfo {
  FdKind kind;
  char letter;            // fd.typechar
  std::string_view text;  // fd.type
  Category category;      // class of input/output on it: File, Net, Ipc, Other or Unknown
  std::string_view link;  // start of the /proc link of an anonymous inode, "" if not one
};
const FdKindInfo& fd_kind_info(FdKind kind);
std::span<const FdKindInfo> all_fd_kinds();

// Portable constants of the capture format (flags.def has the whole tables).
inline constexpr uint32_t kOpenReadOnly = 1;
inline constexpr uint32_t kOpenWriteOnly = 2;
inline constexpr uint32_t kOpenCreate = 4;
inline constexpr uint32_t kOpenDirectory = 1024;
inline constexpr uint32_t kOpenCloexec = 4096;
inline constexpr uint32_t kOpenTmpfile = 8192;
inline constexpr uint32_t kOpenCreated = 1u << 14;
inline constexpr uint32_t kOpenUpperLayer = 1u << 15;
inline constexpr uint32_t kOpenLowerLayer = 1u << 16;
inline constexpr int64_t kAtFdcwd = -100;
inline constexpr uint32_t kNoId = 0xffffffffu;  // unset uid, gid

}  // namespace gyr
