// SPDX-License-Identifier: Apache-2.0
#include "event/event_view.h"

#include <algorithm>

namespace gyr {

bool EventView::decode(const Record& record) {
  const Bytes bytes = record.bytes;
  if (bytes.size() < kEventHeaderSize) return false;
  bytes_ = bytes.data();
  const auto length = load<uint32_t>(bytes_ + 16);
  const auto type = load<uint16_t>(bytes_ + 20);
  const auto count = load<uint32_t>(bytes_ + 22);
  if (length < kEventHeaderSize || length > bytes.size() || type >= kEventCount) return false;
  type_ = static_cast<Ev>(type);
  info_ = &event_info(type_);
  const uint32_t width = info_->has(EF_LARGE_PAYLOAD) ? 4 : 2;
  if (uint64_t{count} * width > length - kEventHeaderSize) return false;
  nparams_ = std::min<uint32_t>(count, info_->nparams);
  uint64_t at = kEventHeaderSize + uint64_t{count} * width;
  const uint8_t* lengths = bytes_ + kEventHeaderSize;
  // One check behind the loop: 32 lengths of 32 bits cannot overflow `at`.
  if (width == 2) {
    for (uint32_t i = 0; i < nparams_; ++i) {
      offsets_[i] = static_cast<uint32_t>(at);
      at += load<uint16_t>(lengths + size_t{i} * 2);
    }
  } else {
    for (uint32_t i = 0; i < nparams_; ++i) {
      offsets_[i] = static_cast<uint32_t>(at);
      at += load<uint32_t>(lengths + size_t{i} * 4);
    }
  }
  if (at > length) return false;
  offsets_[nparams_] = static_cast<uint32_t>(at);
  end_ = length;
  const Bytes first = param(0);
  result_ = first.size() >= 8 ? load<int64_t>(first.data()) : 0;
  if (first.size() == 4) result_ = load<int32_t>(first.data());
  cpu_ = record.cpu;
  flags_ = record.flags;
  return true;
}

void EventBuilder::begin(Ev type, uint64_t ts_ns, int64_t tid) {
  type_ = type;
  ts_ns_ = ts_ns;
  tid_ = tid;
  count_ = 0;
  lengths_.clear();
  payload_.clear();
}

void EventBuilder::add(Bytes parameter) {
  const bool large = event_info(type_).has(EF_LARGE_PAYLOAD);
  const size_t limit = large ? UINT32_MAX : UINT16_MAX;
  parameter = parameter.first(std::min(parameter.size(), limit));
  const auto length = static_cast<uint32_t>(parameter.size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(&length);
  lengths_.insert(lengths_.end(), bytes, bytes + (large ? 4 : 2));
  payload_.insert(payload_.end(), parameter.begin(), parameter.end());
  ++count_;
}

void EventBuilder::add_text(std::string_view text) {
  std::vector<uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  add(bytes);
}

Bytes EventBuilder::finish() {
  record_.resize(kEventHeaderSize);
  const auto length = static_cast<uint32_t>(kEventHeaderSize + lengths_.size() + payload_.size());
  const auto type = static_cast<uint16_t>(type_);
  std::memcpy(record_.data(), &ts_ns_, 8);
  std::memcpy(record_.data() + 8, &tid_, 8);
  std::memcpy(record_.data() + 16, &length, 4);
  std::memcpy(record_.data() + 20, &type, 2);
  std::memcpy(record_.data() + 22, &count_, 4);
  record_.insert(record_.end(), lengths_.begin(), lengths_.end());
  record_.insert(record_.end(), payload_.begin(), payload_.end());
  return record_;
}

}  // namespace gyr
