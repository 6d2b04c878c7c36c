// SPDX-License-Identifier: Apache-2.0
#include "source/ring_reader.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <time.h>
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
// The clocks of kernel and user space may disagree by some nanoseconds while time is adjusted.
constexpr uint64_t kClockMarginNs = 20'000;
// The consumer's position is shared with every producing CPU: it moves in steps.
constexpr uint64_t kGiveBackStep = 64ul * 1024;

uint64_t load_acquire(const void* at) {
  return __atomic_load_n(static_cast<const uint64_t*>(at), __ATOMIC_ACQUIRE);
}

uint64_t boot_time_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

Result<void> RingReader::map(Mapping* mapping, int fd, size_t size, int protection, size_t offset) {
  void* at = mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (at == MAP_FAILED) {
    return Error{fmt::format("cannot map the probe's memory: {}", std::strerror(errno))};
  }
  *mapping = {at, size};
  return {};
}

Result<std::unique_ptr<RingReader>> RingReader::open(int ring_fd, size_t ring_bytes,
                                                     int progress_fd, size_t cpus,
                                                     uint64_t boot_to_epoch_ns) {
  std::unique_ptr<RingReader> reader(new RingReader);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  reader->ring_bytes_ = ring_bytes;
  reader->cpus_ = cpus;
  reader->boot_to_epoch_ns_ = boot_to_epoch_ns;
  // The data is mapped twice in a row, so that a record that wraps is still in one piece.
  auto mapped = map(&reader->consumer_, ring_fd, page, PROT_READ | PROT_WRITE, 0);
  if (mapped) mapped = map(&reader->producer_, ring_fd, page + 2 * ring_bytes, PROT_READ, page);
  const size_t progress_bytes = (cpus * sizeof(gyr_progress) + page - 1) / page * page;
  if (mapped)
    mapped = map(&reader->progress_, progress_fd, progress_bytes, PROT_READ | PROT_WRITE, 0);
  if (!mapped) return mapped.error();
  reader->position_ = load_acquire(reader->consumer_.at);
  reader->given_back_ = reader->position_;
  return reader;
}

RingReader::~RingReader() {
  for (const Mapping& mapping : {consumer_, producer_, progress_}) {
    if (mapping.at) munmap(mapping.at, mapping.size);
  }
}

uint64_t RingReader::safe_time() const {
  uint64_t bound = boot_time_ns() + boot_to_epoch_ns_ - kClockMarginNs;
  const auto* cpus = static_cast<const gyr_progress*>(progress_.at);
  for (size_t i = 0; i < cpus_; ++i) {
    const uint64_t busy = load_acquire(&cpus[i].busy);
    if (busy == 1) return bound_ns_;  // about to take the time
    if (busy != 0) bound = std::min(bound, busy - 1);
  }
  return std::max(bound, bound_ns_);
}

size_t RingReader::drain() {
  const uint64_t bound = safe_time();
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto* producer = static_cast<const uint8_t*>(producer_.at);
  const uint8_t* data = producer + page;
  const uint64_t end = load_acquire(producer);
  size_t count = 0;
  while (position_ < end) {
    const uint8_t* header = data + (position_ & (ring_bytes_ - 1));
    const uint32_t length =
        __atomic_load_n(reinterpret_cast<const uint32_t*>(header), __ATOMIC_ACQUIRE);
    // A record in the making hides those behind it, which may be older: the bound stays.
    if (length & kBusy) return count;
    const uint32_t size = length & ~(kBusy | kDiscard);
    position_ += (uint64_t{size} + kRecordHeader + 7) / 8 * 8;
    if ((length & kDiscard) || size < GYR_PREFIX + kEventHeaderSize) continue;
    const uint8_t* record = header + kRecordHeader;
    order_.add({load<uint64_t>(record + GYR_PREFIX), position_, record, size, 0});
    ++count;
  }
  bound_ns_ = bound;
  return count;
}

void RingReader::give_back(uint64_t position) {
  if (position <= given_back_) return;
  if (!order_.empty() && position - given_back_ < kGiveBackStep) return;
  __atomic_store_n(static_cast<uint64_t*>(consumer_.at), position, __ATOMIC_RELEASE);
  given_back_ = position;
}

bool RingReader::next(Record* record) {
  if (lent_) {
    order_.release();
    lent_ = false;
    give_back(order_.free_position());
  }
  const TimeOrder::Item* item = order_.oldest(bound_ns_);
  if (!item) return false;
  lent_ = true;
  gyr_prefix prefix;
  std::memcpy(&prefix, item->at, sizeof prefix);
  record->bytes = {item->at + GYR_PREFIX, item->size - GYR_PREFIX};
  record->cpu = prefix.cpu;
  record->flags = 0;
  return true;
}

}  // namespace gyr
