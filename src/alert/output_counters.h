// SPDX-License-Identifier: Apache-2.0
// What became of the alerts for one output, as any thread may ask for it (Outputs::counters()).
// Every alert an output accepts ends in exactly one of: sent, one reason of `lost`, still waiting
// (queued, in_spool). What is handed over to the spool counts as `spooled` too, once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

namespace gyr {

enum class AlertLoss : uint8_t {
  QueueFull,  // no room in the queue
  Refused,    // the peer said no for good (HTTP 400), or the destination refused with no retry left
  Expired,    // failed for longer than gyr.outputs.NAME.retry_seconds
  SpoolFull,  // the spool is at its limit or its disk is full, and the queue behind it as well
  Damaged,    // found broken in the spool
  Reader,     // of a unix socket: no reader, too slow, or gone with alerts unread
  Unfinished,  // still waiting when the program had to end
};
inline constexpr size_t kAlertLosses = 7;
// For metrics and logs: "queue_full", "refused" …
inline constexpr std::array<std::string_view, kAlertLosses> kAlertLossNames = {
    "queue_full", "refused", "expired", "spool_full", "damaged", "reader", "unfinished"};

struct OutputCounters {
  std::string name;      // "http_output", "gyr.outputs.nats" …
  uint64_t sent = 0;     // accepted by the destination
  uint64_t retried = 0;  // alerts that were sent once more after a failure, each time counted
  uint64_t spooled = 0;  // written to the spool by this process
  std::array<uint64_t, kAlertLosses> lost{};  // by AlertLoss
  uint64_t queued = 0;                        // alerts in memory, those just being sent included
  uint64_t queued_bytes = 0;                  // memory they take, about
  uint64_t in_spool = 0;  // alerts on disk that wait, those of earlier runs included
  uint64_t spool_bytes = 0;
  bool healthy = true;           // the last attempt did not fail; true before the first
  uint64_t last_success_ns = 0;  // since the epoch, 0: never

  uint64_t lost_for(AlertLoss reason) const { return lost[static_cast<size_t>(reason)]; }
  uint64_t lost_total() const { return std::accumulate(lost.begin(), lost.end(), uint64_t{0}); }
};

}  // namespace gyr
