// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

int main(int argc, char** argv) {
  return gyr::app::run({argv + 1, argc > 0 ? static_cast<size_t>(argc - 1) : 0});
}
