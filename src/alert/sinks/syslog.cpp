// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/syslog.h"

#include <syslog.h>

namespace gyr {
namespace {

class SyslogSink final : public Sink {
 public:
  std::string_view name() const override { return "syslog_output"; }
  Result<void> open() override { return {}; }
  SinkStatus write(const Alert& alert, std::string_view line) override {
    // Priorities have the numbers of syslog's severities. It reports no failure.
    ::syslog(static_cast<int>(alert.priority), "%.*s", static_cast<int>(line.size()), line.data());
    return SinkStatus::Ok;
  }
  SinkStatus flush() override { return SinkStatus::Ok; }
  const std::string& reason() const override { return reason_; }

 private:
  std::string reason_;
};

}  // namespace

std::unique_ptr<Sink> make_syslog_sink() { return std::make_unique<SyslogSink>(); }

}  // namespace gyr
