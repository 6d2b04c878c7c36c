// SPDX-License-Identifier: Apache-2.0
// A capture file as a source of events. Old events are upgraded, so that everybody else knows only
// current ones; what the upgrade swallows comes out as Dropped.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "source/source.h"

namespace gyr {

// Opens the file and reads the state at its start. Errors name the file, the offset and the reason.
Result<std::unique_ptr<Source>> open_replay(const std::string& path);
// The same for a capture in memory, which must outlive the source. `name` stands for the path.
Result<std::unique_ptr<Source>> replay_bytes(Bytes bytes, std::string name);

}  // namespace gyr
