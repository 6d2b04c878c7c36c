// SPDX-License-Identifier: Apache-2.0
// evt.* fields of system calls that look at the event as a whole: type, category, result, input and
// output, opens. Parameters are in evt_args.cpp; the rows of both are here.
#include <algorithm>
#include <array>
#include <bitset>

#include "base/text.h"
#include "field/evt_args.h"
#include "field/families.h"
#include "field/names.h"
#include "field/render.h"
#include "field/values.h"
#include "schema/dynamic_types.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

// --- names
// -----------------------------------------------------------------------------------------

Value evt_type(const EvalContext& context, const FieldUse&) { return type_name(context); }

bool fold_type(uint16_t type, const FieldUse&, Value* value) {
  return !is_dynamic_type(static_cast<Ev>(type)) &&
         fold_to(value, Value::of_text(event_of(type).name));
}

Value syscall_type(const EvalContext& context, const FieldUse&) {
  if (context.event.info().source != EventSource::Syscall) return Value::null();
  return type_name(context);
}

bool fold_syscall_type(uint16_t type, const FieldUse& use, Value* value) {
  if (event_of(type).source != EventSource::Syscall) return fold_to(value, Value::null());
  return fold_type(type, use, value);
}

// Names that settings and rules use beside those of the tables (falco-interface 4.8), and the
// asynchronous events that the built-in container support declares.
constexpr auto kOtherNames = std::to_array<std::string_view>(
    {"setuid32", "setgid32", "setresuid32", "setresgid32", "setreuid32", "setregid32", "geteuid32",
     "getegid32", "getuid32", "getgid32", "getresuid32", "getresgid32", "chown32", "fchown32",
     "lchown32", "container", "container_removed"});

// Every name evt.type can have, sorted: a ruleset has hundreds of them to check.
const std::vector<std::string_view>& type_names() {
  static const auto kNames = [] {
    std::vector<std::string_view> names(kOtherNames.begin(), kOtherNames.end());
    for (const EventInfo& event : all_events()) names.push_back(event.name);
    for (const ScInfo& call : all_syscalls()) names.push_back(call.name);
    std::ranges::sort(names);
    return names;
  }();
  return kNames;
}

Result<void> check_type(const FieldUse& use, std::string_view constant) {
  if (std::ranges::binary_search(type_names(), constant)) return {};
  std::string message =
      std::string(use.info->name) + " can never be '" + std::string(constant) + "'";
  const std::string_view close = closest(constant, type_names());
  if (!close.empty()) message += "; did you mean '" + std::string(close) + "'?";
  return Error{message};
}

struct TypeSet {
  std::bitset<kEventCount> types;
};

// A number is that event; a name is the first event of the table with it, and the exit that
// follows.
Result<void> bind_type_is(FieldUse& use) {
  if (!use.has_argument) {
    return Error{"it needs the name or the number of an event, as in evt.type.is.openat"};
  }
  auto set = std::make_shared<TypeSet>();
  const Result<int64_t> number = argument_number(use);
  if (number && *number < static_cast<int64_t>(kEventCount)) {
    set->types.set(static_cast<size_t>(*number));
  } else {
    const auto* event =
        std::ranges::find(all_events(), use.argument, &EventInfo::name).operator->();
    if (event == all_events().data() + all_events().size()) {
      return Error{"evt.type.is takes the name or the number of an event, not '" + use.argument +
                   "'"};
    }
    const auto first = static_cast<size_t>(event->type);
    set->types.set(first);
    if (first + 1 < kEventCount) set->types.set(first + 1);
  }
  use.data = set;
  return {};
}

Value type_is(const EvalContext& context, const FieldUse& use) {
  const auto* set = static_cast<const TypeSet*>(use.data.get());
  if (set == nullptr) return Value::null();
  return Value::of_uint(set->types.test(static_cast<size_t>(context.event.type())) ? 1 : 0);
}

bool fold_type_is(uint16_t type, const FieldUse& use, Value* value) {
  const auto* set = static_cast<const TypeSet*>(use.data.get());
  return set != nullptr && fold_to(value, Value::of_uint(set->types.test(type) ? 1 : 0));
}

std::string_view direction_of(const EventInfo& info) { return info.is_exit() ? "<" : ">"; }

Value direction(const EvalContext& context, const FieldUse&) {
  return Value::of_text(direction_of(context.event.info()));
}

bool fold_direction(uint16_t type, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_text(direction_of(event_of(type))));
}

// --- category
// --------------------------------------------------------------------------------------

bool is_io_category(Category category) {
  return category == Category::IoRead || category == Category::IoWrite ||
         category == Category::IoOther;
}

std::string_view category_name(Category category) {
  switch (category) {
    case Category::Other:
      return "other";
    case Category::File:
      return "file";
    case Category::Net:
      return "net";
    case Category::Ipc:
      return "IPC";
    case Category::Memory:
      return "memory";
    case Category::Process:
      return "process";
    case Category::Sleep:
      return "sleep";
    case Category::System:
      return "system";
    case Category::Signal:
      return "signal";
    case Category::User:
      return "user";
    case Category::Time:
      return "time";
    case Category::Processing:
      return "processing";
    case Category::Wait:
      return "wait";
    case Category::Scheduler:
      return "scheduler";
    case Category::Internal:
      return "internal";
    case Category::Unknown:
    case Category::IoRead:
    case Category::IoWrite:
    case Category::IoOther:
      return "unknown";
  }
  return "unknown";
}

std::string_view io_category_name(const FdInfo* fd) {
  if (fd == nullptr) return "unknown";
  switch (fd_kind_info(fd->kind).category) {
    case Category::File:
      return "file";
    case Category::Net:
      return "net";
    case Category::Ipc:
      return "ipc";
    default:
      return "unknown";
  }
}

Value category(const EvalContext& context, const FieldUse&) {
  const Category own = context.event.info().category;
  return Value::of_text(is_io_category(own) ? io_category_name(context.event_state.fd)
                                            : category_name(own));
}

bool fold_category(uint16_t type, const FieldUse&, Value* value) {
  const Category own = event_of(type).category;
  return !is_io_category(own) && fold_to(value, Value::of_text(category_name(own)));
}

Value cpu(const EvalContext& context, const FieldUse&) {
  return Value::of_int(context.event.cpu());
}

// --- result
// ----------------------------------------------------------------------------------------

Value raw_result(const EvalContext& context, const FieldUse&) {
  if (!context.event.has_result()) return Value::null();
  return Value::of_int(context.event.result());
}

Value result_name(const EvalContext& context, const FieldUse&) {
  if (!context.event.has_result()) return Value::null();
  const int64_t result = context.event.result();
  if (result >= 0) return Value::of_text("SUCCESS");
  return Value::of_text(errno_name(uint64_t{0} - static_cast<uint64_t>(result)));
}

Value failed(const EvalContext& context, const FieldUse&) {
  if (!context.event.has_result()) return Value::null();
  return Value::of_bool(context.event.result() < 0);
}

Value one(const EvalContext&, const FieldUse&) { return Value::of_uint(1); }
bool fold_one(uint16_t, const FieldUse&, Value* value) { return fold_to(value, Value::of_uint(1)); }

enum class Failure { Any, File, Net, Memory, Other };

bool is_open_event(Ev type) {
  switch (type) {
    case Ev::OPEN_X:
    case Ev::CREAT_X:
    case Ev::OPENAT_X:
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_X:
    case Ev::OPEN_BY_HANDLE_AT_X:
      return true;
    default:
      return false;
  }
}

Failure failure_class(const EvalContext& context) {
  const Category category = context.event.info().category;
  if (const FdInfo* fd = context.event_state.fd; fd != nullptr) {
    if (fd->is_file() || fd->kind == FdKind::Directory) return Failure::File;
    if (fd->is_ip_socket() || fd->kind == FdKind::Unix) return Failure::Net;
  } else {
    const Ev type = context.event.type();
    if (is_open_event(type)) return Failure::File;
    if (type == Ev::ACCEPT_5_X || type == Ev::ACCEPT4_6_X || type == Ev::CONNECT_X) {
      return Failure::Net;
    }
  }
  const bool mapped = context.event_state.fd == nullptr && category == Category::Memory;
  return mapped ? Failure::Memory : Failure::Other;
}

// What is mapped may be of two classes.
template <Failure wanted>
bool is_of_class(const EvalContext& context) {
  if (wanted == Failure::Any) return true;
  if (wanted == Failure::Memory) return context.event.info().category == Category::Memory;
  return failure_class(context) == wanted;
}

// 1 for a failed call of the class, 0 for one that did not fail.
template <Failure wanted>
Value count_errors(const EvalContext& context, const FieldUse&) {
  if (!context.event.has_result() || !is_of_class<wanted>(context)) return Value::null();
  return Value::of_uint(context.event.result() < 0 ? 1 : 0);
}

Value count_exit(const EvalContext& context, const FieldUse&) {
  return context.event.info().is_exit() ? Value::of_uint(1) : Value::null();
}
bool fold_count_exit(uint16_t type, const FieldUse&, Value* value) {
  return fold_to(value, event_of(type).is_exit() ? Value::of_uint(1) : Value::null());
}

Value count_procinfo(const EvalContext& context, const FieldUse&) {
  const Thread* thread = context.thread();
  const bool counts = context.event.type() == Ev::PROCINFO_E && thread && thread->is_main();
  return Value::of_uint(counts ? 1 : 0);
}
Value count_threadinfo(const EvalContext& context, const FieldUse&) {
  return Value::of_uint(context.event.type() == Ev::PROCINFO_E ? 1 : 0);
}
bool fold_not_procinfo(uint16_t type, const FieldUse&, Value* value) {
  return static_cast<Ev>(type) != Ev::PROCINFO_E && fold_to(value, Value::of_uint(0));
}

// --- input and output
// ------------------------------------------------------------------------------

template <uint16_t mask>
Value has_flags(const EvalContext& context, const FieldUse&) {
  return Value::of_bool(context.event.info().has(mask));
}
template <uint16_t mask>
bool fold_flags(uint16_t type, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_bool(event_of(type).has(mask)));
}
constexpr uint16_t kReads = EF_READS_FROM_FD;
constexpr uint16_t kWrites = EF_WRITES_TO_FD;
constexpr uint16_t kInputOutput = EF_READS_FROM_FD | EF_WRITES_TO_FD;

Value io_direction_of(const EventInfo& info) {
  if (info.has(EF_WRITES_TO_FD)) return Value::of_text("write");
  return info.has(EF_READS_FROM_FD) ? Value::of_text("read") : Value::null();
}
Value io_direction(const EvalContext& context, const FieldUse&) {
  return io_direction_of(context.event.info());
}
bool fold_io_direction(uint16_t type, const FieldUse&, Value* value) {
  return fold_to(value, io_direction_of(event_of(type)));
}

Value is_syslog(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = context.event_state.fd;
  return Value::of_bool(context.event.info().has(EF_WRITES_TO_FD) && fd != nullptr &&
                        fd->name.view().find("/dev/log") != std::string_view::npos);
}
bool fold_is_syslog(uint16_t type, const FieldUse&, Value* value) {
  return !event_of(type).has(EF_WRITES_TO_FD) && fold_to(value, Value::of_bool(false));
}

enum class Way { Any, In, Out };
enum class Kind { Any, File, Net };

bool moves_bytes(Category category, Way way) {
  switch (way) {
    case Way::Any:
      return is_io_category(category);
    case Way::In:
      return category == Category::IoRead;
    case Way::Out:
      return category == Category::IoWrite;
  }
  return false;
}

// Bytes that the call moved over a known descriptor.
template <Way way, Kind kind>
Value buffer_length(const EvalContext& context, const FieldUse&) {
  const FdInfo* fd = context.event_state.fd;
  if (fd == nullptr || !moves_bytes(context.event.info().category, way)) return Value::null();
  if (kind == Kind::File && !fd->is_file()) return Value::null();
  if (kind == Kind::Net && !fd->is_ip_socket()) return Value::null();
  if (!context.event.has_result() || context.event.result() < 0) return Value::null();
  return Value::of_uint(static_cast<uint64_t>(context.event.result()));
}
template <Way way>
bool fold_buffer_length(uint16_t type, const FieldUse&, Value* value) {
  const EventInfo& info = event_of(type);
  return (!moves_bytes(info.category, way) || !has_result_type(info)) &&
         fold_to(value, Value::null());
}

// --- opens
// -----------------------------------------------------------------------------------------

enum class Open { Read, Write, Exec, Create };

struct OpenParams {
  int flags = -1;
  int mode = -1;
};

OpenParams open_params(Ev type) {
  switch (type) {
    case Ev::OPEN_X:
      return {2, 3};
    case Ev::OPENAT_2_X:
    case Ev::OPENAT2_X:
      return {3, 4};
    case Ev::OPEN_BY_HANDLE_AT_X:
      return {2, -1};
    case Ev::CREAT_X:
      return {-1, 2};
    default:
      return {};
  }
}

constexpr uint32_t kExecutable = 0111;

bool opened_as(const EventView& event, Open open) {
  const OpenParams at = open_params(event.type());
  const auto flags = at.flags < 0 ? 0u : event.get<uint32_t>(static_cast<size_t>(at.flags));
  const auto mode = at.mode < 0 ? 0u : event.get<uint32_t>(static_cast<size_t>(at.mode));
  const bool creat = event.type() == Ev::CREAT_X;
  switch (open) {
    case Open::Read:
      return (flags & kOpenReadOnly) != 0;
    case Open::Write:
      return (flags & kOpenWriteOnly) != 0;
    case Open::Exec:
      return (creat || (flags & (kOpenTmpfile | kOpenCreate)) != 0) && (mode & kExecutable) != 0;
    case Open::Create:
      return (flags & kOpenCreated) != 0 ||
             ((flags & kOpenTmpfile) != 0 && event.has_result() && event.result() >= 0);
  }
  return false;
}

template <Open open>
Value is_open(const EvalContext& context, const FieldUse&) {
  return Value::of_bool(opened_as(context.event, open));
}
template <Open open>
bool fold_is_open(uint16_t type, const FieldUse&, Value* value) {
  const OpenParams at = open_params(static_cast<Ev>(type));
  const bool possible = at.flags >= 0 || (open == Open::Exec && at.mode >= 0);
  return !possible && fold_to(value, Value::of_bool(false));
}

// --- time
// ------------------------------------------------------------------------------------------

struct LastTime {
  uint64_t ts_ns = 0;
};

// Since the event before at which this use was asked; 0 at the first.
template <uint64_t divisor, bool rest>
Value delta(const EvalContext& context, const FieldUse& use) {
  LastTime& last = context.memory.of<LastTime>(use);
  const uint64_t now = context.event.ts_ns();
  const uint64_t passed = last.ts_ns == 0 ? 0 : now - last.ts_ns;
  last.ts_ns = now;
  return Value::of_uint(rest ? passed % divisor : passed / divisor);
}

// Window around a time: the comparison's constant is noted when it is checked, so that the value
// equals it exactly for the events within it.
struct Window {
  uint64_t center_ns = 0;
  uint64_t width_ms = 0;
};

Result<void> bind_around(FieldUse& use) {
  const Result<int64_t> number = argument_number(use);
  if (!number)
    return Error{
        "evt.around needs a time in nanoseconds, as in evt.around[1700000000000000000] = 10"};
  auto window = std::make_shared<Window>();
  window->center_ns = static_cast<uint64_t>(*number);
  use.data = window;
  return {};
}

Result<void> check_around(const FieldUse& use, std::string_view constant) {
  auto* window = static_cast<Window*>(use.data.get());
  uint64_t width = 0;
  const char* end = constant.data() + constant.size();
  const auto parsed = std::from_chars(constant.data(), end, width);
  if (window == nullptr || parsed.ec != std::errc() || parsed.ptr != end) {
    return Error{"evt.around is compared with a number of milliseconds"};
  }
  window->width_ms = width;
  return {};
}

Value around(const EvalContext& context, const FieldUse& use) {
  const auto* window = static_cast<const Window*>(use.data.get());
  if (window == nullptr) return Value::null();
  const uint64_t now = context.event.ts_ns();
  const uint64_t away = now > window->center_ns ? now - window->center_ns : window->center_ns - now;
  const uint64_t away_ms = away / 1'000'000 + (away % 1'000'000 != 0 ? 1 : 0);
  return Value::of_uint(away_ms <= window->width_ms ? window->width_ms : away_ms);
}

Value zero(const EvalContext&, const FieldUse&) { return Value::of_uint(0); }
bool fold_zero(uint16_t, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_uint(0));
}
Value zero_text(const EvalContext&, const FieldUse&) { return Value::of_text("0ns"); }
bool fold_zero_text(uint16_t, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_text("0ns"));
}
Value none(const EvalContext&, const FieldUse&) { return Value::null(); }
bool fold_none(uint16_t, const FieldUse&, Value* value) { return fold_to(value, Value::null()); }

Value output_time(const EvalContext& context, const FieldUse&) {
  ArenaText out(context.arena);
  add_local_time(out, context.event.ts_ns(), false, true);
  return Value::of_text(out.view());
}

constexpr auto kFields = std::to_array<FieldInfo>({
#include "field/evt_syscall.def"
});

}  // namespace

std::span<const FieldInfo> syscall_event_fields() { return kFields; }

}  // namespace gyr
