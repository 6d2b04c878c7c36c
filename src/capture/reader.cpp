// SPDX-License-Identifier: Apache-2.0
#include "capture/reader.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "capture/section.h"

namespace gyr {
namespace {

using capture::BlockKind;

// Old collectors counted three bytes too many in these.
bool has_wrong_length(uint16_t type) {
  return type == static_cast<uint16_t>(Ev::NOTIFICATION_E) ||
         type == static_cast<uint16_t>(Ev::INFRASTRUCTURE_EVENT_E);
}

// Old records do not tell how many parameters they have: it is the number whose lengths fill the
// record exactly, and none when there is no such number.
std::optional<uint32_t> count_of_old(const uint8_t* event, uint32_t size, uint32_t most) {
  for (uint32_t count = most;; --count) {
    const uint64_t lengths_end = capture::kEventHeaderV1 + uint64_t{count} * 2;
    uint64_t end = lengths_end;
    if (lengths_end <= size) {
      for (uint32_t i = 0; i < count; ++i) {
        end += load<uint16_t>(event + capture::kEventHeaderV1 + i * size_t{2});
      }
      if (end == size) return count;
      if (end < size) return std::nullopt;
    }
    if (count == 0) return std::nullopt;
  }
}

}  // namespace

constinit const std::array<bool, kEventCount> CaptureReader::kLargePayload = {
#define GYR_EVENT(number, code, name, category, source, flags, fd) ((flags)&EF_LARGE_PAYLOAD) != 0,
#define GYR_PARAM(...)
#include "schema/events.def"
#undef GYR_EVENT
#undef GYR_PARAM
};

Result<std::unique_ptr<CaptureReader>> CaptureReader::open(const std::string& path,
                                                           GiveUp give_up) {
  Result<capture::Input> input = capture::Input::open(path, std::move(give_up));
  if (!input)
    return Error{fmt::format("cannot open capture file {}: {}", path, input.error().message)};
  return start(std::unique_ptr<CaptureReader>(new CaptureReader(*std::move(input), path)));
}

Result<std::unique_ptr<CaptureReader>> CaptureReader::over(Bytes bytes, std::string name) {
  return start(std::unique_ptr<CaptureReader>(
      new CaptureReader(capture::Input::over(bytes), std::move(name))));
}

Result<std::unique_ptr<CaptureReader>> CaptureReader::start(std::unique_ptr<CaptureReader> reader) {
  if (reader->next_section() == ReadStatus::Failed) return reader->error_;
  return reader;
}

ReadStatus CaptureReader::next_section() {
  Result<Snapshot> snapshot = capture::read_section(input_);
  if (!snapshot) return fail(snapshot.error().message);
  snapshot_ = *std::move(snapshot);
  return ReadStatus::Restart;
}

ReadStatus CaptureReader::next_slow(Record* record) {
  record->note = {};
  while (!failed_ && !ended_) {
    if (!input_.ensure(capture::kBlockHeader)) {
      ended_ = input_.available() == 0 && input_.at_end();
      if (ended_) break;
      return fail(capture::cut_off(input_, "the block header").message);
    }
    const auto number = load<uint32_t>(input_.at());
    const capture::BlockInfo info = capture::block_info(number);
    if (info.kind == BlockKind::Section) return next_section();
    if (info.kind != BlockKind::Event) {
      return fail(fmt::format("unexpected block of type {:#x} among the events", number));
    }
    switch (take_event(info, record)) {
      case Taken::Event:
        ++events_;
        return ReadStatus::Event;
      case Taken::Skipped:
        ++unknown_types_;
        break;
      case Taken::Failed:
        break;
    }
  }
  return failed_ ? ReadStatus::Failed : ReadStatus::End;
}

ReadStatus CaptureReader::check_again(Record* record) {
  --events_;
  input_.rewind(event_at_);
  return next_slow(record);
}

CaptureReader::Taken CaptureReader::take_event(const capture::BlockInfo& info, Record* record) {
  const auto length = load<uint32_t>(input_.at() + 4);
  const uint32_t before = capture::kBlockHeader + 2 + (info.flags ? 4 : 0);
  const uint32_t header =
      info.version == 1 ? static_cast<uint32_t>(capture::kEventHeaderV1) : kEventHeaderSize;
  if (length % 4 != 0 || length < before + header + capture::kBlockTrailer) {
    return refuse(fmt::format("the event block has the impossible length {}", length));
  }
  const uint32_t limit =
      info.large ? capture::kMaxLargeBlock : capture::kBlockHeader + capture::kMaxEventBody;
  if (length > limit) {
    return refuse(fmt::format("the event block is too long: {} bytes, at most {} are allowed",
                              length, limit));
  }
  if (!input_.ensure(length)) return refuse(capture::cut_off(input_, "the event block").message);
  uint8_t* block = input_.at();
  record->cpu = load<uint16_t>(block + capture::kBlockHeader);
  record->flags = info.flags ? load<uint32_t>(block + capture::kBlockHeader + 2) : 0;
  const size_t available = length - before - capture::kBlockTrailer;
  const Taken taken = info.version == 1 ? take_old(block + before, available, record)
                                        : take_current(block + before, available, record);
  if (taken == Taken::Failed) return taken;
  event_at_ = block;
  input_.advance(length);
  return taken;
}

CaptureReader::Taken CaptureReader::take_current(uint8_t* event, size_t available, Record* record) {
  const auto size = load<uint32_t>(event + 16);
  const auto type = load<uint16_t>(event + 20);
  const auto count = load<uint32_t>(event + 22);
  if (size < kEventHeaderSize || size > available) {
    return refuse(fmt::format("the event claims {} bytes, its block holds {}", size, available));
  }
  if (type >= kEventCount) return Taken::Skipped;
  const uint32_t width = kLargePayload[type] ? 4 : 2;
  uint64_t end = kEventHeaderSize + uint64_t{count} * width;
  if (end > size) {
    return refuse(
        fmt::format("the event claims {} parameters, too many for its {} bytes", count, size));
  }
  const uint8_t* lengths = event + kEventHeaderSize;
  for (uint32_t i = 0; i < count; ++i) {
    end += width == 4 ? load<uint32_t>(lengths + i * size_t{4})
                      : load<uint16_t>(lengths + i * size_t{2});
  }
  if (end > size) {
    return refuse(fmt::format("the event's parameters need {} bytes, it has {}", end, size));
  }
  record->bytes = {event, size};
  return Taken::Event;
}

CaptureReader::Taken CaptureReader::take_old(uint8_t* event, size_t available, Record* record) {
  auto size = load<uint32_t>(event + 16);
  const auto type = load<uint16_t>(event + 20);
  if (size < capture::kEventHeaderV1 || size > available) {
    return refuse(fmt::format("the event claims {} bytes, its block holds {}", size, available));
  }
  if (type >= kEventCount) return Taken::Skipped;
  if (has_wrong_length(type)) {
    if (size < capture::kEventHeaderV1 + 3) {
      return refuse(fmt::format("the event of {} bytes is too short for its type", size));
    }
    size -= 3;
  }
  const std::optional<uint32_t> count =
      count_of_old(event, size, event_info(static_cast<Ev>(type)).nparams);
  if (!count) {
    return refuse(fmt::format("no number of parameters of {} fits the event's {} bytes",
                              event_info(static_cast<Ev>(type)).code, size));
  }
  // The header grows by the four bytes of that number, over the block's header.
  uint8_t* grown = event - (kEventHeaderSize - capture::kEventHeaderV1);
  std::memmove(grown, event, capture::kEventHeaderV1);
  size += kEventHeaderSize - capture::kEventHeaderV1;
  std::memcpy(grown + 16, &size, sizeof size);
  std::memcpy(grown + 22, &*count, sizeof *count);
  record->bytes = {grown, size};
  return kLargePayload[type] ? widen(record) : Taken::Event;
}

// Old blocks store every length in 16 bits, also those that are 32 bits wide in a record.
CaptureReader::Taken CaptureReader::widen(Record* record) {
  const uint8_t* event = record->bytes.data();
  const auto count = load<uint32_t>(event + 22);
  builder_.begin(static_cast<Ev>(load<uint16_t>(event + 20)), load<uint64_t>(event),
                 load<int64_t>(event + 8));
  const uint8_t* at = event + kEventHeaderSize + count * size_t{2};
  for (uint32_t i = 0; i < count; ++i) {
    const size_t size = load<uint16_t>(event + kEventHeaderSize + i * size_t{2});
    builder_.add({at, size});
    at += size;
  }
  record->bytes = builder_.finish();
  return Taken::Event;
}

CaptureReader::Taken CaptureReader::refuse(std::string_view reason) {
  fail(reason);
  return Taken::Failed;
}

ReadStatus CaptureReader::fail(std::string_view reason) {
  error_ = located(input_.offset(), reason);
  input_.advance(input_.available());  // next() must not take what lies behind the fault
  failed_ = !input_.given_up();
  ended_ = !failed_;
  return failed_ ? ReadStatus::Failed : ReadStatus::End;
}

Error CaptureReader::located(uint64_t offset, std::string_view reason) const {
  return {fmt::format("capture file {}: offset {}{}: {}", name_, offset,
                      input_.compressed() ? " of the uncompressed data" : "", reason)};
}

}  // namespace gyr
