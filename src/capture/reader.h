// SPDX-License-Identifier: Apache-2.0
// Reads capture files of formats 1.0 to 1.2, plain or gzip, event by event in file order. What the
// file's collector wrote is handed out as it is; capture/upgrade.h makes current events of old
// ones. A damaged file is read up to the fault, which is then named with its place.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "capture/format.h"
#include "capture/input.h"
#include "event/event_view.h"
#include "event/snapshot.h"

namespace gyr {

enum class ReadStatus : uint8_t {
  Event,    // the record is set; it lies in the reader's window until the next call of next()
  Restart,  // another capture was appended to this one: take_snapshot() has its state
  End,      // all was read
  Failed,   // error() tells what and where
};

class CaptureReader {
 public:
  // Opens the file and reads the state at its start. Messages name the file and the offset.
  static Result<std::unique_ptr<CaptureReader>> open(const std::string& path);
  // The same for a capture in memory, which must outlive the reader. `name` stands for the path.
  static Result<std::unique_ptr<CaptureReader>> over(Bytes bytes, std::string name);

  // The state before the next event. Once at the start and once after each Restart.
  Snapshot take_snapshot() { return std::move(snapshot_); }

  // A record is sound: EventView::decode() accepts it. Events of types newer than this program are
  // passed over and counted. After End or Failed every call gives the same again.
  ReadStatus next(Record* record) {
    // The plain event of the current format; next_slow() knows everything.
    const uint8_t* block = input_.at();
    if (input_.available() < kMinCurrentEvent || load<uint32_t>(block) != capture::kEventV2) {
      return next_slow(record);
    }
    const auto length = load<uint32_t>(block + 4);
    // One comparison for too short, too long and not a multiple of four.
    if (std::rotr(length - kMinCurrentEvent, 2) > kCurrentEventRange ||
        length > input_.available()) {
      return next_slow(record);
    }
    const uint8_t* event = block + kCurrentEventOffset;
    const auto size = load<uint32_t>(event + 16);
    const auto type = load<uint16_t>(event + 20);
    const auto count = load<uint32_t>(event + 22);
    if (size > length - kCurrentEventOffset - capture::kBlockTrailer || type >= kEventCount ||
        count > kMaxParams || kLargePayload[type] ||
        kEventHeaderSize + 2 * size_t{count} + sum_lengths(event + kEventHeaderSize, count) >
            size) {
      return next_slow(record);
    }
    record->bytes = {event, size};
    record->cpu = load<uint16_t>(block + 8);
    record->flags = 0;
    event_at_ = block;
    input_.advance(length);
    ++events_;
    return ReadStatus::Event;
  }

  const Error& error() const { return error_; }
  uint64_t events() const { return events_; }                // handed out
  uint64_t unknown_types() const { return unknown_types_; }  // passed over
  // An error about the event handed out last.
  Error event_error(std::string_view reason) const {
    return located(input_.offset_of(event_at_), reason);
  }

 private:
  // Block header and cpu stand before the record; the shortest block holds no parameters.
  static constexpr uint32_t kCurrentEventOffset = capture::kBlockHeader + 2;
  static constexpr uint32_t kMinCurrentEvent = 40;
  static constexpr uint32_t kCurrentEventRange =
      (capture::kMaxEventBody + capture::kBlockHeader - kMinCurrentEvent) / 4;
  // A constant, defined with the rows in the source file.
  static const std::array<bool, kEventCount>
      kLargePayload;  // NOLINT(readability-identifier-naming)

  // Sum of `count` <= kMaxParams 16-bit lengths. Eight at once and without branches on their
  // number: it varies from event to event. Reads up to 64 bytes, which the window's slack allows.
  static uint32_t sum_lengths(const uint8_t* at, uint32_t count) {
    uint32_t sum = 0;
    for (; count > 8; count -= 8, at += 16) sum += sum_up_to_8(at, 8);
    return sum + sum_up_to_8(at, count);
  }
  static uint32_t sum_up_to_8(const uint8_t* at, uint32_t count) {
    constexpr uint64_t kEven = 0x0000ffff0000ffff;
    const auto low = load<uint64_t>(at) & kKeep[count + 4];
    const auto high = load<uint64_t>(at + 8) & kKeep[count];
    const uint64_t pairs =
        (low & kEven) + (low >> 16 & kEven) + (high & kEven) + (high >> 16 & kEven);
    return static_cast<uint32_t>(pairs) + static_cast<uint32_t>(pairs >> 32);
  }
  // kKeep[n + 4] keeps the first n of four lengths, none below zero, all above four.
  static constexpr std::array<uint64_t, 13> kKeep = [] {
    std::array<uint64_t, 13> keep{};
    for (size_t i = 5; i < keep.size(); ++i) {
      keep[i] = i >= 8 ? ~uint64_t{0} : (uint64_t{1} << (16 * (i - 4))) - 1;
    }
    return keep;
  }();

  CaptureReader(capture::Input input, std::string name)
      : input_(std::move(input)), name_(std::move(name)), event_at_(input_.at()) {}
  static Result<std::unique_ptr<CaptureReader>> start(std::unique_ptr<CaptureReader> reader);

  ReadStatus next_slow(Record* record);
  ReadStatus next_section();
  enum class Taken : uint8_t { Event, Skipped, Failed };
  Taken take_event(const capture::BlockInfo& info, Record* record);
  Taken take_current(uint8_t* event, size_t available, Record* record);
  Taken take_old(uint8_t* event, size_t available, Record* record);
  Taken widen(Record* record);
  Taken refuse(std::string_view reason);
  ReadStatus fail(std::string_view reason);
  Error located(uint64_t offset, std::string_view reason) const;

  capture::Input input_;
  std::string name_;
  const uint8_t* event_at_;  // block of the last event
  uint64_t events_ = 0;
  uint64_t unknown_types_ = 0;
  bool ended_ = false;
  bool failed_ = false;
  Snapshot snapshot_;
  Error error_;
  EventBuilder builder_;  // for the rare record that cannot be used where it lies
};

}  // namespace gyr
