// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/http_failure.h"

#include <fmt/format.h>

namespace gyr {

SinkResult http_failure(std::string_view output, std::string_view url, const HttpAnswer& answer,
                        bool (*is_for_now)(long status)) {
  SinkResult result;
  result.timed_out = answer.timed_out;
  result.retry_after_ms = answer.retry_after_ms;
  const bool refused = answer.status != 0 && !is_for_now(answer.status);
  result.status = refused ? SinkStatus::Refused : SinkStatus::Failed;
  result.reason = answer.status == 0 ? fmt::format("{}: {}: {}", output, url, answer.error)
                                     : fmt::format("{}: {} answered HTTP {} {}", output, url,
                                                   answer.status, answer.body.substr(0, kToldBody));
  return result;
}

}  // namespace gyr
