// SPDX-License-Identifier: Apache-2.0
// The start of a section: its header and the lists that tell the state before the first event.
#pragma once

#include "capture/input.h"
#include "event/snapshot.h"

namespace gyr::capture {

// Reads up to the first event block and leaves the input there. On an error the input stands at the
// block or entry that is at fault, and the message is the reason alone.
Result<Snapshot> read_section(Input& in);

// "the block is cut off", or why the input ended early.
Error cut_off(const Input& in, std::string_view what);

}  // namespace gyr::capture
