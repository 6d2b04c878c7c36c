// SPDX-License-Identifier: Apache-2.0
#include "metrics/file_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "alert/format.h"
#include "alert/sinks/line_writer.h"

namespace gyr {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask

// The file is opened for each line: there are few, and whoever rotates it need not tell.
class MetricsFileSink final : public Sink {
 public:
  explicit MetricsFileSink(std::string path) : path_(std::move(path)) {}

  std::string_view name() const override { return "metrics.output_file"; }
  std::optional<Allowed> allowed() const override {
    return Allowed{.capabilities = {Capability::DacOverride}, .write = folders_of(path_)};
  }
  Result<void> open(SinkPort&) override {
    const int fd = open_file();
    if (fd < 0) return Error{"metrics.output_file: " + reason_};
    ::close(fd);
    return {};
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    const int fd = open_file();
    if (fd < 0) return sink_failure(reason_);
    std::vector<std::string> texts;
    std::vector<Outgoing> lines;
    texts.reserve(batch.size());
    for (const Outgoing& each : batch) {
      texts.push_back(line_of(*each.alert, lines_ + texts.size() + 1));
      lines.push_back(
          {.line = texts.back(), .id = {}, .priority = each.priority, .alert = nullptr});
    }
    writer_.use(fd);
    SinkResult result = writer_.write(lines);
    ::close(fd);
    const bool done = result.status == SinkStatus::Ok;
    lines_ += done ? lines.size() : result.accepted;
    if (done) return result;
    return sink_failure(fmt::format("cannot write {}: {}", path_,
                                    result.reason.empty() ? "no reader" : result.reason),
                        result.accepted);
  }

 private:
  static std::string line_of(const Alert& alert, uint64_t number) {
    return fmt::format("{{\"sample\":{},\"output_fields\":{}}}", number, json_object(alert.fields));
  }
  int open_file() {
    const int fd =
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kFileMode);
    if (fd < 0) reason_ = "cannot open " + path_ + ": " + std::strerror(errno);
    return fd;
  }

  std::string path_;
  LineWriter writer_;
  std::string reason_;
  uint64_t lines_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_metrics_file_sink(std::string path) {
  return std::make_unique<MetricsFileSink>(std::move(path));
}

}  // namespace gyr
