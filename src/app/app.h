// SPDX-License-Identifier: Apache-2.0
// The program: from its arguments to its exit status. 0: done; 1: the user, the configuration, the
// rules or the world were wrong, said on stderr.
#pragma once

#include "app/options.h"

namespace gyr::app {

// `arguments` without the program's name.
int run(Arguments arguments);

// `gyr read …`, with the arguments behind `read`.
int run_read(Arguments arguments);
// `gyr record …`, with the arguments behind `record`.
int run_record(Arguments arguments);
// `gyr syscalls …`, with the arguments behind `syscalls`.
int run_syscalls(Arguments arguments);
// `gyr doctor …`, with the arguments behind `doctor`. 0: live capture works fully; 1: with losses;
// 2: not at all.
int run_doctor(Arguments arguments);

}  // namespace gyr::app
