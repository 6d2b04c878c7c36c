// SPDX-License-Identifier: Apache-2.0
// Which layer of an overlay file system a file is in. The layers themselves are out of sight in a
// container, but the upper one was made when the container was: what was born since is in it.
#pragma once

#include <cstdint>
#include <string>

#include "base/system.h"

struct statx;

namespace gyr {

enum class OverlayLayer : uint8_t { None, Upper, Lower };

// `tid`: in whose mount namespace the file is. `file`: with STATX_BTIME and STATX_MNT_ID.
OverlayLayer overlay_layer(const Files& files, int64_t tid, const struct statx& file);

}  // namespace gyr
