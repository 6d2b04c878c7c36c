// SPDX-License-Identifier: Apache-2.0
#include "metrics/file_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "alert/format.h"
#include "alert/fd_writer.h"

namespace gyr {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask

// The file is opened for each line: there are few, and whoever rotates it need not tell.
class MetricsFileSink final : public Sink {
 public:
  explicit MetricsFileSink(std::string path) : path_(std::move(path)) {}

  std::string_view name() const override { return "metrics.output_file"; }
  Result<void> open() override {
    const int fd = open_file();
    if (fd < 0) return Error{"metrics.output_file: " + reason_};
    close(fd);
    return {};
  }
  SinkStatus write(const Alert& alert, std::string_view) override {
    writer_.add_line(
        fmt::format("{{\"sample\":{},\"output_fields\":{}}}", ++lines_, json_object(alert.fields)));
    return SinkStatus::Ok;
  }
  SinkStatus flush() override {
    if (writer_.empty()) return SinkStatus::Ok;
    const int fd = open_file();
    if (fd < 0) {
      writer_.drop();
      return SinkStatus::Failed;
    }
    writer_.use(fd);
    std::string why;
    const SinkStatus status = writer_.flush(&why);
    close(fd);
    if (status == SinkStatus::Ok) return status;
    reason_ = "cannot write " + path_ + ": " + (why.empty() ? "no reader" : why);
    return SinkStatus::Failed;
  }
  const std::string& reason() const override { return reason_; }

 private:
  int open_file() {
    const int fd =
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kFileMode);
    if (fd < 0) reason_ = "cannot open " + path_ + ": " + std::strerror(errno);
    return fd;
  }

  std::string path_;
  FdWriter writer_;
  std::string reason_;
  uint64_t lines_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_metrics_file_sink(std::string path) {
  return std::make_unique<MetricsFileSink>(std::move(path));
}

}  // namespace gyr
