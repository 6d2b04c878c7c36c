// SPDX-License-Identifier: Apache-2.0
// The machine itself: size, name, time of boot, network interfaces.
#pragma once

#include <vector>

#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

// Since the epoch; the same difference of clocks that the probe's times are made with.
uint64_t boot_time_ns();
uint64_t since_boot_ns();
MachineInfo read_machine(const Files& files);
std::vector<SnapshotInterface> read_interfaces();

}  // namespace gyr
