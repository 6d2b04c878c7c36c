// SPDX-License-Identifier: Apache-2.0
// The thread that accepts connections, and what each of them goes through.
#include "web/server.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "base/sandbox.h"
#include "base/thread.h"
#include "web/answer.h"
#include "web/connections.h"
#include "web/listener.h"
#include "web/pages.h"
#include "web/request.h"
#include "web/tls.h"
#include "web/wire.h"
#include "web/workers.h"

namespace gyr {
namespace {

struct Parts {
  std::unique_ptr<Tls> tls;  // null: none
  std::unique_ptr<Listener> listener;
  std::vector<std::string> files;
};

class Running final : public WebServer {
 public:
  Running(Parts parts, WebPages pages, uint32_t threads, Logger logger)
      : parts_(std::move(parts)),
        logger_(std::move(logger)),
        maker_(std::move(pages), threads, logger_),
        workers_(&connections_, [this](Connections::Entry entry) { serve(entry); }) {}
  ~Running() override {
    if (!thread_.joinable()) return;
    parts_.listener->stop();
    maker_.stop();
    thread_.join();
  }

  Result<void> begin() {
    auto thread = start_thread([this] { accept(); });
    if (!thread) return Error{"webserver: " + thread.error().message};
    thread_ = *std::move(thread);
    return {};
  }
  uint16_t port() const override { return parts_.listener->port(); }

 private:
  void accept();
  void tell(const std::string& fault);
  void serve(Connections::Entry entry);
  void answer(Wire* wire, Connections::Entry entry);
  void give_page(Wire* wire, const WebRequest& request);

  Parts parts_;
  Logger logger_;
  PageMaker maker_;
  Connections connections_;
  Workers workers_;
  std::thread thread_;
  // Of the thread that accepts.
  std::string told_;
  std::chrono::steady_clock::time_point told_at_;
};

void Running::accept() {
  // The workers, which it starts, are limited with it.
  if (auto confined = confine_thread("gyr:web", {.read = parts_.files}); !confined) {
    logger_->warn("webserver: {}", confined.error().message);
  }
  Listener& listener = *parts_.listener;
  while (!listener.stopped()) {
    const Result<int> fd = listener.accept();
    if (fd) {
      workers_.take(*fd);
    } else if (!listener.stopped()) {
      tell(fd.error().message);
      constexpr int kPauseMs = 50;  // for what is lacking to come back
      listener.pause(kPauseMs);
    }
  }
  workers_.stop();
}

// Once a minute: whoever uses up the descriptors does not fill the log too.
void Running::tell(const std::string& fault) {
  constexpr auto kSilence = std::chrono::minutes(1);
  const auto now = std::chrono::steady_clock::now();
  if (fault == told_ && now - told_at_ < kSilence) return;
  told_ = fault;
  told_at_ = now;
  logger_->warn("webserver: cannot accept a connection: {}", fault);
}

void Running::serve(Connections::Entry entry) {
  try {
    Wire wire(entry->fd);
    if (parts_.tls == nullptr || wire.begin_tls(*parts_.tls)) answer(&wire, entry);
  } catch (const std::exception& error) {  // no memory
    logger_->warn("webserver: a request was given up: {}", error.what());
  }
}

void Running::answer(Wire* wire, Connections::Entry entry) {
  RequestReader reader(kRequestBytesMax);
  auto state = RequestReader::State::More;
  while (state == RequestReader::State::More) {
    const std::string_view bytes = wire->read();
    if (bytes.empty()) break;
    state = reader.take(bytes);
  }
  connections_.set_asked(entry);
  const bool late = wire->is_late();
  wire->begin_answer();
  switch (state) {
    case RequestReader::State::Whole:
      give_page(wire, reader.request());
      break;
    case RequestReader::State::Wrong:
      wire->write(format_answer({}, refusal(reader.status(), reader.why())));
      break;
    case RequestReader::State::More:
      // Whoever has said nothing is told nothing: it looked whether somebody listens.
      if (!reader.begun()) return;
      wire->write(format_answer({}, late ? refusal(408, "the request took too long")
                                         : refusal(400, "the request ends in its middle")));
      break;
  }
  wire->finish();
}

void Running::give_page(Wire* wire, const WebRequest& request) {
  const PageMaker::Seat seat(&maker_, request);
  wire->write(seat.is_there()
                  ? maker_.answer(request)
                  : format_answer(request, refusal(503, "too many requests are being answered")));
}

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::start(const WebSettings& settings, WebPages pages,
                                                    Logger logger) {
  Parts parts{.tls = nullptr, .listener = nullptr, .files = settings.files};
  if (!settings.certificate.empty()) {
    auto tls = Tls::create(settings.certificate);
    if (!tls) return tls.error();
    parts.tls = *std::move(tls);
  }
  auto listener = Listener::open(settings.address, settings.port);
  if (!listener) return listener.error();
  parts.listener = *std::move(listener);
  auto running = std::make_unique<Running>(std::move(parts), std::move(pages), settings.threads,
                                           std::move(logger));
  if (Result<void> begun = running->begin(); !begun) return begun.error();
  return std::unique_ptr<WebServer>(std::move(running));
}

}  // namespace gyr
