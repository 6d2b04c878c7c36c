// SPDX-License-Identifier: Apache-2.0
// Where alerts go. A sink makes attempts; whether there is another one, and what happens to alerts
// meanwhile, is its lane's business (alert/lane.h). A sink is used by one thread, that of its lane,
// but for what says otherwise.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "alert/alert.h"
#include "alert/output_counters.h"
#include "base/log.h"
#include "base/result.h"
#include "base/sandbox.h"

namespace gyr {

// One alert on its way. The views live during send().
struct Outgoing {
  std::string_view line;  // in the sink's form, without newline
  std::string_view id;    // the same at each attempt and after a restart; empty if nobody asked
  Priority priority = Priority::Debug;
  const Alert* alert = nullptr;  // null when it comes from the spool
};

enum class SinkStatus : uint8_t {
  Ok,       // all of the batch has arrived
  Busy,     // the peer is slow; the rest is to be sent again at once, which is no failure
  Failed,   // for now: the rest is to be sent again later
  Refused,  // for good: the rest will never be accepted, as it is
  Closed,   // nobody reads the output any more: the program ends quietly
};

struct SinkResult {
  SinkStatus status = SinkStatus::Ok;
  size_t accepted = 0;          // unless Ok: the first so many of the batch have arrived
  std::string reason{};         // unless Ok: a sentence that names the destination
  uint64_t retry_after_ms = 0;  // what the peer asked for, 0: nothing
  uint64_t given_up = 0;   // of an Ok batch so many were lost nevertheless; the sink counted them
  bool timed_out = false;  // Failed because the peer did not answer
};

// What a lane lends its sink. Any thread may use it.
struct SinkPort {
  Logger logger;
  std::atomic<bool> ending{false};  // the end is near: waits are to be cut short
  uint64_t finish_timeout_ms = 2000;
  std::array<std::atomic<uint64_t>, kAlertLosses> lost{};

  void count_lost(AlertLoss reason, uint64_t alerts) {
    lost[static_cast<size_t>(reason)].fetch_add(alerts, std::memory_order_relaxed);
  }
};

// Most that a lane hands over at once.
struct BatchLimits {
  size_t alerts = 256;
  size_t bytes = 65536;  // of lines; a longer one goes alone
  uint64_t wait_ms = 0;  // for a batch to fill
  bool always = false;   // also without buffered_outputs
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string_view name() const = 0;  // as the configuration calls it, e.g. "file_output"
  // Called once before anything else, from the thread that configures; an error, of the
  // configuration only, ends the start. The port lives longer than the sink.
  virtual Result<void> open(SinkPort& port) = 0;
  // What open() would find wrong with the settings, as far as that can be told without any effect
  // on files, peers and other programs. In place of open().
  virtual Result<void> check() { return {}; }
  virtual SinkResult send(std::span<const Outgoing> batch) = 0;
  virtual BatchLimits limits() const { return {}; }
  // While there is nothing to send, idle() is called so often; 0: never.
  virtual uint64_t idle_ms() const { return 0; }
  virtual void idle() {}
  // Opens the destination anew (rotated files, programs).
  virtual void reopen() {}
  // What its thread may do once open() is done; no capability and no file, unless it says so.
  // Nothing: as much as the program, for it runs the code of others. Asked again after files that
  // it names were replaced; it is reopened then.
  virtual std::optional<Allowed> allowed() const { return Allowed{}; }
  // open() starts threads of a library: it is called on a thread that is limited in the same way.
  virtual bool starts_threads() const { return false; }
  // After the last send(): waits for what is on its way, briefly.
  virtual void close() {}
};

inline SinkResult sink_failure(std::string reason, size_t accepted = 0) {
  return {.status = SinkStatus::Failed, .accepted = accepted, .reason = std::move(reason)};
}

}  // namespace gyr
