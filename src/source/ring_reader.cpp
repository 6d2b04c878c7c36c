// SPDX-License-Identifier: Apache-2.0
#include "source/ring_reader.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "shared.h"

namespace gyr {
namespace {

// The kernel's header of a ring record: u32 length with these two bits on top, u32 page offset.
constexpr uint32_t kBusy = 1u << 31;
constexpr uint32_t kDiscard = 1u << 30;
constexpr uint32_t kRecordHeader = 8;
// The consumer's position is shared with every producing CPU: it moves in steps.
constexpr uint64_t kGiveBackStep = 64ul * 1024;

uint64_t load_acquire(const void* at) {
  return __atomic_load_n(static_cast<const uint64_t*>(at), __ATOMIC_ACQUIRE);
}

}  // namespace

Mapping::~Mapping() {
  if (at_) munmap(at_, size_);
}

Result<void> Mapping::open(int fd, size_t size, bool writable, size_t offset) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* at = mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) {
    return Error{fmt::format("cannot map the probe's memory: {}", std::strerror(errno))};
  }
  at_ = at;
  size_ = size;
  return {};
}

Result<RingReader> RingReader::open(int fd, size_t bytes) {
  RingReader reader;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (auto mapped = reader.consumer_.open(fd, page, true, 0); !mapped) return mapped.error();
  // The data is mapped twice in a row, so that a record that wraps is still in one piece.
  if (auto mapped = reader.producer_.open(fd, page + 2 * bytes, false, page); !mapped) {
    return mapped.error();
  }
  reader.bytes_ = bytes;
  reader.data_ = static_cast<const uint8_t*>(reader.producer_.at()) + page;
  reader.position_ = load_acquire(reader.consumer_.at());
  reader.given_back_ = reader.position_;
  return reader;
}

uint64_t RingReader::end() const { return load_acquire(producer_.at()); }

size_t RingReader::take_in() {
  const uint64_t end = this->end();
  size_t count = 0;
  while (position_ < end) {
    const uint8_t* header = data_ + (position_ & (bytes_ - 1));
    const uint32_t length =
        __atomic_load_n(reinterpret_cast<const uint32_t*>(header), __ATOMIC_ACQUIRE);
    if (length & kBusy) break;
    const uint32_t size = length & ~(kBusy | kDiscard);
    position_ += (uint64_t{size} + kRecordHeader + 7) / 8 * 8;
    if ((length & kDiscard) || size < GYR_PREFIX + kEventHeaderSize) continue;
    const uint8_t* record = header + kRecordHeader;
    order_.add({load<uint64_t>(record + GYR_PREFIX), position_, record, size, 0});
    ++count;
  }
  return count;
}

Record RingReader::oldest() const {
  const TimeOrder::Item* item = order_.oldest();
  gyr_prefix prefix;
  std::memcpy(&prefix, item->at, sizeof prefix);
  const uint32_t note = std::min<uint32_t>(prefix.note, item->size - GYR_PREFIX);
  const uint32_t size = item->size - GYR_PREFIX - note;
  Record record;
  record.bytes = {item->at + GYR_PREFIX, size};
  record.cpu = prefix.cpu;
  record.note = {item->at + GYR_PREFIX + size, note};
  return record;
}

void RingReader::release() {
  order_.release();
  const uint64_t position = order_.free_position();
  if (position <= given_back_) return;
  if (!order_.empty() && position - given_back_ < kGiveBackStep) return;
  __atomic_store_n(static_cast<uint64_t*>(consumer_.at()), position, __ATOMIC_RELEASE);
  given_back_ = position;
}

}  // namespace gyr
