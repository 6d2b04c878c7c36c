// SPDX-License-Identifier: Apache-2.0
// A capture file as a source of events. Old events are upgraded, so that everybody else knows only
// current ones; what the upgrade swallows comes out as Dropped.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "capture/input.h"
#include "source/source.h"

namespace gyr {

// Opens the file and reads the state at its start. Errors name the file, the offset and the reason.
// `give_up` ends the waiting for a pipe, and with it the capture (capture/input.h).
Result<std::unique_ptr<Source>> open_replay(const std::string& path, GiveUp give_up = {});
// The same for a capture in memory, which must outlive the source. `name` stands for the path.
Result<std::unique_ptr<Source>> replay_bytes(Bytes bytes, std::string name);

}  // namespace gyr
