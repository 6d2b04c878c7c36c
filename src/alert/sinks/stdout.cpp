// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/stdout.h"

#include <fcntl.h>

#include "alert/sinks/line_writer.h"

namespace gyr {
namespace {

class StdoutSink final : public Sink {
 public:
  explicit StdoutSink(StdoutSinkSettings settings) : fd_(settings.fd) {}

  std::string_view name() const override { return "stdout_output"; }
  Result<void> check() override {
    if (fcntl(fd_, F_GETFD) < 0) {
      return Error{"stdout_output: standard output is closed; redirect it or disable the output"};
    }
    return {};
  }
  Result<void> open(SinkPort&) override {
    writer_.use(fd_);
    return check();
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    SinkResult result = writer_.write(batch);
    if (result.status == SinkStatus::Failed) {
      result.reason = "cannot write to standard output: " + result.reason;
    }
    return result;
  }

 private:
  int fd_;
  LineWriter writer_;
};

}  // namespace

std::unique_ptr<Sink> make_stdout_sink(StdoutSinkSettings settings) {
  return std::make_unique<StdoutSink>(settings);
}

}  // namespace gyr
