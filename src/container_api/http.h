// SPDX-License-Identifier: Apache-2.0
// One GET over a unix socket, as docker and podman answer it. HTTP/1.0: the answer is not in chunks
// and the end of the connection is its end.
#pragma once

#include <string_view>

#include "container_api/connection.h"

namespace gyr {

inline constexpr size_t kApiBodyLimit = 1 << 20;  // larger answers count as damaged

// `path` is sent as it is. 404 is ApiUnknown, anything else but 200 ApiFailed.
ApiAnswer http_get(const ApiPlace& place, std::string_view path);
// What http_get() makes of all bytes that came.
ApiAnswer parse_http_answer(std::string_view bytes);

}  // namespace gyr
