// SPDX-License-Identifier: Apache-2.0
// Alerts appended to a file, one line each. Without keep_alive the file is opened for each burst of
// alerts and closed behind it, so that it may be moved away at any time. Rotation renames the file
// to PATH.1, what was PATH.1 to PATH.2 and so on; no line is in two files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct FileSinkSettings {
  std::string path{};
  bool keep_alive = false;
  uint64_t rotate_bytes = 0;    // a file is not longer than this, unless one alert is; 0: no limit
  uint64_t rotate_seconds = 0;  // nor older, by the time it was begun by this program; 0: no limit
  uint32_t rotate_files = 10;   // so many of the past are kept
};
std::unique_ptr<Sink> make_file_sink(FileSinkSettings settings);

}  // namespace gyr
