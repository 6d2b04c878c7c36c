// SPDX-License-Identifier: Apache-2.0
// A small HTTP server for a few pages that are made on request. It is built to be asked by anybody:
// requests, connections and the time of each are bounded, and whoever is slow delays nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"

namespace gyr {

struct WebSettings {
  std::string address = "0.0.0.0";   // an IP address
  uint16_t port = 8765;              // 0: any free one
  uint32_t threads = 0;              // pages made at the same time, 0: the number of cores
  std::vector<std::string> files{};  // that pages read: folders with all below; no other can be
  std::string certificate{};         // PEM file with key and certificate: TLS; "": none
};

struct WebReply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
};
// Makes a page; on a thread of the server, several at a time.
using WebPage = std::function<WebReply()>;
struct WebPages {
  std::map<std::string, WebPage> by_path{};  // "/metrics"
  std::string
      urgent{};  // the path of one that never waits for others: it must not wait for anything
};

class WebServer {
 public:
  // Whoever has not sent a whole request, or not taken the answer, in this time is cut off.
  static constexpr int kRequestSeconds = 5;
  static constexpr int kAnswerSeconds = 10;
  static constexpr size_t kRequestBytesMax = 16384;
  // When so many connections are open and one more comes, the oldest of those whose request is not
  // there yet is cut off.
  static constexpr size_t kConnectionsMax = 64;

  // Listens when it returns. Threads of the server have all signals blocked. An error names the
  // address, or what is wrong with the certificate.
  static Result<std::unique_ptr<WebServer>> start(const WebSettings& settings, WebPages pages,
                                                  Logger logger);
  virtual ~WebServer() = default;  // stops; waits for pages that are being made
  virtual uint16_t port() const = 0;
};

}  // namespace gyr
