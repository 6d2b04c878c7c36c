// SPDX-License-Identifier: Apache-2.0
#include "alert/message.h"

#include <fmt/format.h>

#define XXH_NO_INLINE_HINTS 1  // g++ -Og cannot follow all of them
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "alert/otlp_record.h"

namespace gyr {
namespace {

// What a text takes in a line: whoever chooses it may choose characters that are escaped.
size_t text_bytes(std::string_view text) {
  constexpr size_t kEscaped = 6;   // \u001b
  constexpr size_t kReplaced = 3;  // U+FFFD for a byte that is no UTF-8
  size_t bytes = 0;
  for (const char c : text) {
    const auto code = static_cast<uint8_t>(c);
    const bool quoted = c == '"' || c == '\\';
    bytes += code < 0x20 || code == 0x7f ? kEscaped : code >= 0x80 ? kReplaced : quoted ? 2 : 1;
  }
  return bytes;
}

size_t text_bytes(const AlertValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return text_bytes(*text);
  const auto* list = std::get_if<AlertValue::List>(&value.data);
  if (list == nullptr) return 8;
  size_t bytes = 0;
  for (const AlertValue& element : *list) bytes += sizeof(AlertValue) + text_bytes(element);
  return bytes;
}

size_t text_bytes(const Alert& alert) {
  size_t bytes = alert.rule.size() + text_bytes(alert.message) + alert.hostname.size();
  for (const std::string& tag : alert.tags) bytes += tag.size();
  for (const auto& [name, value] : alert.fields) bytes += name.size() + text_bytes(value);
  return bytes;
}

// Every part with its length, so that no two alerts of different parts are one text.
void add(XXH3_state_t* state, std::string_view part) {
  const uint64_t length = part.size();
  XXH3_128bits_update(state, &length, sizeof length);
  XXH3_128bits_update(state, part.data(), part.size());
}

}  // namespace

std::string alert_id(const Alert& alert, uint64_t occurrence) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &alert.time_ns, sizeof alert.time_ns);
  XXH3_128bits_update(&state, &occurrence, sizeof occurrence);
  for (const std::string_view part :
       {std::string_view(alert.hostname), std::string_view(alert.rule),
        std::string_view(alert.source), std::string_view(alert.message)}) {
    add(&state, part);
  }
  for (const auto& [name, value] : alert.fields) {
    add(&state, name);
    add(&state, json_value(value));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(&state);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Message::Message(AlertPtr alert, const AlertFormat& format, std::string id)
    : alert_(std::move(alert)), format_(format), id_(std::move(id)) {
  // The record, and two lines made from it. A field is an entry of a map, whatever its value.
  constexpr size_t kOverhead = 1024;
  constexpr size_t kField = 128;
  weight_ = kOverhead + kField * alert_->fields.size() + 3 * text_bytes(*alert_);
}

const std::string& Message::line(LineForm form) const {
  const auto at = static_cast<size_t>(form);
  std::call_once(made_[at], [&] { lines_[at] = make(form); });
  return lines_[at];
}

std::string Message::make(LineForm form) const {
  AlertFormat format = format_;
  if (form == LineForm::Json || form == LineForm::JsonWithId) format.json = true;
  const bool with_id = form == LineForm::ConfiguredWithId || form == LineForm::JsonWithId;
  if (form == LineForm::OtlpRecord) return otlp_record(*alert_, id_);
  return format_alert(*alert_, format, with_id ? id_ : std::string_view());
}

std::string AlertNumbering::next_id(const Alert& alert) {
  if (alert.time_ns != time_ns_) {
    time_ns_ = alert.time_ns;
    of_this_time_.clear();
  }
  std::string id = alert_id(alert, 0);
  const auto seen = std::find_if(of_this_time_.begin(), of_this_time_.end(),
                                 [&](const Seen& other) { return other.id == id; });
  if (seen != of_this_time_.end()) return alert_id(alert, ++seen->occurrences);
  if (of_this_time_.size() < kMaxOfOneTime) of_this_time_.push_back({id, 0});
  return id;
}

}  // namespace gyr
