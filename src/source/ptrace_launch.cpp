// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace gyr {
namespace {

constexpr int kNotStarted = 127;  // exit status of a child whose program did not start

bool is_program(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// What the child tells when its program does not start.
struct Failure {
  int number;
  bool of_filter;
};

// All that happens in the child. Nothing here allocates: other threads may have held the lock.
struct Child {
  const char* program;
  char* const* arguments;
  const sock_fprog* filter;
  bool no_new_privileges;
  int go;
  int failed;

  [[noreturn]] void fail(bool of_filter) const {
    const Failure failure{errno, of_filter};
    [[maybe_unused]] const ssize_t written = write(failed, &failure, sizeof(failure));
    _exit(kNotStarted);
  }

  [[noreturn]] void run() const {
    for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    char byte = 0;
    if (read(go, &byte, 1) != 1) _exit(kNotStarted);  // the tracer has given up
    if (filter->len > 0) {
      if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(true);
      if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) != 0) fail(true);
    }
    execve(program, arguments, environ);
    fail(false);
  }
};

}  // namespace

Result<std::string> find_program(const std::string& name) {
  if (name.empty()) return Error{"the name of the command is empty"};
  if (name.find('/') != std::string::npos) {
    struct stat found {};
    if (stat(name.c_str(), &found) != 0) {
      return Error{fmt::format("cannot run {}: {}", name, std::strerror(errno))};
    }
    if (S_ISDIR(found.st_mode)) return Error{fmt::format("cannot run {}: it is a folder", name)};
    if (!is_program(name)) return Error{fmt::format("cannot run {}: it is not executable", name)};
    return name;
  }
  const char* variable = std::getenv("PATH");  // NOLINT: nobody changes it
  const std::string path = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  for (const std::string_view folder : split(path, ':')) {
    std::string file = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (is_program(file)) return file;
  }
  return Error{fmt::format("cannot run {}: there is no such program in PATH", name)};
}

Result<Launch> Launch::start(const std::vector<std::string>& command,
                             const std::vector<FilterStep>& filter, bool no_new_privileges) {
  if (command.empty()) return Error{"there is no command to run"};
  auto program = find_program(command.front());
  if (!program) return program.error();
  Launch launch;
  launch.program_ = *std::move(program);
  int go[2], failed[2];
  if (pipe2(go, O_CLOEXEC) != 0) return Error{fmt::format("pipe: {}", std::strerror(errno))};
  if (pipe2(failed, O_CLOEXEC) != 0) {
    const Error error{fmt::format("pipe: {}", std::strerror(errno))};
    close(go[0]);
    close(go[1]);
    return error;
  }
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<sock_filter> statements;
  statements.reserve(filter.size());
  for (const FilterStep& step : filter) {
    statements.push_back(
        {.code = step.code, .jt = step.if_true, .jf = step.if_false, .k = step.value});
  }
  const sock_fprog prog{.len = static_cast<unsigned short>(statements.size()),
                        .filter = statements.data()};
  const Child child{
      launch.program_.c_str(), arguments.data(), &prog, no_new_privileges, go[0], failed[1]};
  launch.pid_ = fork();
  if (launch.pid_ == 0) {
    close(go[1]);
    child.run();
  }
  const int error = errno;
  close(go[0]);
  close(failed[1]);
  launch.go_ = go[1];
  launch.failed_ = failed[0];
  if (launch.pid_ < 0) {
    return Error{
        fmt::format("cannot start a process for {}: {}", launch.program_, std::strerror(error))};
  }
  return launch;
}

Launch::Launch(Launch&& other) noexcept
    : program_(std::move(other.program_)),
      pid_(std::exchange(other.pid_, -1)),
      go_(std::exchange(other.go_, -1)),
      failed_(std::exchange(other.failed_, -1)) {}

Launch::~Launch() {
  if (go_ >= 0) close(go_);
  if (failed_ >= 0) close(failed_);
}

void Launch::let_go() {
  if (go_ < 0) return;
  [[maybe_unused]] const ssize_t written = write(go_, "", 1);
  close(std::exchange(go_, -1));
}

Error Launch::failure() const {
  Failure failure{};
  if (read(failed_, &failure, sizeof(failure)) != sizeof(failure)) {
    return {fmt::format("{} ended before it began", program_)};
  }
  if (failure.of_filter) {
    return {fmt::format("cannot run {}: the kernel refuses the filter of system calls: {}",
                        program_, std::strerror(failure.number))};
  }
  return {fmt::format("cannot run {}: {}", program_, std::strerror(failure.number))};
}

}  // namespace gyr
