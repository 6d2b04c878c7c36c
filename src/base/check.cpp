// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace gyr {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "gyr: internal error at %s:%d: %s does not hold\n", file, line, expression);
  std::abort();
}

}  // namespace gyr
