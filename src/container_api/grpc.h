// SPDX-License-Identifier: Apache-2.0
// One unary gRPC call over a unix socket: HTTP/2 without encryption, a connection of its own.
#pragma once

#include <string>
#include <string_view>

#include "container_api/connection.h"

namespace gyr {

struct GrpcCall {
  std::string path;     // "/package.Service/Method"
  std::string message;  // of protobuf
  std::string space{};  // containerd's namespace, sent as a header; "" none
};

// The message that is answered. NOT_FOUND is ApiUnknown, any other status but OK ApiFailed; what is
// larger than kApiBodyLimit, or breaks the protocol, ApiDamaged.
ApiAnswer grpc_call(const ApiPlace& place, const GrpcCall& call);

// The message in a body: one, not compressed. Empty when it is none.
ApiAnswer parse_grpc_body(std::string_view body);

}  // namespace gyr
