// SPDX-License-Identifier: Apache-2.0
#include "source/event_history.h"

#include <cstring>
#include <utility>
#include <variant>

#include "capture/findings.h"

namespace gyr {
namespace {

StateSettings without_lookups(StateSettings state) {
  state.find_thread = nullptr;
  state.find_fd = nullptr;
  state.find_container = nullptr;
  state.late_container = nullptr;
  state.on_finding = nullptr;
  state.users = nullptr;
  state.files = nullptr;
  return state;
}

uint64_t ts_of(const Record& record) { return load<uint64_t>(record.bytes.data()); }

// A replay takes such an event at the start of a file for a part of the state.
bool is_meta(const Record& record) {
  const auto type = load<uint16_t>(record.bytes.data() + 20);
  return type < kEventCount && event_info(static_cast<Ev>(type)).source == EventSource::Meta;
}

}  // namespace

EventHistory::EventHistory(const HistorySettings& settings, StateSettings state, StrPool& pool)
    : settings_(settings),
      state_(without_lookups(std::move(state)), pool),
      ring_(new uint8_t[settings.bytes]) {}

void EventHistory::begin_section(const Snapshot& snapshot) {
  first_ = end_ = count_ = lost_ts_ns_ = 0;
  state_.load(snapshot);
}

uint64_t EventHistory::skip_gap(uint64_t at) const {
  const uint64_t place = at % settings_.bytes;
  const uint64_t left = settings_.bytes - place;
  if (left >= sizeof(SlotHeader) && load<uint32_t>(&ring_[place]) != kGap) return at;
  return at + left;
}

Record EventHistory::record_at(uint64_t at) const {
  const uint8_t* slot = &ring_[at % settings_.bytes];
  const auto header = load<SlotHeader>(slot);
  return {.bytes = {slot + sizeof header, header.size},
          .cpu = header.cpu,
          .flags = header.flags,
          .note = {slot + sizeof header + header.size, header.note}};
}

uint64_t EventHistory::oldest_ts_ns() const {
  return empty() ? 0 : ts_of(record_at(skip_gap(first_)));
}

void EventHistory::push(const Record& record) {
  ++counters_.records;
  const uint64_t now_ns = ts_of(record);
  drop_old(now_ns, kDropsAtOnce);
  const uint64_t size = slot_size(record);
  if (size > settings_.bytes) {
    while (!empty()) drop_oldest();
    ++counters_.too_large;
    lost_ts_ns_ = now_ns;
    return apply(record);
  }
  const uint64_t left = settings_.bytes - end_ % settings_.bytes;
  const uint64_t gap = size > left ? left : 0;
  while (end_ + gap + size - first_ > settings_.bytes) {
    // What is left may be the gap alone.
    if (empty()) {
      first_ = end_;
      break;
    }
    ++counters_.no_room;
    lost_ts_ns_ = oldest_ts_ns();
    drop_oldest();
  }
  if (gap >= sizeof kGap) std::memcpy(&ring_[end_ % settings_.bytes], &kGap, sizeof kGap);
  end_ += gap;
  if (empty()) first_ = end_;
  uint8_t* slot = &ring_[end_ % settings_.bytes];
  const SlotHeader header{static_cast<uint32_t>(record.bytes.size()), record.flags, record.cpu,
                          static_cast<uint16_t>(record.note.size())};
  std::memcpy(slot, &header, sizeof header);
  slot += sizeof header;
  std::memcpy(slot, record.bytes.data(), record.bytes.size());
  if (!record.note.empty()) {
    std::memcpy(slot + record.bytes.size(), record.note.data(), record.note.size());
  }
  end_ += size;
  ++count_;
}

void EventHistory::learn(const Finding& finding, uint64_t ts_ns) {
  if (empty()) return state_.learn(finding);
  push(capture::finding_record(finding, ts_ns, builder_));
}

void EventHistory::drop_old(uint64_t now_ns, int most) {
  if (lost_ts_ns_ != 0 && lost_ts_ns_ + settings_.period_ns < now_ns) lost_ts_ns_ = 0;
  for (int i = 0; i < most && !empty(); ++i) {
    const Record oldest = record_at(skip_gap(first_));
    if (ts_of(oldest) + settings_.period_ns >= now_ns) return;
    drop_oldest();
  }
}

// What belongs to the next event, or would not be seen at the start of a file, goes with it.
void EventHistory::drop_oldest() {
  do {
    first_ = skip_gap(first_);
    const Record oldest = record_at(first_);
    apply(oldest);
    first_ += slot_size(oldest);
    --count_;
  } while (!empty() && is_meta(record_at(skip_gap(first_))));
}

void EventHistory::apply(const Record& record) {
  if (record.flags != 0 && capture::is_finding(record)) {
    const auto found = capture::read_finding(record);
    const auto* finding = found ? std::get_if<Finding>(&*found) : nullptr;
    if (finding == nullptr) {
      ++counters_.unreadable;
    } else {
      state_.learn(*finding);
    }
  } else if (event_.decode(record)) {  // it was sound when it came
    state_.apply(event_);
  }
}

}  // namespace gyr
