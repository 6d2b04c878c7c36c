// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/syslog.h"

#include <syslog.h>

namespace gyr {
namespace {

class SyslogSink final : public Sink {
 public:
  std::string_view name() const override { return "syslog_output"; }
  Result<void> open(SinkPort&) override { return {}; }
  SinkResult send(std::span<const Outgoing> batch) override {
    for (const Outgoing& alert : batch) {
      // Priorities have the numbers of syslog's severities. It reports no failure.
      ::syslog(static_cast<int>(alert.priority), "%.*s", static_cast<int>(alert.line.size()),
               alert.line.data());
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<Sink> make_syslog_sink() { return std::make_unique<SyslogSink>(); }

}  // namespace gyr
