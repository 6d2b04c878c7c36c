// SPDX-License-Identifier: Apache-2.0
// Alerts appended to a file, one line each. Without keep_alive the file is opened for each burst of
// alerts and closed behind it, so that it may be moved away at any time.
#pragma once

#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct FileSinkSettings {
  std::string path{};
  bool keep_alive = false;
};
std::unique_ptr<Sink> make_file_sink(FileSinkSettings settings);

}  // namespace gyr
