// SPDX-License-Identifier: Apache-2.0
#include "app/app.h"

int main(int argc, char** argv) {
  if (argc == 0) return gyr::app::run("gyr", {});
  return gyr::app::run(argv[0], {argv + 1, static_cast<size_t>(argc - 1)});
}
