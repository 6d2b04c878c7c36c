// SPDX-License-Identifier: Apache-2.0
// The machine itself: size, name, time of boot, network interfaces.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/system.h"
#include "event/snapshot.h"

namespace gyr {

// Since the epoch; the same difference of clocks that the probe's times are made with.
uint64_t boot_time_ns();
uint64_t since_boot_ns();
MachineInfo read_machine(const Files& files);
// The same snapshot of a machine that is to be called so; "" changes nothing.
Result<Snapshot> on_host_named(Result<Snapshot> snapshot, const std::string& name);
std::vector<SnapshotInterface> read_interfaces();

}  // namespace gyr
