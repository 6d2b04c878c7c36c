// SPDX-License-Identifier: Apache-2.0
// Threads beside the main one.
#pragma once

#include <functional>
#include <thread>

#include "base/result.h"

namespace gyr {

// Starts a thread with all signals blocked, which threads that it starts inherit: signals are for
// the one that waits for them. The error says that there can be no more threads.
Result<std::thread> start_thread(std::function<void()> run);

}  // namespace gyr
