// SPDX-License-Identifier: Apache-2.0
#include "capture/upgrade.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "capture/conversions.h"
#include "capture/format.h"

namespace gyr {
namespace {

constexpr int kMaxConversions = 50;
// Enter events remembered at a time: one per thread that is inside a system call.
constexpr size_t kMaxEnters = 65536;
constexpr size_t kMaxEnterBytes = 64u << 20;
constexpr size_t kMaxSpare = 64;
constexpr std::array<uint8_t, 16> kZeros{};
constexpr std::array<uint8_t, 4> kNoIdBytes{0xff, 0xff, 0xff, 0xff};

size_t length_width(Ev type) { return event_info(type).has(EF_LARGE_PAYLOAD) ? 4 : 2; }

Ev type_of(Bytes record) { return static_cast<Ev>(load<uint16_t>(record.data() + 20)); }
uint32_t count_of(Bytes record) { return load<uint32_t>(record.data() + 22); }

uint32_t length_at(Bytes record, size_t width, size_t index) {
  const uint8_t* at = record.data() + kEventHeaderSize + index * width;
  return width == 4 ? load<uint32_t>(at) : load<uint16_t>(at);
}

// A parameter of a sound record, empty if it has fewer.
Bytes param_of(Bytes record, uint32_t index) {
  const uint32_t count = count_of(record);
  if (index >= count) return {};
  const size_t width = length_width(type_of(record));
  size_t at = kEventHeaderSize + count * width;
  for (uint32_t i = 0; i < index; ++i) at += length_at(record, width, i);
  return record.subspan(at, length_at(record, width, index));
}

Bytes default_value(Type type) {
  if (type == Type::Uid || type == Type::Gid) return kNoIdBytes;
  return Bytes(kZeros).first(type_info(type).size_min);
}

std::string_view text_of(Bytes param) {
  std::string_view text = as_text(param);
  return text.substr(0, text.find('\0'));
}

void append_json_text(std::string& json, std::string_view text) {
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  json += '"';
}

// What old collectors told of a container in four parameters, as the later events tell it.
std::string container_json(Bytes id, Bytes type, Bytes name, Bytes image) {
  std::string json = "{\"id\":";
  append_json_text(json, text_of(id));
  json += fmt::format(",\"type\":{}", type.size() >= 4 ? load<uint32_t>(type.data()) : 0);
  json += ",\"name\":";
  append_json_text(json, text_of(name));
  json += ",\"image\":";
  append_json_text(json, text_of(image));
  json += '}';
  json += '\0';
  return json;
}

constexpr bool is_exit(uint32_t number) { return number % 2 == 1; }

}  // namespace

constinit const std::array<uint32_t, kEventCount> Upgrader::kSettled = [] {
  std::array<uint32_t, kEventCount> settled{};
  std::array<uint32_t, kEventCount> counts{};
#define GYR_EVENT(...)
#define GYR_PARAM(event, ...) ++counts[static_cast<size_t>(Ev::event)];
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  const auto judge = [&](uint32_t number, uint32_t flags) {
    if (flags & EF_UNUSED) return kNoCount;
    if (flags & EF_OLD_VERSION) return kNoCount;
    if (!(flags & EF_CONVERTER_MANAGED)) return kAnyCount;
    return is_exit(number) ? counts[number] : kNoCount;
  };
#define GYR_EVENT(number, code, name, category, source, flags, fd) \
  settled[number] = judge(number, flags);
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
  return settled;
}();

// Reached by events that are not current as they are.
Upgrade Upgrader::upgrade_slow(Record* record) {
  const Bytes bytes = record->bytes;
  Draft draft;
  draft.type = type_of(bytes);
  draft.count = count_of(bytes);
  const EventInfo& info = event_info(draft.type);
  if (info.has(EF_UNUSED)) return drop();
  if (!info.has(EF_CONVERTER_MANAGED)) {
    if (!info.is_exit()) return drop();
    return fail(fmt::format("events of type {} are too old and cannot be upgraded", info.code));
  }
  if (info.is_exit() && draft.count > info.nparams) {
    return fail(
        fmt::format("event {} has {} parameters: it is newer than this program, which knows {}",
                    info.code, draft.count, info.nparams));
  }
  // More parameters than any rule is for: convert_all() will find none.
  const size_t width = length_width(draft.type);
  size_t at = kEventHeaderSize + draft.count * width;
  for (uint32_t i = 0; i < std::min<uint32_t>(draft.count, kMaxParams); ++i) {
    const size_t size = length_at(bytes, width, i);
    draft.params[i] = bytes.subspan(at, size);
    at += size;
  }
  return convert_all(record, draft);
}

Upgrade Upgrader::convert_all(Record* record, Draft& draft) {
  const auto tid = load<int64_t>(record->bytes.data() + 8);
  for (int round = 0; round < kMaxConversions; ++round) {
    const uint32_t settled = kSettled[static_cast<size_t>(draft.type)];
    if (settled == kAnyCount || settled == draft.count) return keep(record, draft);
    const Conversion* rule = find_conversion(draft.type, draft.count);
    if (rule == nullptr) {
      return fail(fmt::format("there is no rule to upgrade event {} with {} parameters",
                              event_info(draft.type).code, draft.count));
    }
    switch (rule->action) {
      case Action::pass:
        return keep(record, draft);
      case Action::store:
      case Action::store_and_pass: {
        const Upgrade kept = keep(record, draft);
        if (kept == Upgrade::Failed) return kept;
        remember(tid, record->bytes);
        return rule->action == Action::store ? drop() : kept;
      }
      case Action::add_params:
      case Action::change_type:
        convert(draft, *rule, tid);
        break;
    }
  }
  return fail(fmt::format("event {} is still not current after {} conversions",
                          event_info(draft.type).code, kMaxConversions));
}

void Upgrader::convert(Draft& draft, const Conversion& rule, int64_t tid) {
  const bool grows = rule.action == Action::add_params;
  const std::span<const Fill> fills = rule.fills();
  const bool needs_enter = std::ranges::any_of(
      fills, [](const Fill& fill) { return fill.source == FillSource::from_enter; });
  const Enter* enter = needs_enter ? find_enter(tid, draft.type) : nullptr;
  const std::span<const ParamInfo> params = event_info(rule.to).params();
  Draft next;
  next.type = rule.to;
  next.changed = true;
  if (grows) {
    std::copy_n(draft.params.begin(), draft.count, next.params.begin());
    next.count = draft.count;
  }
  for (const Fill& fill : fills) {
    const Type type = params[next.count].type;
    const Bytes value = source_value(fill, type, draft, enter);
    next.params[next.count++] =
        value.first(std::min<size_t>(value.size(), type_info(type).size_max));
  }
  if (enter != nullptr) forget(tid);
  draft = next;
}

Bytes Upgrader::source_value(const Fill& fill, Type type, const Draft& draft, const Enter* enter) {
  switch (fill.source) {
    case FillSource::from_old:
      return fill.param < draft.count ? draft.params[fill.param] : Bytes{};
    case FillSource::from_enter:
      if (enter != nullptr) return param_of(enter->bytes, fill.param);
      return fill.fallback == FillSource::default_value ? default_value(type) : Bytes{};
    case FillSource::default_value:
      return default_value(type);
    case FillSource::empty:
      return {};
    case FillSource::container_json:
      json_ = container_json(draft.params[0], draft.params[1], draft.params[2], draft.params[3]);
      return as_bytes(json_);
  }
  return {};
}

// Makes the record of a changed event. Thread, time and cpu stay.
Upgrade Upgrader::keep(Record* record, const Draft& draft) {
  if (!draft.changed) return Upgrade::Keep;
  const size_t width = length_width(draft.type);
  size_t size = kEventHeaderSize + draft.count * width;
  for (uint32_t i = 0; i < draft.count; ++i) size += draft.params[i].size();
  if (size > capture::kMaxConverted) {
    return fail(fmt::format("event {} has {} bytes after the upgrade, at most {} are allowed",
                            event_info(draft.type).code, size, capture::kMaxConverted));
  }
  result_.resize(size);
  const auto length = static_cast<uint32_t>(size);
  const auto type = static_cast<uint16_t>(draft.type);
  uint8_t* at = result_.data();
  std::memcpy(at, record->bytes.data(), 16);
  std::memcpy(at + 16, &length, sizeof length);
  std::memcpy(at + 20, &type, sizeof type);
  std::memcpy(at + 22, &draft.count, sizeof draft.count);
  uint8_t* lengths = at + kEventHeaderSize;
  uint8_t* values = lengths + draft.count * width;
  for (uint32_t i = 0; i < draft.count; ++i) {
    const Bytes param = draft.params[i];
    const auto param_size = static_cast<uint32_t>(param.size());
    std::memcpy(lengths + i * width, &param_size, width);
    if (!param.empty()) std::memcpy(values, param.data(), param.size());
    values += param.size();
  }
  record->bytes = result_;
  ++counters_.converted;
  return Upgrade::Keep;
}

Upgrade Upgrader::drop() {
  ++counters_.dropped;
  return Upgrade::Drop;
}

Upgrade Upgrader::fail(std::string reason) {
  reason_ = std::move(reason);
  return Upgrade::Failed;
}

void Upgrader::remember(int64_t tid, Bytes bytes) {
  const auto found = by_tid_.find(tid);
  if (found != by_tid_.end()) {
    enter_bytes_ -= found->second->bytes.size();
    enters_.splice(enters_.end(), enters_, found->second);
  } else {
    if (spare_.empty()) spare_.emplace_back();
    enters_.splice(enters_.end(), spare_, spare_.begin());
    by_tid_[tid] = std::prev(enters_.end());
  }
  Enter& enter = enters_.back();
  enter.tid = tid;
  enter.bytes.assign(bytes.begin(), bytes.end());
  enter_bytes_ += bytes.size();
  while (enters_.size() > kMaxEnters || enter_bytes_ > kMaxEnterBytes) {
    forget(enters_.front().tid);
    ++counters_.enters_evicted;
  }
}

// The remembered enter event that belongs to an exit event, or null. One of another call is there
// when events were lost while the capture was made: it says nothing about this call.
const Upgrader::Enter* Upgrader::find_enter(int64_t tid, Ev exit) {
  const auto found = by_tid_.find(tid);
  if (found == by_tid_.end()) return nullptr;
  if (static_cast<uint16_t>(type_of(found->second->bytes)) + 1 == static_cast<uint16_t>(exit)) {
    return &*found->second;
  }
  ++counters_.enters_mismatched;
  return nullptr;
}

// The bytes stay for a while: a draft may still point to them.
void Upgrader::forget(int64_t tid) {
  const auto found = by_tid_.find(tid);
  enter_bytes_ -= found->second->bytes.size();
  spare_.splice(spare_.end(), enters_, found->second);
  by_tid_.erase(found);
  if (spare_.size() > kMaxSpare) spare_.pop_front();
}

void Upgrader::restart() {
  enters_.clear();
  by_tid_.clear();
  enter_bytes_ = 0;
}

}  // namespace gyr
