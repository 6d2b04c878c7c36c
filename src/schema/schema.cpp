// SPDX-License-Identifier: Apache-2.0
#include "schema/schema.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace gyr {
namespace {

struct ParamRow {
  Ev event;
  ParamInfo info;
};

constexpr auto kParamRows = std::to_array<ParamRow>({
#define GYR_EVENT(...)
#define GYR_PARAM(event, name, type, format, table, aux, collect, argument) \
  {Ev::event,                                                               \
   {name, Type::type, Format::format, FlagTable::table, aux, Collect::collect, argument}},
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
});

constexpr auto kParams = [] {
  std::array<ParamInfo, kParamRows.size()> params{};
  for (size_t i = 0; i < params.size(); ++i) params[i] = kParamRows[i].info;
  return params;
}();

constexpr auto kEvents = [] {
  auto events = std::to_array<EventInfo>({
#define GYR_EVENT(number, code, name, category, source, flags, fd) \
  {name, #code, Ev::code, Category::category, EventSource::source, flags, fd, 0, 0, false, 0},
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  });
  size_t at = 0;
  for (EventInfo& event : events) {
    event.first_param = static_cast<uint16_t>(at);
    while (at < kParamRows.size() && kParamRows[at].event == event.type) {
      ++at;
      ++event.nparams;
    }
    event.carries_result = event.source == EventSource::Syscall && event.is_exit() &&
                           event.type != Ev::GENERIC_X && event.nparams > 0;
    const bool is_plain = event.nparams <= kPlainParams && (event.flags & EF_LARGE_PAYLOAD) == 0;
    event.plain_params = is_plain ? event.nparams : 0;
  }
  return events;
}();

constexpr bool events_are_sound() {
  size_t params = 0;
  for (size_t i = 0; i < kEvents.size(); ++i) {
    const EventInfo& event = kEvents[i];
    if (static_cast<size_t>(event.type) != i || event.nparams > kMaxParams) return false;
    if (event.fd_param >= event.nparams) return false;
    params += event.nparams;
  }
  return params == kParamRows.size();
}
static_assert(kEvents.size() == kEventCount, "events.def must have one row per event number");
static_assert(events_are_sound(),
              "events.def: rows must be in order of their numbers, and the parameters of an event "
              "must follow its row");

constexpr auto kFlags = std::to_array<FlagInfo>({
#define GYR_FLAG_TABLE(table)
#define GYR_FLAG(table, name, value) {FlagTable::table, name, value},
#include "schema/flags.def"
#undef GYR_FLAG_TABLE
#undef GYR_FLAG
});

constexpr auto kFlagTableNames = std::to_array<std::string_view>({
    "none",
#define GYR_FLAG_TABLE(table) #table,
#define GYR_FLAG(...)
#include "schema/flags.def"
#undef GYR_FLAG_TABLE
#undef GYR_FLAG
});

struct FlagRange {
  uint16_t first = 0;
  uint16_t count = 0;
};
constexpr auto kFlagRanges = [] {
  std::array<FlagRange, kFlagTableNames.size()> ranges{};
  for (size_t i = 0; i < kFlags.size(); ++i) {
    FlagRange& range = ranges[static_cast<size_t>(kFlags[i].table)];
    if (range.count == 0) range.first = static_cast<uint16_t>(i);
    ++range.count;
  }
  return ranges;
}();

constexpr auto kSockoptVariants = std::to_array<DynVariant>({{Type::ByteBuf, Format::Hex},
                                                             {Type::Errno, Format::Dec},
                                                             {Type::Uint32, Format::Dec},
                                                             {Type::Uint64, Format::Dec},
                                                             {Type::RelTime, Format::Dec}});
constexpr auto kPtraceVariants =
    std::to_array<DynVariant>({{Type::Uint64, Format::Hex}, {Type::SigType, Format::Dec}});
constexpr auto kBpfVariants =
    std::to_array<DynVariant>({{Type::Fd, Format::Dec}, {Type::Errno, Format::Dec}});
constexpr auto kKeyctlVariants =
    std::to_array<DynVariant>({{Type::Int64, Format::Dec}, {Type::CharBuf, Format::Na}});

constexpr auto kSyscalls = std::to_array<ScInfo>({
#define GYR_SYSCALL(number, code, name, x86_64, ia32, aarch64, event, flags) \
  {name, Sc::code, x86_64, ia32, aarch64, Ev::event, flags},
#define GYR_SYSCALL_ALIAS(...)
#include "schema/syscalls.def"
#undef GYR_SYSCALL
#undef GYR_SYSCALL_ALIAS
});

constexpr size_t kNumbers = 512;  // above every call number of the supported machines

constexpr auto kByCode = [] {
  std::array<int16_t, kScLimit> rows{};
  rows.fill(-1);
  for (size_t i = 0; i < kSyscalls.size(); ++i) {
    rows[static_cast<size_t>(kSyscalls[i].sc)] = static_cast<int16_t>(i);
  }
  return rows;
}();

// Rows by the number that this member holds.
constexpr auto by_number(int16_t ScInfo::*number) {
  std::array<int16_t, kNumbers> rows{};
  rows.fill(-1);
  for (size_t i = 0; i < kSyscalls.size(); ++i) {
    if (kSyscalls[i].*number >= 0) {
      rows[static_cast<size_t>(kSyscalls[i].*number)] = static_cast<int16_t>(i);
    }
  }
  return rows;
}
constexpr auto kByX8664 = by_number(&ScInfo::x86_64);
constexpr auto kByAarch64 = by_number(&ScInfo::aarch64);

constexpr auto kByIa32 = [] {
  auto rows = by_number(&ScInfo::ia32);
#define GYR_SYSCALL(...)
#define GYR_SYSCALL_ALIAS(ia32, code) rows[ia32] = kByCode[static_cast<size_t>(Sc::code)];
#include "schema/syscalls.def"
#undef GYR_SYSCALL
#undef GYR_SYSCALL_ALIAS
  return rows;
}();

constexpr auto kFdKinds = std::to_array<FdKindInfo>({
#define GYR_FD_KIND(number, name, letter, text, category, stored, link) \
  {FdKind::name, letter, text, Category::category, link},
#include "schema/fd_kinds.def"
#undef GYR_FD_KIND
});

const ScInfo* row_of(std::span<const int16_t> rows, int number) {
  if (number < 0 || static_cast<size_t>(number) >= rows.size()) return nullptr;
  const int16_t row = rows[static_cast<size_t>(number)];
  return row < 0 ? nullptr : &kSyscalls[static_cast<size_t>(row)];
}

}  // namespace

std::span<const ParamInfo> EventInfo::params() const { return {&kParams[first_param], nparams}; }

const EventInfo& event_info(Ev type) {
  const auto index = static_cast<size_t>(type);
  GYR_CHECK(index < kEvents.size());
  return kEvents[index];
}

std::span<const EventInfo> all_events() { return kEvents; }

std::span<const FlagInfo> flag_entries(FlagTable table) {
  const FlagRange range = kFlagRanges[static_cast<size_t>(table)];
  return std::span(kFlags).subspan(range.first, range.count);
}

std::string_view flag_table_name(FlagTable table) {
  return kFlagTableNames[static_cast<size_t>(table)];
}

std::span<const DynVariant> dyn_variants(DynTable table) {
  switch (table) {
    case DYN_SOCKOPT:
      return kSockoptVariants;
    case DYN_PTRACE:
      return kPtraceVariants;
    case DYN_BPF:
      return kBpfVariants;
    case DYN_KEYCTL:
      return kKeyctlVariants;
  }
  return {};
}

std::span<const ScInfo> all_syscalls() { return kSyscalls; }
const ScInfo* sc_info(uint16_t sc) { return row_of(kByCode, sc); }
const ScInfo* syscall_of_x86_64(int number) { return row_of(kByX8664, number); }
const ScInfo* syscall_of_aarch64(int number) { return row_of(kByAarch64, number); }
const ScInfo* syscall_of_ia32(int number) { return row_of(kByIa32, number); }

const ScInfo* find_syscall(std::string_view name) {
  const auto* found = std::ranges::find(kSyscalls, name, &ScInfo::name);
  return found == kSyscalls.end() ? nullptr : &*found;
}

const FdKindInfo& fd_kind_info(FdKind kind) {
  const auto index = static_cast<size_t>(kind);
  GYR_CHECK(index < kFdKinds.size());
  return kFdKinds[index];
}

std::span<const FdKindInfo> all_fd_kinds() { return kFdKinds; }

}  // namespace gyr
