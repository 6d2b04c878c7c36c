// SPDX-License-Identifier: Apache-2.0
// Which page answers a request, and when it is its turn: so many are made at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/log.h"
#include "web/request.h"
#include "web/server.h"

namespace gyr {

// Thread-safe.
class PageMaker {
 public:
  // `threads`: pages made at the same time, 0: the number of cores.
  PageMaker(WebPages pages, uint32_t threads, Logger logger);

  // A request for a page that is not urgent has a seat until its answer is away. There are half as
  // many as connections, so that the urgent page always finds a thread.
  class Seat {
   public:
    Seat(PageMaker* maker, const WebRequest& request);
    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    bool is_there() const { return there_; }

   private:
    PageMaker* maker_ = nullptr;  // null: none is needed, or to be had
    bool there_ = true;
  };

  // The answer with the page, or a refusal. Waits for a turn for kRequestSeconds at most.
  std::string answer(const WebRequest& request);
  // Whoever waits for a turn, or comes later, gets none.
  void stop();

 private:
  static constexpr size_t kSeats = WebServer::kConnectionsMax / 2;

  bool take_turn();
  void give_turn();
  WebReply run(const std::string& path, const WebPage& page);

  WebPages pages_;
  Logger logger_;
  std::mutex mutex_;
  std::condition_variable freed_;
  uint32_t free_;
  size_t seated_ = 0;
  bool stopped_ = false;
};

}  // namespace gyr
