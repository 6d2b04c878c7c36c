// SPDX-License-Identifier: Apache-2.0
#include "app/record.h"

#include <fmt/format.h>

#include "app/terminal.h"

namespace gyr::app {

int finish_recording(Recording& recording, const Logger& logger, std::optional<uint64_t> shown) {
  const Result<void> done = recording.finish();
  const RecordingCounters counts = recording.counts();
  const std::string& path = recording.path();
  if (counts.texts_cut > 0) {
    logger->warn("{} texts of the state were too long for {} and were cut", counts.texts_cut, path);
  }
  if (!done) {
    return print_error(fmt::format("{}: {} events are in it, {} are missing from it",
                                   done.error().message, counts.events, counts.lost));
  }
  const std::string more =
      shown ? fmt::format("{}, with those that keep the state right, ", counts.events) : "";
  std::string where = path;
  if (counts.files > 1) where = fmt::format("{} files, the last of them {}", counts.files, path);
  if (counts.files_deleted > 0) {
    where += fmt::format("; the oldest {} were deleted", counts.files_deleted);
  }
  say(fmt::format("gyr: {} events ({}{} bytes) recorded in {}\n", shown.value_or(counts.events),
                  more, counts.file_bytes, where));
  return 0;
}

int report_captures(const AlertCapture& capture, const std::string& prefix, const Logger& logger) {
  const AlertCaptureCounters counts = capture.counts();
  const RecordingCounters& written = counts.written;
  if (written.texts_cut > 0) {
    logger->warn("{} texts of the state were too long for captures and were cut",
                 written.texts_cut);
  }
  const HistoryCounters& history = counts.history;
  if (history.too_large + history.unreadable > 0) {
    logger->warn("{} events were too large for gyr.capture.before_mb and {} could not be kept",
                 history.too_large, history.unreadable);
  }
  if (counts.refused > 0) {
    logger->warn("{} alerts began no capture, because the one before them had ended early",
                 counts.refused);
  }
  say(fmt::format("gyr: {} captures with {} events ({} bytes) in {}_*.scap{}\n", written.files,
                  written.events, written.file_bytes, prefix,
                  written.files_deleted == 0
                      ? ""
                      : fmt::format("; the oldest {} were deleted", written.files_deleted)));
  if (counts.failed == 0) return 0;
  return print_error(
      fmt::format("{} captures are missing or not complete; {} events are missing "
                  "from them",
                  counts.failed, written.lost));
}

}  // namespace gyr::app
