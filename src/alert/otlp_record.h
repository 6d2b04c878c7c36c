// SPDX-License-Identifier: Apache-2.0
// An alert as a log record of OTLP, the JSON encoding of opentelemetry.proto.logs.v1.LogRecord:
// 64-bit integers are text, severities are those of the logs data model, appendix B.
#pragma once

#include <string>
#include <string_view>

#include "alert/alert.h"

namespace gyr {

// `id` becomes the attribute log.record.uid.
std::string otlp_record(const Alert& alert, std::string_view id);
// A request body (ExportLogsServiceRequest) of records that are separated by commas.
std::string otlp_request(std::string_view hostname, std::string_view version,
                         std::string_view records);
int otlp_severity(Priority priority);

}  // namespace gyr
