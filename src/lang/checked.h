// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "vm/tree.h"

namespace gyr {

struct Checked {
  TreePtr root;  // never null
};

}  // namespace gyr
