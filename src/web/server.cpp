// SPDX-License-Identifier: Apache-2.0
// Wraps cpp-httplib, which reads and writes HTTP. What it leaves open is bounded here: the time and
// size of a request as a whole, and the number of connections.
#include "web/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/sandbox.h"
#include "base/thread.h"

namespace gyr {
namespace {

using SteadyClock = std::chrono::steady_clock;
using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

// --- Connections.

struct Connection {
  int fd;
  bool asked = false;  // its request is there
};

// Those that are open, oldest first.
class Connections {
 public:
  using Entry = std::list<Connection>::iterator;
  Entry add(int fd) {
    const std::lock_guard lock(mutex_);
    return open_.insert(open_.end(), {.fd = fd});
  }
  void set_asked(Entry entry) {
    const std::lock_guard lock(mutex_);
    entry->asked = true;
  }
  void close(Entry entry) {
    const std::lock_guard lock(mutex_);
    ::close(entry->fd);
    open_.erase(entry);
  }
  // Whoever reads from it sees its end.
  void cut_oldest() {
    const std::lock_guard lock(mutex_);
    for (Connection& each : open_) {
      if (std::exchange(each.asked, true)) continue;
      ::shutdown(each.fd, SHUT_RDWR);
      return;
    }
  }
  void cut_all() {
    const std::lock_guard lock(mutex_);
    for (const Connection& each : open_) ::shutdown(each.fd, SHUT_RDWR);
  }

 private:
  std::mutex mutex_;
  std::list<Connection> open_;
};

// False when the time is over, or the poll failed.
bool wait_for(int fd, short events, SteadyClock::time_point until) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&entry, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// One connection as httplib wants it: reads until the request's time or size is over.
class Wire final : public httplib::Stream {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  ~Wire() override { SSL_free(ssl_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool begin_tls(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1) return false;
    return run_tls([this] { return SSL_accept(ssl_); }) > 0;
  }
  void begin_answer() { until_ = from_now(WebServer::kAnswerSeconds); }
  // So that the other side gets the answer and no reset, though it may have sent more than was
  // read.
  void finish() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    ::shutdown(fd_, SHUT_WR);
    constexpr auto kLinger = std::chrono::milliseconds(200);
    constexpr int kRounds = 16;
    const auto until = SteadyClock::now() + kLinger;
    std::array<char, 4096> rest;
    for (int i = 0; i < kRounds && wait_for(fd_, POLLIN, until); ++i) {
      if (recv(fd_, rest.data(), rest.size(), MSG_DONTWAIT) <= 0) return;
    }
  }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    if (at_ == filled_) {
      if (taken_ >= WebServer::kRequestBytesMax) return -1;
      const ssize_t got = receive();
      if (got <= 0) return got;
      at_ = 0;
      filled_ = static_cast<size_t>(got);
      taken_ += filled_;
    }
    const size_t count = std::min(size, filled_ - at_);
    std::memcpy(to, buffer_.data() + at_, count);
    at_ += count;
    return static_cast<ssize_t>(count);
  }
  // httplib calls again for what was not written.
  ssize_t write(const char* from, size_t size) override {
    if (size == 0) return 0;
    const int most = static_cast<int>(std::min<size_t>(size, 1u << 20));
    if (ssl_ != nullptr) return run_tls([&] { return SSL_write(ssl_, from, most); });
    for (;;) {
      const ssize_t sent = send(fd_, from, static_cast<size_t>(most), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0) return sent;
      if (errno != EAGAIN && errno != EINTR) return -1;
      if (!wait_for(fd_, POLLOUT, until_)) return -1;
    }
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return fd_; }

 private:
  static SteadyClock::time_point from_now(int seconds) {
    return SteadyClock::now() + std::chrono::seconds(seconds);
  }
  ssize_t receive() {
    const auto room = static_cast<int>(buffer_.size());
    if (ssl_ != nullptr) return run_tls([&] { return SSL_read(ssl_, buffer_.data(), room); });
    for (;;) {
      if (!wait_for(fd_, POLLIN, until_)) return -1;
      const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
    }
  }
  // Repeats a step of OpenSSL until it is done, failed, or the time is over.
  template <class Step>
  int run_tls(Step step) {
    for (;;) {
      ERR_clear_error();
      const int result = step();
      if (result > 0) return result;
      const int why = SSL_get_error(ssl_, result);
      const bool reads = why == SSL_ERROR_WANT_READ;
      if (!reads && why != SSL_ERROR_WANT_WRITE) return -1;
      if (!wait_for(fd_, reads ? POLLIN : POLLOUT, until_)) return -1;
    }
  }

  int fd_;
  SSL* ssl_ = nullptr;
  SteadyClock::time_point until_ = from_now(WebServer::kRequestSeconds);
  std::array<char, 4096> buffer_;
  size_t at_ = 0;
  size_t filled_ = 0;
  size_t taken_ = 0;
};

// --- Threads.

// Set while a connection is to be refused: httplib hands it over as a call that cannot be undone.
thread_local bool refuses = false;

// One thread for each open connection, started when it is first needed.
class Workers final : public httplib::TaskQueue {
 public:
  Workers(Connections* connections, Logger logger)
      : connections_(*connections), logger_(std::move(logger)) {}

  void enqueue(std::function<void()> job) override {
    if (take(job)) return;
    refuses = true;
    job();
    refuses = false;
  }
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    connections_.cut_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  // Connections beyond those that have a thread: each has cut another off, so it waits not long.
  static constexpr size_t kWaitingMax = WebServer::kConnectionsMax;

  bool take(const std::function<void()>& job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kWaitingMax) return false;
    if (jobs_.size() >= idle_ + starting_ && !start_thread()) connections_.cut_oldest();
    if (threads_.empty()) return false;
    jobs_.push_back(job);
    changed_.notify_one();
    return true;
  }
  bool start_thread() {
    if (threads_.size() >= WebServer::kConnectionsMax) return false;
    try {
      threads_.emplace_back([this] { work(); });
      ++starting_;
      return true;
    } catch (const std::system_error&) {
      return false;  // no more threads to be had
    }
  }
  void work() {
    std::unique_lock lock(mutex_);
    --starting_;
    for (;;) {
      ++idle_;
      changed_.wait(lock, [this] { return done_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      try {
        job();
      } catch (const std::exception& error) {
        logger_->warn("webserver: a request was given up: {}", error.what());
      }
      lock.lock();
    }
  }

  Connections& connections_;
  Logger logger_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;      // threads that wait for a job
  size_t starting_ = 0;  // threads that do not wait yet
  bool done_ = false;
};

// So many pages are made at a time.
class Turns {
 public:
  explicit Turns(uint32_t count) : free_(count) {}
  bool take() {
    constexpr auto kPatience = std::chrono::seconds(WebServer::kRequestSeconds);
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, kPatience, [this] { return free_ > 0; })) return false;
    --free_;
    return true;
  }
  void give() {
    {
      const std::lock_guard lock(mutex_);
      ++free_;
    }
    freed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  uint32_t free_;
};

// --- The server.

class Pages final : public httplib::Server {
 public:
  Pages(WebPages pages, uint32_t threads, SslContext tls, Logger logger)
      : pages_(std::move(pages)),
        turns_(threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : threads),
        tls_(std::move(tls)),
        logger_(std::move(logger)) {
    new_task_queue = [this] { return new Workers(&connections_, logger_); };  // httplib deletes it
    // Not that another program may listen at the same port, as httplib would have it.
    set_socket_options([](socket_t fd) {
      const int yes = 1;
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    set_payload_max_length(WebServer::kRequestBytesMax);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      answer(request, &response);
      return HandlerResponse::Handled;
    });
  }

 private:
  bool process_and_close_socket(socket_t fd) override {
    if (refuses) return ::close(fd) == 0;
    const Connections::Entry entry = connections_.add(fd);
    bool served = false;
    try {
      served = serve(entry);
    } catch (const std::exception& error) {
      logger_->warn("webserver: a request was given up: {}", error.what());
    }
    connections_.close(entry);
    return served;
  }

  bool serve(Connections::Entry entry) {
    Wire wire(entry->fd);
    if (tls_ != nullptr && !wire.begin_tls(tls_.get())) return false;
    bool closed = false;
    const bool served = process_request(wire, true, closed, [&](httplib::Request& request) {
      // A few bytes of the request could ask for the same page a thousand times.
      request.ranges.clear();
      connections_.set_asked(entry);
      wire.begin_answer();
    });
    wire.finish();
    return served;
  }

  void answer(const httplib::Request& request, httplib::Response* response) {
    const auto page = pages_.by_path.find(request.path);
    if (page == pages_.by_path.end()) return refuse(404, "there is no such page", response);
    if (request.method != "GET" && request.method != "HEAD") {
      response->set_header("Allow", "GET, HEAD");
      return refuse(405, "only GET and HEAD", response);
    }
    const bool waits = page->first != pages_.urgent;
    if (waits && !turns_.take()) return refuse(503, "too many requests at a time", response);
    // Given back also when the page fails.
    const auto turn = std::unique_ptr<Turns, void (*)(Turns*)>(waits ? &turns_ : nullptr,
                                                               [](Turns* turns) { turns->give(); });
    const WebReply reply = page->second();
    response->status = reply.status;
    response->set_content(reply.body, reply.type);
  }
  static void refuse(int status, const char* why, httplib::Response* response) {
    response->status = status;
    response->set_content(fmt::format("{{\"error\": \"{}\"}}\n", why), "application/json");
  }

  WebPages pages_;
  Turns turns_;
  SslContext tls_;
  Logger logger_;
  Connections connections_;
};

class Running final : public WebServer {
 public:
  Running(std::unique_ptr<Pages> pages, uint16_t port, std::vector<std::string> files,
          Logger logger)
      : pages_(std::move(pages)),
        port_(port),
        files_(std::move(files)),
        logger_(std::move(logger)) {}
  ~Running() override {
    if (!thread_.joinable()) return;
    pages_->stop();
    thread_.join();
  }

  Result<void> listen() {
    auto thread = start_thread([this] { accept(); });
    if (!thread) return Error{"webserver: " + thread.error().message};
    thread_ = *std::move(thread);
    // stop() has no effect before.
    while (!pages_->is_running() && !ended_) std::this_thread::yield();
    return {};
  }
  uint16_t port() const override { return port_; }

 private:
  void accept() {
    // The workers, which it makes, are limited with it.
    if (auto confined = confine_thread("gyr:web", {.read = files_}); !confined) {
      logger_->warn("webserver: {}", confined.error().message);
    }
    try {
      pages_->listen_after_bind();
    } catch (const std::exception& error) {
      logger_->error("webserver: it ends: {}", error.what());
    }
    ended_ = true;
  }

  std::unique_ptr<Pages> pages_;
  uint16_t port_;
  std::vector<std::string> files_;
  Logger logger_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

std::string tls_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return text.data();
}

Result<SslContext> make_tls(const std::string& file) {
  SslContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const auto failed = [&](const char* what) {
    return Error{fmt::format("webserver.ssl_certificate: {} {}: {}", what, file, tls_reason())};
  };
  if (context == nullptr) return failed("cannot prepare TLS for");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context.get(), file.c_str()) != 1) {
    return failed("cannot read a certificate from");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return failed("cannot read the certificate's key from");
  }
  return context;
}

std::string place(const WebSettings& settings) {
  const bool v6 = settings.address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", settings.address, settings.port)
            : fmt::format("{}:{}", settings.address, settings.port);
}

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::start(const WebSettings& settings, WebPages pages,
                                                    Logger logger) {
  SslContext tls(nullptr, SSL_CTX_free);
  if (!settings.certificate.empty()) {
    Result<SslContext> made = make_tls(settings.certificate);
    if (!made) return made.error();
    tls = *std::move(made);
  }
  auto server = std::make_unique<Pages>(std::move(pages), settings.threads, std::move(tls), logger);
  errno = 0;
  const int port = settings.port == 0 ? server->bind_to_any_port(settings.address)
                   : server->bind_to_port(settings.address, settings.port) ? settings.port
                                                                           : -1;
  if (port <= 0) {
    return Error{fmt::format("webserver: cannot listen at {}: {}", place(settings),
                             errno != 0 ? std::strerror(errno) : "the address is not valid")};
  }
  auto running = std::make_unique<Running>(std::move(server), static_cast<uint16_t>(port),
                                           settings.files, std::move(logger));
  if (Result<void> listening = running->listen(); !listening) return listening.error();
  return std::unique_ptr<WebServer>(std::move(running));
}

}  // namespace gyr
