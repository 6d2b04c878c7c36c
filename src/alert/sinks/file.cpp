// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "alert/sinks/line_writer.h"
#include "base/system.h"

namespace gyr {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask, so that log shippers keep reading it
constexpr uint64_t kSecond = 1'000'000'000;

bool is_pipe(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode);
}

class FileSink final : public Sink {
 public:
  explicit FileSink(FileSinkSettings settings) : settings_(std::move(settings)) {}
  ~FileSink() override { close_file(); }

  std::string_view name() const override { return "file_output"; }
  Result<void> check() override {
    if (settings_.path.empty()) return Error{"file_output: filename is empty"};
    struct stat about {};
    const bool is_new = stat(settings_.path.c_str(), &about) != 0;
    bool good =
        is_new ? may_use(folder_of(settings_.path), W_OK | X_OK) : may_use(settings_.path, W_OK);
    if (!is_new && S_ISDIR(about.st_mode)) {
      good = false;
      errno = EISDIR;
    }
    if (good) return {};
    return Error{"file_output: cannot open " + settings_.path + ": " + std::strerror(errno)};
  }
  Result<void> open(SinkPort& port) override {
    logger_ = port.logger;
    if (settings_.path.empty()) return Error{"file_output: filename is empty"};
    begun_ns_ = clock_ns(CLOCK_MONOTONIC);
    // open() waits for somebody who reads the pipe: that is for the sink's own thread to do.
    if (is_pipe(settings_.path) && may_use(settings_.path, W_OK)) return {};
    if (!open_file()) return Error{"file_output: " + reason_};
    if (!settings_.keep_alive) close_file();
    return {};
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    size_t accepted = 0;
    while (accepted < batch.size()) {
      if (fd_ < 0 && !open_file()) return sink_failure(reason_, accepted);
      const size_t fitting = rotate_for(batch.subspan(accepted));
      if (fd_ < 0 && !open_file()) return sink_failure(reason_, accepted);
      SinkResult result = writer_.write(batch.subspan(accepted, fitting));
      if (result.status != SinkStatus::Ok) {
        // A file cannot end the program the way a closed standard output does.
        close_file();
        return sink_failure("cannot write " + settings_.path + ": " + result.reason,
                            accepted + result.accepted);
      }
      accepted += fitting;
    }
    if (!settings_.keep_alive) close_file();
    return {};
  }
  void reopen() override { close_file(); }
  // Whoever rotates it may make the new one in somebody else's name.
  std::optional<Allowed> allowed() const override {
    return Allowed{.capabilities = {Capability::DacOverride}, .write = folders_of(settings_.path)};
  }

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

  // How many of the alerts go to the file that is to be written now: the present one if at least
  // the first fits, else a new one.
  size_t rotate_for(std::span<const Outgoing> batch) {
    if (settings_.rotate_bytes == 0 && settings_.rotate_seconds == 0) return batch.size();
    struct stat about {};
    if (fstat(fd_, &about) != 0 || !S_ISREG(about.st_mode)) return batch.size();
    auto size = static_cast<uint64_t>(about.st_size);
    if (size > 0 && (is_old() || !fits(size, batch.front()))) {
      rotate();
      size = 0;
    }
    size_t count = 0;
    for (; count < batch.size() && (count == 0 || fits(size, batch[count])); ++count) {
      size += batch[count].line.size() + 1;
    }
    return count;
  }
  bool fits(uint64_t size, const Outgoing& alert) const {
    return settings_.rotate_bytes == 0 || size + alert.line.size() + 1 <= settings_.rotate_bytes;
  }
  bool is_old() const {
    const uint64_t age = clock_ns(CLOCK_MONOTONIC) - begun_ns_;
    return settings_.rotate_seconds > 0 && age >= settings_.rotate_seconds * kSecond;
  }
  // If it fails the file grows on: better long than lost.
  void rotate() {
    const auto past = [&](uint32_t number) { return fmt::format("{}.{}", settings_.path, number); };
    begun_ns_ = clock_ns(CLOCK_MONOTONIC);
    bool moved = true;
    if (settings_.rotate_files == 0) {
      moved = unlink(settings_.path.c_str()) == 0;
    } else {
      for (uint32_t number = settings_.rotate_files; number > 1; --number) {
        rename(past(number - 1).c_str(), past(number).c_str());
      }
      moved = rename(settings_.path.c_str(), past(1).c_str()) == 0;
    }
    if (moved) {
      said_ = false;
    } else if (!std::exchange(said_, true)) {
      logger_->error("file_output: cannot rotate {}: {}; it grows on", settings_.path,
                     std::strerror(errno));
    }
    close_file();
  }

  FileSinkSettings settings_;
  LineWriter writer_;
  Logger logger_;
  std::string reason_;
  uint64_t begun_ns_ = 0;
  int fd_ = -1;
  bool said_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(FileSinkSettings settings) {
  return std::make_unique<FileSink>(std::move(settings));
}

}  // namespace gyr
