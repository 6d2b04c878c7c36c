// SPDX-License-Identifier: Apache-2.0
#include "source/proc_scan.h"

namespace gyr {
Result<Snapshot> scan_proc(const Files&, const Users&) { return Snapshot{}; }
}
