// SPDX-License-Identifier: Apache-2.0
// One event record, decoded in place. A record is header (26 bytes: ts u64, tid i64, len u32, type
// u16, nparams u32), the lengths of the parameters (u16 each, u32 for events with
// EF_LARGE_PAYLOAD), then their bytes. The probe, the reader and the plugins all hand over this
// form.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "schema/schema.h"

namespace gyr {

inline constexpr size_t kEventHeaderSize = 26;

// A record with what stands around it in a capture.
struct Record {
  Bytes bytes;  // header, lengths, parameters; nothing behind
  uint16_t cpu = 0;
  uint32_t flags = 0;  // kStateOnly
  // What our probe tells beyond the parameters of the format: empty, or a byte of kMark* and the
  // path of the file that the call opened, if it is known. Recordings have it as an entry in front
  // of the record (capture/findings.h).
  Bytes note{};
};
inline constexpr uint32_t kStateOnly = 1;  // feed state, show nobody
// In a note.
inline constexpr uint8_t kMarkArgsChanged = 1;
inline constexpr uint8_t kMarkNumberReused = 2;

class EventView {
 public:
  // Points the view at a record and indexes its parameters. False, and the view unusable, when the
  // bytes do not hold a sound event of a known type. The bytes must outlive the use of the view.
  [[gnu::always_inline]] bool decode(const Record& record) {
    const Bytes bytes = record.bytes;
    if (bytes.size() < kEventHeaderSize) [[unlikely]]
      return false;
    bytes_ = bytes.data();
    end_ = load<uint32_t>(bytes_ + 16);
    const auto type = load<uint16_t>(bytes_ + 20);
    const auto count = load<uint32_t>(bytes_ + 22);
    if (end_ < kEventHeaderSize || end_ > bytes.size() || type >= kEventCount) [[unlikely]] {
      return false;
    }
    type_ = static_cast<Ev>(type);
    info_ = &event_info(type_);
    cpu_ = record.cpu;
    flags_ = record.flags;
    note_ = record.note;
    // Most events have few parameters, all of them known, and are long enough to load the lengths
    // of eight at once.
    const bool plain = count <= info_->plain_params && end_ >= kEventHeaderSize + sizeof(Lengths);
    if (!(plain ? index_plain(count) : index_any(count))) [[unlikely]]
      return false;
    const Bytes first = param(0);
    result_ = first.size() == 8 ? load<int64_t>(first.data()) : odd_result(first);
    succeeded_ = result_ >= 0 && !first.empty();
    return true;
  }

  uint64_t ts_ns() const { return load<uint64_t>(bytes_); }
  int64_t tid() const { return load<int64_t>(bytes_ + 8); }
  Ev type() const { return type_; }
  uint16_t cpu() const { return cpu_; }
  uint32_t flags() const { return flags_; }
  const EventInfo& info() const { return *info_; }
  Bytes bytes() const { return {bytes_, end_}; }
  // What the caller's memory holds of an argument has changed during the call.
  bool arguments_changed() const { return has_mark(kMarkArgsChanged); }
  // Of a close: when it ended, another thread had already opened something under the number.
  bool number_reused() const { return has_mark(kMarkNumberReused); }
  // Path of the file that the call opened, as the kernel resolved it; empty: not known.
  std::string_view opened_path() const {
    return note_.empty() ? std::string_view() : as_text(note_.subspan(1));
  }

  // Parameters the event carries and the table knows.
  size_t nparams() const { return nparams_; }
  // Missing parameters are empty.
  [[gnu::always_inline]] Bytes param(size_t index) const {  // on the path of every event
    // The first few always have offsets: a constant index needs no comparison.
    if (index >= kAlwaysIndexed && index >= nparams_) return {};
    return {bytes_ + offsets_[index], offsets_[index + 1] - offsets_[index]};
  }
  [[gnu::always_inline]] bool has(size_t index) const { return !param(index).empty(); }
  // A fixed-size parameter; `fallback` when it is missing or shorter than T.
  template <class T>
  [[gnu::always_inline]] T get(size_t index, T fallback = T{}) const {
    const Bytes bytes = param(index);
    return bytes.size() >= sizeof(T) ? load<T>(bytes.data()) : fallback;
  }
  // A text parameter without its NUL; empty when missing.
  [[gnu::always_inline]] std::string_view text(size_t index) const {
    std::string_view text = as_text(param(index));
    if (!text.empty() && text.back() == '\0') text.remove_suffix(1);
    return text;
  }
  // Missing, or the text "(NULL)" that old collectors wrote for a null pointer.
  bool is_null_text(size_t index) const { return !has(index) || text(index) == "(NULL)"; }
  // Value of the first parameter if it is the call's result (exit event of a system call that
  // carries one), see has_result().
  bool has_result() const { return info_->carries_result && nparams_ > 0; }
  // 0 when the parameter is missing or empty.
  int64_t result() const { return result_; }
  // The first parameter is there and not negative.
  bool succeeded() const { return succeeded_; }

 private:
  bool has_mark(uint8_t mark) const { return !note_.empty() && (note_[0] & mark) != 0; }
  static constexpr size_t kAlwaysIndexed = kPlainParams;
  // Vectors as g++ and clang know them on every machine.
  using Lengths = uint16_t __attribute__((vector_size(16)));
  using Offsets = uint32_t __attribute__((vector_size(16)));

  [[gnu::noinline]] bool index_any(uint32_t count);
  [[gnu::noinline]] static int64_t odd_result(Bytes first);

  // Offsets of up to eight parameters with 16-bit lengths, without a loop on their number. Those
  // that are missing are empty.
  [[gnu::always_inline]] bool index_plain(uint32_t count) {
    const auto lengths = load<Lengths>(bytes_ + kEventHeaderSize) &
                         load<Lengths>(reinterpret_cast<const uint8_t*>(&kKeep[8 - count]));
    const Lengths zero{};
    const uint32_t begin = uint32_t{kEventHeaderSize} + count * 2;
    const auto first = __builtin_shufflevector(lengths, zero, 0, 8, 1, 9, 2, 10, 3, 11);
    const auto second = __builtin_shufflevector(lengths, zero, 4, 12, 5, 13, 6, 14, 7, 15);
    const Offsets low = sums_of(std::bit_cast<Offsets>(first)) + begin;
    const Offsets high = sums_of(std::bit_cast<Offsets>(second)) + low[3];
    nparams_ = count;
    offsets_[0] = begin;
    std::memcpy(&offsets_[1], &low, sizeof low);
    std::memcpy(&offsets_[5], &high, sizeof high);
    return high[3] <= end_;
  }
  // The first, the first two, the first three and all of four lengths.
  [[gnu::always_inline]] static Offsets sums_of(Offsets lengths) {
    const Offsets zero{};
    lengths += __builtin_shufflevector(lengths, zero, 4, 0, 1, 2);
    return lengths + __builtin_shufflevector(lengths, zero, 4, 4, 0, 1);
  }
  // Eight lengths from kKeep[8 - n] on keep the first n and clear the others.
  static constexpr std::array<uint16_t, 2 * kPlainParams> kKeep = [] {
    std::array<uint16_t, 2 * kPlainParams> keep{};
    for (size_t i = 0; i < kPlainParams; ++i) keep[i] = 0xffff;
    return keep;
  }();

  const uint8_t* bytes_ = nullptr;
  const EventInfo* info_ = nullptr;
  Bytes note_;
  uint32_t end_ = 0;
  uint32_t flags_ = 0;
  Ev type_ = Ev::GENERIC_E;
  uint16_t cpu_ = 0;
  bool succeeded_ = false;
  uint32_t nparams_ = 0;
  int64_t result_ = 0;
  // nparams_ + 1 are set, kAlwaysIndexed + 1 at least.
  std::array<uint32_t, kMaxParams + 1> offsets_{};
};

// Writes one record into a caller's buffer: header first, then add() per parameter in order.
class EventBuilder {
 public:
  void begin(Ev type, uint64_t ts_ns, int64_t tid);
  void add(Bytes parameter);
  void add_text(std::string_view text);  // with its NUL
  template <class T>
  void add_value(T value) {
    add({reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  // The finished record; valid until the next begin(). Call once.
  Bytes finish();

 private:
  std::vector<uint8_t> lengths_;
  std::vector<uint8_t> payload_;
  std::vector<uint8_t> record_;
  Ev type_ = Ev::GENERIC_E;
  uint64_t ts_ns_ = 0;
  int64_t tid_ = 0;
  uint32_t count_ = 0;
};

}  // namespace gyr
