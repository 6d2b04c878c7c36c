// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "alert/sinks/fd_writer.h"

namespace gyr {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask, so that log shippers keep reading it

bool is_pipe(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode);
}

class FileSink final : public Sink {
 public:
  explicit FileSink(FileSinkSettings settings) : settings_(std::move(settings)) {}
  ~FileSink() override { close_file(); }

  std::string_view name() const override { return "file_output"; }
  Result<void> open() override {
    if (settings_.path.empty()) return Error{"file_output: filename is empty"};
    // open() waits for somebody who reads the pipe: that is for the sink's own thread to do.
    if (is_pipe(settings_.path) && access(settings_.path.c_str(), W_OK) == 0) return {};
    if (!open_file()) return Error{"file_output: " + reason_};
    if (!settings_.keep_alive) close_file();
    return {};
  }
  SinkStatus write(const Alert&, std::string_view line) override {
    writer_.add_line(line);
    return writer_.full() ? flush() : SinkStatus::Ok;
  }
  SinkStatus flush() override {
    if (writer_.empty()) return SinkStatus::Ok;
    if (fd_ < 0 && !open_file()) {
      writer_.drop();
      return SinkStatus::Failed;
    }
    std::string why;
    SinkStatus status = writer_.flush(&why);
    if (status != SinkStatus::Ok) {
      // A file cannot end the program the way a closed standard output does.
      reason_ = "cannot write " + settings_.path + ": " + (why.empty() ? "no reader" : why);
      status = SinkStatus::Failed;
    }
    if (!settings_.keep_alive || status != SinkStatus::Ok) close_file();
    return status;
  }
  void reopen() override { close_file(); }
  const std::string& reason() const override { return reason_; }

 private:
  bool open_file() {
    fd_ = ::open(settings_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode);
    if (fd_ < 0) reason_ = "cannot open " + settings_.path + ": " + std::strerror(errno);
    writer_.use(fd_);
    return fd_ >= 0;
  }
  void close_file() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  FileSinkSettings settings_;
  FdWriter writer_;
  std::string reason_;
  int fd_ = -1;
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(FileSinkSettings settings) {
  return std::make_unique<FileSink>(std::move(settings));
}

}  // namespace gyr
