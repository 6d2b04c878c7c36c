// SPDX-License-Identifier: Apache-2.0
// Which page answers a request, and when it is its turn: so many are made at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/log.h"
#include "web/request.h"
#include "web/server.h"

namespace gyr {

// Thread-safe.
class PageMaker {
 public:
  // `threads`: pages made at the same time, 0: the number of cores.
  PageMaker(WebPages pages, uint32_t threads, Logger logger);

  // The page, or a refusal. Waits for a turn for kRequestSeconds at most.
  WebReply make(const WebRequest& request);
  // Whoever waits for a turn, or comes later, gets none.
  void stop();

 private:
  bool take_turn();
  void give_turn();
  WebReply run(const std::string& path, const WebPage& page);

  WebPages pages_;
  Logger logger_;
  std::mutex mutex_;
  std::condition_variable freed_;
  uint32_t free_;
  bool stopped_ = false;
};

}  // namespace gyr
