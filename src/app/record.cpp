// SPDX-License-Identifier: Apache-2.0
#include "app/record.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "app/terminal.h"

namespace gyr::app {

Result<std::unique_ptr<Recording>> start_recording(Source& source, const std::string& path,
                                                   const std::optional<std::string>& from,
                                                   const Logger& logger) {
  std::error_code unimportant;  // one of them does not exist, then
  if (from && std::filesystem::equivalent(*from, path, unimportant)) {
    return Error{fmt::format("{} cannot be recorded onto itself", path)};
  }
  return Recording::start(source, {.path = path, .compression = compression_of(path)}, logger);
}

int finish_recording(Recording& recording, const std::string& path, const Logger& logger,
                     std::optional<uint64_t> shown) {
  const Result<void> done = recording.finish();
  const RecordingCounters counts = recording.counts();
  if (counts.texts_cut > 0) {
    logger->warn("{} texts of the state were too long for {} and were cut", counts.texts_cut, path);
  }
  if (!done) {
    return print_error(fmt::format("{}: {} events are in it, {} are missing from it",
                                   done.error().message, counts.events, counts.lost));
  }
  const std::string more =
      shown ? fmt::format("{}, with those that keep the state right, ", counts.events) : "";
  say(fmt::format("gyr: {} events ({}{} bytes) recorded in {}\n", shown.value_or(counts.events),
                  more, counts.file_bytes, path));
  return 0;
}

}  // namespace gyr::app
