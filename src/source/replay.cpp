// SPDX-License-Identifier: Apache-2.0
#include "source/replay.h"

#include <fmt/format.h>

#include <utility>
#include <variant>
#include <vector>

#include "capture/findings.h"
#include "capture/progress.h"
#include "capture/reader.h"
#include "capture/upgrade.h"

namespace gyr {
namespace {

class ReplaySource final : public Source {
 public:
  explicit ReplaySource(std::unique_ptr<CaptureReader> reader) : reader_(std::move(reader)) {}

  // Recordings of ours have more about it in the first records behind it.
  Result<Snapshot> take_snapshot() override {
    Snapshot snapshot = reader_->take_snapshot();
    for (;;) {
      waiting_ = reader_->next(&waiting_record_);
      has_waiting_ = is_held_up_ = true;
      if (waiting_ != ReadStatus::Event || !capture::is_finding(waiting_record_)) return snapshot;
      const auto found = capture::read_finding(waiting_record_);
      if (!found) return snapshot;  // next() says why
      Result<void> merged;
      if (std::holds_alternative<capture::Supplement>(*found)) {
        merged = capture::merge_supplement(waiting_record_, &snapshot);
      } else if (std::holds_alternative<capture::Progress>(*found)) {
        merged = take_progress(&snapshot);
      } else {
        return snapshot;
      }
      has_waiting_ = is_held_up_ = false;
      ++findings_;
      if (!merged) return reader_->event_error(merged.error().message);
    }
  }

  SourceStatus next(Record* record) override {
    // No call but the last one of a way: then the compiler saves no registers.
    if (is_held_up_ || !reader_->next_plain(record)) return next_other(record);
    return upgrader_.is_current(*record) ? SourceStatus::Event : upgrade(record);
  }

  Error damaged_event() override {
    fail_damaged();
    return error_;
  }

  Finding take_finding() override { return std::move(finding_); }

  const Error& error() const override { return error_; }

  SourceCounters counters() const override {
    const UpgradeCounters& upgrades = upgrader_.counters();
    SourceCounters counters;
    counters.events = reader_->events() - upgrades.dropped - findings_ - (upgrade_failed_ ? 1 : 0);
    counters.filtered = upgrades.dropped;
    counters.unknown_types = reader_->unknown_types() + unknown_findings_;
    if (upgrades.enters_evicted + upgrades.enters_mismatched > 0) {
      counters.lost_detail = fmt::format(
          "while old events were upgraded, {} enter events were forgotten for lack of room and {} "
          "did not belong to the call that ended",
          upgrades.enters_evicted, upgrades.enters_mismatched);
    }
    return counters;
  }

  bool is_live() const override { return false; }

 private:
  [[gnu::noinline]] SourceStatus next_other(Record* record) {
    if (failed_) return SourceStatus::Failed;
    switch (read(record)) {
      case ReadStatus::Event: {
        if (record->flags != 0 && capture::is_finding(*record)) return take_finding(*record);
        const SourceStatus status = upgrade(record);
        if (has_note_ && status == SourceStatus::Event) {
          record->note = note_;
          has_note_ = is_held_up_ = false;
        }
        return status;
      }
      case ReadStatus::Restart:
        upgrader_.restart();
        return SourceStatus::Restart;
      case ReadStatus::End:
        return SourceStatus::End;
      case ReadStatus::Failed:
        break;
    }
    return fail(reader_->error());
  }

  ReadStatus read(Record* record) {
    if (!has_waiting_) return reader_->next(record);
    has_waiting_ = false;
    is_held_up_ = has_note_;
    *record = waiting_record_;
    return waiting_;
  }

  Result<void> take_progress(Snapshot* snapshot) {
    auto progress = capture::read_progress(waiting_record_);
    if (!progress) return progress.error();
    snapshot->progress = *std::move(progress);
    return {};
  }

  SourceStatus take_finding(const Record& record) {
    ++findings_;
    Result<capture::FoundRecord> found = capture::read_finding(record);
    if (!found) return fail(reader_->event_error(found.error().message));
    if (const auto* note = std::get_if<capture::Note>(&*found)) {
      note_.assign(note->bytes.begin(), note->bytes.end());
      has_note_ = is_held_up_ = true;
      return SourceStatus::Dropped;
    }
    auto* finding = std::get_if<Finding>(&*found);
    if (finding == nullptr) {
      if (std::holds_alternative<capture::UnknownFinding>(*found)) ++unknown_findings_;
      return SourceStatus::Dropped;
    }
    finding_ = std::move(*finding);
    return SourceStatus::Found;
  }

  [[gnu::noinline]] SourceStatus upgrade(Record* record) {
    if (!EventView().decode(*record)) return fail_damaged();
    switch (upgrader_.upgrade(record)) {
      case Upgrade::Keep:
        return SourceStatus::Event;
      case Upgrade::Drop:
        return SourceStatus::Dropped;
      case Upgrade::Failed:
        break;
    }
    upgrade_failed_ = true;
    return fail(reader_->event_error(upgrader_.reason()));
  }

  // The reader says why EventView::decode() refused the record handed out last.
  SourceStatus fail_damaged() {
    Record record;
    reader_->check_again(&record);
    return fail(reader_->error());
  }
  SourceStatus fail(Error error) {
    failed_ = is_held_up_ = true;
    error_ = std::move(error);
    return SourceStatus::Failed;
  }

  std::unique_ptr<CaptureReader> reader_;
  Upgrader upgrader_;
  Record waiting_record_;
  ReadStatus waiting_ = ReadStatus::End;
  bool has_waiting_ = false;
  std::vector<uint8_t> note_;  // of the next event, and then of the last one
  bool has_note_ = false;
  bool is_held_up_ = false;  // failed_, has_waiting_ or has_note_: one question for all
  Finding finding_;
  uint64_t findings_ = 0;
  uint64_t unknown_findings_ = 0;
  Error error_;
  bool failed_ = false;
  bool upgrade_failed_ = false;
};

Result<std::unique_ptr<Source>> wrap(Result<std::unique_ptr<CaptureReader>> reader) {
  if (!reader) return reader.error();
  return std::unique_ptr<Source>(std::make_unique<ReplaySource>(*std::move(reader)));
}

}  // namespace

Result<std::unique_ptr<Source>> open_replay(const std::string& path, GiveUp give_up) {
  return wrap(CaptureReader::open(path, std::move(give_up)));
}

Result<std::unique_ptr<Source>> replay_bytes(Bytes bytes, std::string name) {
  return wrap(CaptureReader::over(bytes, std::move(name)));
}

}  // namespace gyr
