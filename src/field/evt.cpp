// SPDX-License-Identifier: Apache-2.0
// evt.* fields that events of every source have: number, times, source.
#include <array>
#include <ctime>

#include "field/families.h"
#include "field/render.h"
#include "field/values.h"

namespace gyr {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

Value num(const EvalContext& context, const FieldUse&) { return Value::of_uint(context.number); }

template <bool date, bool fraction>
Value local_time(const EvalContext& context, const FieldUse&) {
  ArenaText out(context.arena);
  add_local_time(out, context.event.ts_ns(), date, fraction);
  return Value::of_text(out.view());
}

Value iso8601(const EvalContext& context, const FieldUse&) {
  const uint64_t ts = context.event.ts_ns();
  const auto seconds = static_cast<std::time_t>(ts / kSecond);
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return Value::null();
  char text[40];
  ArenaText out(context.arena);
  out.add({text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &utc)});
  return Value::of_text(out.padded(ts % kSecond, 9).add("+0000").view());
}

enum class Part { All, Seconds, Nanoseconds };

template <Part part>
uint64_t part_of(uint64_t ns) {
  switch (part) {
    case Part::All:
      return ns;
    case Part::Seconds:
      return ns / kSecond;
    case Part::Nanoseconds:
      return ns % kSecond;
  }
  return ns;
}

template <Part part>
Value raw_time(const EvalContext& context, const FieldUse&) {
  return Value::of_uint(part_of<part>(context.event.ts_ns()));
}

template <Part part>
Value relative_time(const EvalContext& context, const FieldUse&) {
  return Value::of_uint(part_of<part>(context.event.ts_ns() - context.first_ts_ns));
}

Value no_value(const EvalContext&, const FieldUse&) { return Value::null(); }

bool is_plugin_type(uint16_t type) {
  const Ev event = static_cast<Ev>(type);
  return event == Ev::PLUGINEVENT_E || event == Ev::ASYNCEVENT_E;
}

bool fold_not_plugin(uint16_t type, const FieldUse&, Value* value) {
  return !is_plugin_type(type) && fold_to(value, Value::null());
}

Value source(const EvalContext& context, const FieldUse&) {
  const auto type = static_cast<uint16_t>(context.event.type());
  if (!is_plugin_type(type)) return Value::of_text("syscall");
  // Plugin number 0 stands for the system call source.
  if (context.event.get<uint32_t>(0) == 0) return Value::of_text("syscall");
  return text_or_null(context.settings.source);
}

bool fold_source(uint16_t type, const FieldUse&, Value* value) {
  return !is_plugin_type(type) && fold_to(value, Value::of_text("syscall"));
}

Value is_async(const EvalContext& context, const FieldUse&) {
  return Value::of_bool(context.event.info().source == EventSource::Meta);
}

bool fold_is_async(uint16_t type, const FieldUse&, Value* value) {
  return fold_to(value, Value::of_bool(event_of(type).source == EventSource::Meta));
}

Value async_type(const EvalContext& context, const FieldUse&) {
  if (context.event.info().source != EventSource::Meta) return Value::null();
  return type_name(context);
}

bool fold_async_type(uint16_t type, const FieldUse&, Value* value) {
  return event_of(type).source != EventSource::Meta && fold_to(value, Value::null());
}

Value hostname(const EvalContext& context, const FieldUse&) {
  return Value::of_text(context.state.machine().hostname);
}

Value args_changed(const EvalContext& context, const FieldUse&) {
  return Value::of_bool(context.event.arguments_changed());
}

constexpr auto kFields = std::to_array<FieldInfo>({
#include "field/evt.def"
});

}  // namespace

std::span<const FieldInfo> event_fields() { return kFields; }

}  // namespace gyr
