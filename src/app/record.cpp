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

}  // namespace gyr::app
