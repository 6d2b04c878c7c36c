// SPDX-License-Identifier: Apache-2.0
// Stands for ptrace*.cpp where they are not built (cmake/modules.cmake).
#include "source/ptrace.h"

#if !defined(__x86_64__)

namespace gyr {
Result<std::unique_ptr<PtraceSource>> open_ptrace(PtraceSettings) {
  return Error{"following a command or processes by ptrace works on x86-64 only"};
}
}  // namespace gyr

#endif
