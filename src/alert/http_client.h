// SPDX-License-Identifier: Apache-2.0
// POST with libcurl over one connection that is kept. Redirects are not followed: alerts go where
// the configuration says.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sandbox.h"

namespace gyr {

struct HttpSettings {
  std::string url{};
  std::string user_agent{};
  bool insecure = false;    // the server's certificate is not checked
  std::string ca_cert{};    // file, or empty
  std::string ca_bundle{};  // file, or empty
  std::string ca_path{};    // folder, used if it is there
  bool mtls = false;
  std::string client_cert{};  // PEM
  std::string client_key{};
  bool tcp_keep_alive = false;
  bool compress = false;               // gzip, with Content-Encoding
  uint64_t timeout_ms = 10'000;        // of a whole request
  std::vector<std::string> headers{};  // "Name: value"
};

struct HttpAnswer {
  long status = 0;     // 0: none; why() says what happened instead
  std::string body{};  // the beginning, kMaxBody bytes at most
  std::string error{};
  bool timed_out = false;
  uint64_t retry_after_ms = 0;
};

// What a thread that uses it may do: look names up, read the files of TLS.
Allowed allowed_to(const HttpSettings& settings);

class HttpClient {
 public:
  static constexpr size_t kMaxBody = 65536;

  // An error: the library is missing, the URL is none, a file can't be read.
  static Result<std::unique_ptr<HttpClient>> create(const HttpSettings& settings);
  virtual ~HttpClient() = default;
  // Ends early, as a failure, once `ending` is set (within a second).
  virtual HttpAnswer post(std::string_view body, const std::string& content_type,
                          const std::vector<std::string>& headers,
                          const std::atomic<bool>& ending) = 0;
};

}  // namespace gyr
