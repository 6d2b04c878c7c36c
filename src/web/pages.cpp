// SPDX-License-Identifier: Apache-2.0
#include "web/pages.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "web/answer.h"

namespace gyr {

PageMaker::PageMaker(WebPages pages, uint32_t threads, Logger logger)
    : pages_(std::move(pages)),
      logger_(std::move(logger)),
      free_(threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : threads) {}

WebReply PageMaker::make(const WebRequest& request) {
  const auto page = pages_.by_path.find(request.path);
  if (page == pages_.by_path.end()) return refusal(404, "there is no such page");
  if (request.method != "GET" && request.method != "HEAD") {
    return refusal(405, "only GET and HEAD");
  }
  if (page->first == pages_.urgent) return run(page->first, page->second);
  if (!take_turn()) return refusal(503, "too many requests at a time");
  WebReply reply = run(page->first, page->second);
  give_turn();
  return reply;
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
