// SPDX-License-Identifier: Apache-2.0
#include "capture/conversions.h"

#include <algorithm>
#include <array>

namespace gyr {
namespace {

struct Row {
  bool is_fill;
  Conversion conversion;
  Fill fill;
};

constexpr auto kRows = std::to_array<Row>({
#define GYR_CONVERT(code, count, action, to) \
  {false, {Ev::code, count, Action::action, Ev::to, 0, 0}, {}},
#define GYR_FILL(source, param, fallback) \
  {true, {}, {FillSource::source, param, FillSource::fallback}},
#include "schema/conversions.def"
#undef GYR_CONVERT
#undef GYR_FILL
});

constexpr size_t kFillCount =
    static_cast<size_t>(std::ranges::count_if(kRows, [](const Row& row) { return row.is_fill; }));

constexpr auto kFills = [] {
  std::array<Fill, kFillCount> fills{};
  size_t at = 0;
  for (const Row& row : kRows) {
    if (row.is_fill) fills[at++] = row.fill;
  }
  return fills;
}();

constexpr auto kConversions = [] {
  std::array<Conversion, kRows.size() - kFillCount> conversions{};
  size_t at = 0;
  uint16_t fills = 0;
  for (const Row& row : kRows) {
    if (row.is_fill) {
      ++fills;
      ++conversions[at - 1].fill_count;
    } else {
      conversions[at] = row.conversion;
      conversions[at++].first_fill = fills;
    }
  }
  return conversions;
}();

constexpr auto kParamCounts = [] {
  std::array<uint8_t, kEventCount> counts{};
#define GYR_EVENT(...)
#define GYR_PARAM(event, ...) ++counts[static_cast<size_t>(Ev::event)];
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  return counts;
}();

constexpr size_t kCounts = kMaxParams + 1;
constexpr uint16_t kNone = 0xffff;
constexpr auto kIndex = [] {
  std::array<std::array<uint16_t, kCounts>, kEventCount> index{};
  for (auto& counts : index) counts.fill(kNone);
  for (size_t i = 0; i < kConversions.size(); ++i) {
    const Conversion& rule = kConversions[i];
    index[static_cast<size_t>(rule.from)][rule.count] = static_cast<uint16_t>(i);
  }
  return index;
}();

// Every rule fills exactly parameters that the new event has, and none is written twice.
constexpr bool conversions_are_sound() {
  for (size_t i = 0; i < kConversions.size(); ++i) {
    const Conversion& rule = kConversions[i];
    if (kIndex[static_cast<size_t>(rule.from)][rule.count] != i) return false;
    const size_t room = kParamCounts[static_cast<size_t>(rule.to)];
    switch (rule.action) {
      case Action::pass:
      case Action::store:
      case Action::store_and_pass:
        if (rule.fill_count != 0) return false;
        break;
      case Action::add_params:
        if (rule.from != rule.to || rule.fill_count == 0) return false;
        if (rule.count + size_t{rule.fill_count} > room) return false;
        break;
      case Action::change_type:
        if (rule.from == rule.to || rule.fill_count > room) return false;
        break;
    }
  }
  return true;
}
static_assert(conversions_are_sound(),
              "conversions.def: a rule is there twice or fills parameters its event lacks");

}  // namespace

std::span<const Fill> Conversion::fills() const {
  return std::span(kFills).subspan(first_fill, fill_count);
}

const Conversion* find_conversion(Ev type, uint32_t count) {
  const auto event = static_cast<size_t>(type);
  if (event >= kEventCount || count >= kCounts) return nullptr;
  const uint16_t index = kIndex[event][count];
  return index == kNone ? nullptr : &kConversions[index];
}

}  // namespace gyr
