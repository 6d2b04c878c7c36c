// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/system.h"
#include "base/thread.h"

namespace gyr {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr int kBacklog = 64;
constexpr int kRefusedPauseMs = 100;  // before the next try when no reader can be accepted

struct Owner {
  uid_t user = static_cast<uid_t>(-1);  // -1: as it is
  gid_t group = static_cast<gid_t>(-1);
};

template <class Id>
bool parse_id(const std::string& text, Id* id) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *id);
  return error == std::errc() && stop == end;
}

Result<Owner> parse_owner(const std::string& text) {
  Owner owner;
  const size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (!user.empty() && !parse_id(user, &owner.user)) {
    const passwd* entry = getpwnam(user.c_str());
    if (entry == nullptr) return Error{"gyr.outputs.unix.owner: there is no user '" + user + "'"};
    owner.user = entry->pw_uid;
  }
  if (!group.empty() && !parse_id(group, &owner.group)) {
    const ::group* entry = getgrnam(group.c_str());
    if (entry == nullptr) return Error{"gyr.outputs.unix.owner: there is no group '" + group + "'"};
    owner.group = entry->gr_gid;
  }
  return owner;
}

struct Reader {
  int fd;
  std::string buffer{};
  size_t sent = 0;  // of buffer
  bool gone = false;

  size_t waiting() const { return buffer.size() - sent; }
  uint64_t lines_waiting() const {
    return static_cast<uint64_t>(
        std::count(buffer.begin() + static_cast<std::ptrdiff_t>(sent), buffer.end(), '\n'));
  }
};

class UnixSink final : public Sink {
 public:
  explicit UnixSink(UnixSinkSettings settings) : settings_(std::move(settings)) {}
  ~UnixSink() override {
    stop();
    for (const Reader& reader : readers_) ::close(reader.fd);
    if (listener_ >= 0) {
      ::close(listener_);
      unlink(settings_.path.c_str());
    }
    if (wake_ >= 0) ::close(wake_);
  }

  std::string_view name() const override { return "gyr.outputs.unix"; }
  BatchLimits limits() const override { return {.always = true}; }
  Result<void> check() override;
  Result<void> open(SinkPort& port) override;
  SinkResult send(std::span<const Outgoing> batch) override;
  // What readers have not got yet, for a moment.
  void close() override {
    const uint64_t patience = port_->ending ? 0 : port_->finish_timeout_ms;
    const uint64_t end = clock_ns(CLOCK_MONOTONIC) + patience * kMillisecond;
    while (clock_ns(CLOCK_MONOTONIC) < end && is_anything_waiting()) usleep(1000);
    stop();
    const std::lock_guard lock(mutex_);
    for (Reader& reader : readers_) drop(&reader);
  }

 private:
  Result<void> check_path() const;
  Result<void> remove_stale() const;
  Result<void> bind_socket();
  void serve();
  void wait_events();
  void accept_readers();
  void flush(Reader* reader);
  void drop(Reader* reader);
  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_, &one, sizeof one);
  }
  bool is_anything_waiting() {
    const std::lock_guard lock(mutex_);
    return std::any_of(readers_.begin(), readers_.end(),
                       [](const Reader& reader) { return reader.waiting() > 0; });
  }
  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake();
    thread_.join();
  }

  UnixSinkSettings settings_;
  SinkPort* port_ = nullptr;
  int listener_ = -1;
  int wake_ = -1;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  bool said_full_ = false;
  bool cannot_accept_ = false;  // for a moment
  std::mutex mutex_;
  std::vector<Reader> readers_;  // under mutex_
};

Result<void> UnixSink::check_path() const {
  if (settings_.path.empty() || settings_.path.size() >= sizeof sockaddr_un{}.sun_path) {
    return Error{fmt::format("gyr.outputs.unix.path: a path of 1 to {} bytes is needed",
                             sizeof sockaddr_un{}.sun_path - 1)};
  }
  struct stat about {};
  if (lstat(settings_.path.c_str(), &about) != 0 || S_ISSOCK(about.st_mode)) return {};
  return Error{fmt::format("gyr.outputs.unix.path: {} is there and no socket", settings_.path)};
}

Error system_error(const std::string& path, std::string_view what) {
  return Error{fmt::format("gyr.outputs.unix: cannot {} {}: {}", what, path, std::strerror(errno))};
}

// A socket that nobody listens at any more.
Result<void> UnixSink::remove_stale() const {
  struct stat about {};
  if (lstat(settings_.path.c_str(), &about) != 0) return {};
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  settings_.path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool alive = connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
                     errno != ECONNREFUSED;
  ::close(probe);
  if (alive) {
    return Error{
        fmt::format("gyr.outputs.unix.path: another program listens at {}", settings_.path)};
  }
  if (unlink(settings_.path.c_str()) != 0) return system_error(settings_.path, "remove the old");
  return {};
}

// Nobody gets in before owner and mode are right.
Result<void> UnixSink::bind_socket() {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  settings_.path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto owner = parse_owner(settings_.owner);
  if (!owner) return owner.error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return system_error(settings_.path, "make");
  fchmod(fd, 0600);  // of the file that bind() makes
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return system_error(settings_.path, "make the socket");
  }
  listener_ = fd;
  const char* path = settings_.path.c_str();
  if (!settings_.owner.empty() && lchown(path, owner->user, owner->group) != 0) {
    return system_error(settings_.path, "change the owner of");
  }
  if (chmod(path, settings_.mode) != 0) return system_error(settings_.path, "change the mode of");
  if (listen(fd, kBacklog) != 0) return system_error(settings_.path, "listen at");
  return {};
}

// Whether somebody listens there is not asked: that may be the daemon beside which this is checked.
Result<void> UnixSink::check() {
  if (auto good = check_path(); !good) return good;
  if (const auto owner = parse_owner(settings_.owner); !owner) return owner.error();
  // open() makes the last of the folders.
  const std::string folder = folder_of(settings_.path);
  const bool is_there = may_use(folder, F_OK);
  if (may_use(is_there ? folder : folder_of(folder), W_OK | X_OK)) return {};
  return system_error(settings_.path, "make the socket");
}

Result<void> UnixSink::open(SinkPort& port) {
  port_ = &port;
  if (auto good = check_path(); !good) return good;
  mkdir(folder_of(settings_.path).c_str(), 0755);  // which mostly is there
  if (auto removed = remove_stale(); !removed) return removed;
  if (auto bound = bind_socket(); !bound) return bound;
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return system_error(settings_.path, "serve");
  auto thread = start_thread([this] { serve(); });
  if (!thread) return Error{"gyr.outputs.unix: " + thread.error().message};
  thread_ = *std::move(thread);
  return {};
}

SinkResult UnixSink::send(std::span<const Outgoing> batch) {
  SinkResult result;
  const std::lock_guard lock(mutex_);
  for (const Outgoing& alert : batch) {
    bool taken = false;
    for (Reader& reader : readers_) {
      if (reader.gone) continue;
      const size_t waiting = reader.waiting();
      if (waiting > 0 && waiting + alert.line.size() + 1 > settings_.reader_bytes) {
        drop(&reader);
        port_->count_lost(AlertLoss::Reader, 1);
        port_->logger->warn("gyr.outputs.unix: a reader was too slow and is dropped");
        continue;
      }
      reader.buffer += alert.line;
      reader.buffer += '\n';
      taken = true;
    }
    if (!taken) ++result.given_up;
  }
  port_->count_lost(AlertLoss::Reader, result.given_up);
  wake();
  return result;
}

// Under mutex_. The thread that serves closes it.
void UnixSink::drop(Reader* reader) {
  if (std::exchange(reader->gone, true)) return;
  port_->count_lost(AlertLoss::Reader, reader->lines_waiting());
  reader->buffer.clear();
  reader->sent = 0;
}

void UnixSink::serve() {
  if (auto confined = confine_thread("gyr:readers", {}); !confined) {
    port_->logger->warn("gyr.outputs.unix: {}", confined.error().message);
  }
  while (!stopping_) wait_events();
}

void UnixSink::wait_events() {
  std::vector<pollfd> polled;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(readers_, [](const Reader& reader) {
      if (reader.gone) ::close(reader.fd);
      return reader.gone;
    });
    polled.push_back({.fd = wake_, .events = POLLIN, .revents = 0});
    const short news = cannot_accept_ ? 0 : POLLIN;
    polled.push_back({.fd = listener_, .events = news, .revents = 0});
    for (const Reader& reader : readers_) {
      const bool waits = reader.waiting() > 0;
      polled.push_back({.fd = reader.fd,
                        .events = static_cast<short>(waits ? POLLIN | POLLOUT : POLLIN),
                        .revents = 0});
    }
  }
  const int patience = cannot_accept_ ? kRefusedPauseMs : -1;
  cannot_accept_ = false;
  if (poll(polled.data(), polled.size(), patience) <= 0) return;
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(wake_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  // Readers are added and removed by this thread only, so the places still fit.
  for (size_t i = 0; i < readers_.size(); ++i) {
    Reader& reader = readers_[i];
    const short events = polled[i + 2].revents;
    std::array<char, 512> nothing;  // what readers say is not listened to
    if ((events & POLLIN) != 0 && ::recv(reader.fd, nothing.data(), nothing.size(), 0) == 0) {
      drop(&reader);
    }
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) drop(&reader);
    if (!reader.gone && reader.waiting() > 0) flush(&reader);
  }
  if ((polled[1].revents & POLLIN) != 0) accept_readers();
}

void UnixSink::flush(Reader* reader) {
  while (reader->waiting() > 0) {
    const ssize_t got = ::send(reader->fd, reader->buffer.data() + reader->sent, reader->waiting(),
                               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) drop(reader);
    if (got <= 0) break;
    reader->sent += static_cast<size_t>(got);
  }
  if (reader->waiting() == 0) {
    reader->buffer.clear();
    reader->sent = 0;
  } else if (reader->sent > reader->buffer.size() / 2) {
    reader->buffer.erase(0, reader->sent);
    reader->sent = 0;
  }
}

void UnixSink::accept_readers() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      // Out of descriptors: the peer stays in the backlog, and this thread must not spin.
      cannot_accept_ = errno != EAGAIN && errno != EINTR;
      return;
    }
    if (readers_.size() < settings_.readers) {
      readers_.push_back({.fd = fd});
      continue;
    }
    ::close(fd);
    if (!std::exchange(said_full_, true)) {
      port_->logger->warn("gyr.outputs.unix: there are {} readers, more are refused",
                          settings_.readers);
    }
  }
}

}  // namespace

std::unique_ptr<Sink> make_unix_sink(UnixSinkSettings settings) {
  return std::make_unique<UnixSink>(std::move(settings));
}

}  // namespace gyr
