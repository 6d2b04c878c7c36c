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
  // Opens the file and reads the state at its start. Messages name the file and the offset. When
  // `give_up` ends the waiting for a pipe, the capture ends there, without an error.
  static Result<std::unique_ptr<CaptureReader>> open(const std::string& path, GiveUp give_up = {});
  // The same for a capture in memory, which must outlive the reader. `name` stands for the path.
  static Result<std::unique_ptr<CaptureReader>> over(Bytes bytes, std::string name);

  // The state before the next event. Once at the start and once after each Restart.
  Snapshot take_snapshot() { return std::move(snapshot_); }

  // A record is sound: EventView::decode() accepts it. Events of types newer than this program are
  // passed over and counted. After End or Failed every call gives the same again.
  ReadStatus next(Record* record) {
    if (!next_plain(record)) return next_slow(record);
    return EventView().decode(*record) ? ReadStatus::Event : check_again(record);
  }
  // As next() if what follows is a plain event of the current format and lies in the window, which
  // is nearly always so; else false and nothing happened. The record's parameters are not checked:
  // if EventView::decode() refuses it, check_again() fails and error() tells why.
  bool next_plain(Record* record) {
    const uint8_t* block = input_.at();
    if (input_.available() < kMinCurrentEvent || load<uint32_t>(block) != capture::kEventV2) {
      return false;
    }
    const auto length = load<uint32_t>(block + 4);
    // One comparison for too short, too long and not a multiple of four.
    if (std::rotr(length - kMinCurrentEvent, 2) > kCurrentEventRange ||
        length > input_.available()) {
      return false;
    }
    const uint8_t* event = block + kCurrentEventOffset;
    const auto size = load<uint32_t>(event + 16);
    const auto type = load<uint16_t>(event + 20);
    if (size > length - kCurrentEventOffset - capture::kBlockTrailer || size < kEventHeaderSize ||
        type >= kEventCount) {
      return false;
    }
    record->bytes = {event, size};
    record->cpu = load<uint16_t>(block + 8);
    record->flags = 0;
    record->note = {};
    event_at_ = block;
    input_.advance(length);
    ++events_;
    return true;
  }

  const Error& error() const { return error_; }
  uint64_t events() const { return events_; }                // handed out
  uint64_t unknown_types() const { return unknown_types_; }  // passed over
  // As next(), for the event that next_plain() handed out last.
  ReadStatus check_again(Record* record);
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
  static const std::array<bool, kEventCount> kLargePayload;

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
