// SPDX-License-Identifier: Apache-2.0
#include "source/replay.h"

#include <fmt/format.h>

#include <utility>

#include "capture/reader.h"
#include "capture/upgrade.h"

namespace gyr {
namespace {

class ReplaySource final : public Source {
 public:
  explicit ReplaySource(std::unique_ptr<CaptureReader> reader) : reader_(std::move(reader)) {}

  Result<Snapshot> take_snapshot() override { return reader_->take_snapshot(); }

  SourceStatus next(Record* record) override {
    // No call but the last one of a way: then the compiler saves no registers.
    if (failed_ || !reader_->next_plain(record)) return next_other(record);
    return upgrader_.is_current(*record) ? SourceStatus::Event : upgrade(record);
  }

  Error damaged_event() override {
    failed_ = true;
    Record record;
    reader_->check_again(&record);
    return reader_->error();
  }

  const Error& error() const override { return error_; }

  SourceCounters counters() const override {
    const UpgradeCounters& upgrades = upgrader_.counters();
    SourceCounters counters;
    counters.events = reader_->events() - upgrades.dropped - (upgrade_failed_ ? 1 : 0);
    counters.filtered = upgrades.dropped;
    counters.unknown_types = reader_->unknown_types();
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
    switch (reader_->next(record)) {
      case ReadStatus::Event:
        return upgrade(record);
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

  [[gnu::noinline]] SourceStatus upgrade(Record* record) {
    if (!EventView().decode(*record)) return fail(damaged_event());
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

  SourceStatus fail(Error error) {
    failed_ = true;
    error_ = std::move(error);
    return SourceStatus::Failed;
  }

  std::unique_ptr<CaptureReader> reader_;
  Upgrader upgrader_;
  Error error_;
  bool failed_ = false;
  bool upgrade_failed_ = false;
};

Result<std::unique_ptr<Source>> wrap(Result<std::unique_ptr<CaptureReader>> reader) {
  if (!reader) return reader.error();
  return std::unique_ptr<Source>(std::make_unique<ReplaySource>(*std::move(reader)));
}

}  // namespace

Result<std::unique_ptr<Source>> open_replay(const std::string& path) {
  return wrap(CaptureReader::open(path));
}

Result<std::unique_ptr<Source>> replay_bytes(Bytes bytes, std::string name) {
  return wrap(CaptureReader::over(bytes, std::move(name)));
}

}  // namespace gyr
