// SPDX-License-Identifier: Apache-2.0
// One gRPC call for scripts that test with a real runtime: gyr_grpc_call SOCKET METHOD sends the
// message of standard input and prints the answer's. Status 1: there was none, and why.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "container_api/grpc.h"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string message{std::istreambuf_iterator<char>(std::cin), {}};
  const gyr::ApiPlace place{.root = "", .path = arguments[1], .timeout = std::chrono::seconds(60)};
  const gyr::ApiAnswer answer = gyr::grpc_call(place, {.path = arguments[2], .message = message});
  if (answer.why != gyr::WhyMissing::Known) {
    std::cerr << arguments[2] << ": " << gyr::why_missing_name(answer.why) << '\n';
    return 1;
  }
  std::cout << answer.body;
  return 0;
}
