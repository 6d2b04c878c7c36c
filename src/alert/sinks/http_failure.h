// SPDX-License-Identifier: Apache-2.0
// What a refused or failed POST means for a lane: one place for every output over HTTP.
#pragma once

#include <string_view>

#include "alert/http_client.h"
#include "alert/sink.h"

namespace gyr {

constexpr size_t kToldBody = 120;  // bytes of an answer in a message

// Of an answer that is not 2xx. `output` begins the message ("http_output"); statuses that
// `is_for_now` are tried again, others are final.
SinkResult http_failure(std::string_view output, std::string_view url, const HttpAnswer& answer,
                        bool (*is_for_now)(long status));

}  // namespace gyr
