// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/system.h"

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSliceMs = 200;       // longest stay in send()
constexpr uint64_t kKillPauseMs = 300;   // between SIGTERM and SIGKILL
constexpr uint64_t kRetiredMs = 10'000;  // for a program that was replaced to end by itself
constexpr size_t kMaxRetired = 8;
constexpr int kNotRun = 126;  // from here on the shell says that it could not run the command

uint64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

// A running shell and the pipe to it.
class Child {
 public:
  static Result<Child> start(const std::string& command);
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        fd_(std::exchange(other.fd_, -1)),
        status_(other.status_) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(fd_, other.fd_);
    std::swap(status_, other.status_);
    return *this;
  }
  ~Child() {
    close_input();
    if (pid_ > 0 && !exited()) kill();
  }

  int fd() const { return fd_; }
  void close_input() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // Bytes in the pipe that it has not read.
  size_t unread() const {
    int bytes = 0;
    return fd_ >= 0 && ioctl(fd_, FIONREAD, &bytes) == 0 ? static_cast<size_t>(bytes) : 0;
  }
  // Collects it once it has ended.
  bool exited() {
    if (status_) return true;
    int status = 0;
    const pid_t got = waitpid(pid_, &status, WNOHANG);
    if (got == pid_) status_ = status;
    if (got < 0 && errno == ECHILD) status_ = 0;  // somebody else collected it
    return status_.has_value();
  }
  int exit_code() const {
    const int status = status_.value_or(0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  bool wait_exit(uint64_t timeout_ms) {
    const uint64_t end = now_ns() + timeout_ms * kMillisecond;
    for (useconds_t pause = 50; !exited(); pause = std::min<useconds_t>(pause * 2, 10'000)) {
      if (now_ns() >= end) return false;
      usleep(pause);
    }
    return true;
  }
  // With what it started, first kindly.
  void kill() {
    ::kill(-pid_, SIGTERM);
    if (wait_exit(kKillPauseMs)) return;
    ::kill(-pid_, SIGKILL);
    wait_exit(kKillPauseMs);
  }

 private:
  Child(pid_t pid, int fd) : pid_(pid), fd_(fd) {}
  pid_t pid_;
  int fd_;
  std::optional<int> status_{};
};

Result<Child> Child::start(const std::string& command) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Error{std::strerror(errno)};
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh";
  std::string option = "-c";
  std::string text = command;
  std::array<char*, 4> arguments = {shell.data(), option.data(), text.data(), nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[0]);
  if (error != 0) {
    ::close(ends[1]);
    return Error{std::strerror(error)};
  }
  return Child(pid, ends[1]);
}

class ProgramSink final : public Sink {
 public:
  explicit ProgramSink(ProgramSinkSettings settings) : settings_(std::move(settings)) {}

  std::string_view name() const override { return "program_output"; }
  Result<void> check() override {
    if (settings_.command.empty()) return Error{"program_output.program is empty"};
    return {};
  }
  Result<void> open(SinkPort& port) override {
    port_ = &port;
    if (auto good = check(); !good) return good;
    if (!settings_.keep_privileges && permitted_capabilities().bits() != 0) {
      port.logger->info(
          "program_output: the program runs without capabilities and cannot gain any (sudo, "
          "sendmail "
          "of postfix); gyr.outputs.program.keep_privileges: true gives it those of gyr's start");
    }
    return {};
  }
  std::optional<Allowed> allowed() const override {
    if (settings_.keep_privileges) return std::nullopt;
    return Allowed{.all_files = true};
  }
  BatchLimits limits() const override {
    BatchLimits limits;
    if (!settings_.keep_alive) limits.alerts = 1;
    return limits;
  }
  uint64_t idle_ms() const override { return 1000; }
  void idle() override {
    retire_ended();
    // An ended program is collected at once; the next alert starts another.
    if (child_ && lines_ == 0 && child_->exited()) note_end();
  }

  SinkResult send(std::span<const Outgoing> batch) override {
    retire_ended();
    if (!child_) {
      auto child = Child::start(settings_.command);
      if (!child) return sink_failure("program_output: cannot start it: " + child.error().message);
      child_ = *std::move(child);
    }
    if (lines_ == 0) take_over(batch);
    const uint64_t end = now_ns() + kSliceMs * kMillisecond;
    for (useconds_t pause = 20;; pause = std::min<useconds_t>(pause * 2, 5'000)) {
      const std::optional<SinkResult> result = advance(batch.size());
      if (result) return *result;
      if (now_ns() >= end || port_->ending) return {.status = SinkStatus::Busy};
      usleep(pause);
    }
  }
  void reopen() override {
    if (!child_) return;
    forget_pending();
    child_->close_input();
    if (retired_.size() >= kMaxRetired) retired_.erase(retired_.begin());  // kills it
    retired_.push_back({*std::move(child_), now_ns()});
    child_.reset();
  }
  void close() override {
    const uint64_t patience = port_->ending ? 0 : port_->finish_timeout_ms;
    if (child_) {
      child_->close_input();
      child_->wait_exit(patience);
      child_.reset();
    }
    retired_.clear();
  }

 private:
  struct Retired {
    Child child;
    uint64_t since_ns;
  };

  void take_over(std::span<const Outgoing> batch) {
    pending_.clear();
    ends_.clear();
    written_ = 0;
    lines_ = batch.size();
    for (const Outgoing& alert : batch) {
      pending_ += alert.line;
      pending_ += '\n';
      ends_.push_back(pending_.size());
    }
  }
  void forget_pending() { lines_ = 0; }
  // Alerts the program has read to their last byte.
  size_t lines_read() const {
    const size_t unread = child_->unread();
    const size_t read = written_ - std::min(written_, unread);
    return static_cast<size_t>(
        std::count_if(ends_.begin(), ends_.end(), [&](size_t end) { return end <= read; }));
  }

  // One step of writing, waiting for the reader, waiting for the end; nothing if it must go on.
  std::optional<SinkResult> advance(size_t asked) {
    if (child_->fd() >= 0) {
      bool broken = false;
      while (written_ < pending_.size() && !broken) {
        const ssize_t got =
            ::write(child_->fd(), pending_.data() + written_, pending_.size() - written_);
        if (got > 0) written_ += static_cast<size_t>(got);
        if (got < 0 && errno == EAGAIN) break;
        broken = got < 0 && errno != EINTR;
      }
      const bool all_read = written_ == pending_.size() && child_->unread() == 0;
      if (all_read && settings_.keep_alive) return finished(asked);
      if (all_read || (broken && !settings_.keep_alive)) child_->close_input();
    }
    if (!child_->exited()) return std::nullopt;
    return program_ended(asked);
  }
  SinkResult finished(size_t asked) {
    const size_t done = std::exchange(lines_, 0);
    if (done == asked) return {};
    return {.status = SinkStatus::Busy, .accepted = done};
  }
  SinkResult program_ended(size_t asked) {
    const int code = child_->exit_code();
    if (!settings_.keep_alive && code < kNotRun) {
      // It is the program's business what it reads and how it ends.
      if (code != 0 && !std::exchange(said_status_, true)) {
        port_->logger->warn("program_output: the program ended with status {}", code);
      }
      child_.reset();
      return finished(asked);
    }
    const size_t read = child_->fd() >= 0 ? lines_read() : 0;
    forget_pending();
    child_.reset();
    return sink_failure(
        fmt::format("program_output: the program ended with status {}{}", code,
                    code == kNotRun || code == kNotRun + 1 ? " (the shell cannot run it)" : ""),
        read);
  }
  void note_end() {
    if (child_->exit_code() != 0) {
      port_->logger->warn("program_output: the program ended with status {}", child_->exit_code());
    }
    child_.reset();
  }
  void retire_ended() {
    const uint64_t now = now_ns();
    std::erase_if(retired_, [&](Retired& old) {
      return old.child.exited() || now - old.since_ns > kRetiredMs * kMillisecond;
    });
  }

  ProgramSinkSettings settings_;
  SinkPort* port_ = nullptr;
  std::optional<Child> child_;
  std::vector<Retired> retired_;
  // What was begun, across calls of send():
  std::string pending_;
  std::vector<size_t> ends_;
  size_t written_ = 0;
  size_t lines_ = 0;
  bool said_status_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_program_sink(ProgramSinkSettings settings) {
  return std::make_unique<ProgramSink>(std::move(settings));
}

}  // namespace gyr
