// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/stdout.h"

#include <fcntl.h>

#include "alert/sinks/fd_writer.h"

namespace gyr {
namespace {

class StdoutSink final : public Sink {
 public:
  explicit StdoutSink(StdoutSinkSettings settings) : fd_(settings.fd) {}

  std::string_view name() const override { return "stdout_output"; }
  Result<void> open() override {
    if (fcntl(fd_, F_GETFD) < 0) {
      return Error{"stdout_output: standard output is closed; redirect it or disable the output"};
    }
    writer_.use(fd_);
    return {};
  }
  SinkStatus write(const Alert&, std::string_view line) override {
    writer_.add_line(line);
    return writer_.full() ? flush() : SinkStatus::Ok;
  }
  SinkStatus flush() override {
    std::string why;
    const SinkStatus status = writer_.flush(&why);
    if (status == SinkStatus::Failed) reason_ = "cannot write to standard output: " + why;
    return status;
  }
  const std::string& reason() const override { return reason_; }

 private:
  int fd_;
  FdWriter writer_;
  std::string reason_;
};

}  // namespace

std::unique_ptr<Sink> make_stdout_sink(StdoutSinkSettings settings) {
  return std::make_unique<StdoutSink>(settings);
}

}  // namespace gyr
