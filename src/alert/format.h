// SPDX-License-Identifier: Apache-2.0
// The two forms of an alert, text and JSON (docs/alerts.md). Both are one line of valid UTF-8
// without its newline: bytes that are not UTF-8 become U+FFFD, control characters are escaped.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "alert/alert.h"

namespace gyr {

struct AlertFormat {
  bool json = false;
  bool include_output = true;         // JSON: the text form as "output"
  bool include_message = false;       // JSON: the text without time and priority as "message"
  bool include_output_fields = true;  // JSON
  bool include_tags = true;           // JSON
  bool iso_8601 = false;              // UTC date and time in the text instead of local time
};

// `id`: as JSON the line has it as "gyr_id", unless it is empty.
std::string format_alert(const Alert& alert, const AlertFormat& format, std::string_view id = {});

// "HH:MM:SS.nnnnnnnnn" in local time, or "YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+0000".
std::string alert_time_text(uint64_t time_ns, bool iso_8601);
// With quotes.
std::string json_string(std::string_view text);
std::string json_value(const AlertValue& value);
std::string json_object(const std::map<std::string, AlertValue>& fields);  // sorted by name

}  // namespace gyr
