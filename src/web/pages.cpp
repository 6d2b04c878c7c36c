// SPDX-License-Identifier: Apache-2.0
#include "web/pages.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include "web/answer.h"

namespace gyr {

PageMaker::PageMaker(WebPages pages, uint32_t threads, Logger logger)
    : pages_(std::move(pages)),
      logger_(std::move(logger)),
      free_(threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : threads) {}

PageMaker::Seat::Seat(PageMaker* maker, const WebRequest& request) {
  if (request.path == maker->pages_.urgent) return;
  const std::lock_guard lock(maker->mutex_);
  there_ = maker->seated_ < kSeats;
  if (!there_) return;
  ++maker->seated_;
  maker_ = maker;
}

PageMaker::Seat::~Seat() {
  if (maker_ == nullptr) return;
  const std::lock_guard lock(maker_->mutex_);
  --maker_->seated_;
}

std::string PageMaker::answer(const WebRequest& request) {
  const auto refused = [&](int status, const char* why) {
    return format_answer(request, refusal(status, why));
  };
  const auto page = pages_.by_path.find(request.path);
  if (page == pages_.by_path.end()) return refused(404, "there is no such page");
  if (request.method != "GET" && request.method != "HEAD") {
    return refused(405, "only GET and HEAD");
  }
  if (page->first == pages_.urgent) return format_answer(request, run(page->first, page->second));
  if (!take_turn()) return refused(503, "too many requests at a time");
  // Given back also when there is no memory for the answer.
  const auto turn = std::unique_ptr<PageMaker, void (*)(PageMaker*)>(
      this, [](PageMaker* maker) { maker->give_turn(); });
  return format_answer(request, run(page->first, page->second));
}

void PageMaker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  freed_.notify_all();
}

bool PageMaker::take_turn() {
  constexpr auto kPatience = std::chrono::seconds(WebServer::kRequestSeconds);
  std::unique_lock lock(mutex_);
  freed_.wait_for(lock, kPatience, [this] { return stopped_ || free_ > 0; });
  if (stopped_ || free_ == 0) return false;
  --free_;
  return true;
}

void PageMaker::give_turn() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

// What throws is of the standard library: there was not enough memory, say.
WebReply PageMaker::run(const std::string& path, const WebPage& page) {
  try {
    return page();
  } catch (const std::exception& error) {
    logger_->warn("webserver: the page {} could not be made: {}", path, error.what());
    return refusal(500, "the page could not be made");
  }
}

}  // namespace gyr
