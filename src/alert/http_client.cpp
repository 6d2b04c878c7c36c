// SPDX-License-Identifier: Apache-2.0
#include "alert/http_client.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/gzip.h"
#include "base/shared_library.h"

// Some are macros as well.
#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace gyr {
namespace {

#define GYR_CURL_FUNCTIONS(F) \
  F(curl_global_init)         \
  F(curl_easy_init)           \
  F(curl_easy_setopt)         \
  F(curl_easy_getinfo)        \
  F(curl_easy_perform)        \
  F(curl_easy_cleanup)        \
  F(curl_easy_strerror)       \
  F(curl_slist_append)        \
  F(curl_slist_free_all)      \
  F(curl_url)                 \
  F(curl_url_set)             \
  F(curl_url_get)             \
  F(curl_url_cleanup)         \
  F(curl_free)

struct Curl {
#define GYR_MEMBER(name) decltype(&::name) name = nullptr;
  GYR_CURL_FUNCTIONS(GYR_MEMBER)
#undef GYR_MEMBER

  static Result<Curl> load() {
    auto library = SharedLibrary::open("libcurl.so.4", "libcurl4");
    if (!library) return library.error();
    Curl curl;
#define GYR_FIND(name) library->find(#name, &curl.name);
    GYR_CURL_FUNCTIONS(GYR_FIND)
#undef GYR_FIND
    if (Result<void> all = library->complete(); !all) return all.error();
    if (curl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      return Error{"libcurl cannot be initialised"};
    }
    return curl;
  }
};

Result<void> check_readable(std::string_view what, const std::string& path) {
  if (path.empty() || may_use(path, R_OK)) return {};
  return Error{fmt::format("cannot read {} {}: {}", what, path, std::strerror(errno))};
}

size_t keep_body(char* data, size_t size, size_t count, void* to) {
  auto* answer = static_cast<HttpAnswer*>(to);
  const size_t bytes = size * count;
  const size_t room = HttpClient::kMaxBody - answer->body.size();
  answer->body.append(data, std::min(room, bytes));
  return bytes <= room ? bytes : 0;  // enough heard: the transfer ends
}

int ask_ending(void* ending, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(ending)->load() ? 1 : 0;
}

class CurlClient final : public HttpClient {
 public:
  CurlClient(Curl curl, HttpSettings settings) : curl_(curl), settings_(std::move(settings)) {}
  ~CurlClient() override {
    if (handle_ != nullptr) curl_.curl_easy_cleanup(handle_);
  }

  Result<void> check() const {
    CURLU* url = curl_.curl_url();
    const CURLUcode parsed = curl_.curl_url_set(url, CURLUPART_URL, settings_.url.c_str(), 0);
    char* scheme = nullptr;
    if (parsed == CURLUE_OK) curl_.curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    const std::string_view known = scheme != nullptr ? scheme : "";
    const bool good = known == "http" || known == "https";
    curl_.curl_free(scheme);
    curl_.curl_url_cleanup(url);
    if (!good) {
      return Error{
          fmt::format("'{}' is no URL that alerts can be sent to; it looks like "
                      "https://host:port/path",
                      settings_.url)};
    }
    if (auto fine = check_readable("ca_cert", settings_.ca_cert); !fine) return fine;
    if (auto fine = check_readable("ca_bundle", settings_.ca_bundle); !fine) return fine;
    if (!settings_.mtls) return {};
    if (auto fine = check_readable("client_cert", settings_.client_cert); !fine) return fine;
    return check_readable("client_key", settings_.client_key);
  }

  HttpAnswer post(std::string_view body, const std::string& content_type,
                  const std::vector<std::string>& headers,
                  const std::atomic<bool>& ending) override {
    HttpAnswer answer;
    if (handle_ == nullptr) prepare();
    const std::string packed = settings_.compress ? gzip(body) : std::string();
    if (!packed.empty()) body = packed;
    curl_slist* list = header_list(content_type, headers, !packed.empty());
    set(CURLOPT_HTTPHEADER, list);
    set(CURLOPT_POSTFIELDS, body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(CURLOPT_WRITEDATA, &answer);
    set(CURLOPT_XFERINFODATA, &ending);
    const CURLcode code = curl_.curl_easy_perform(handle_);
    curl_.curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_off_t seconds = 0;
    curl_.curl_easy_getinfo(handle_, CURLINFO_RETRY_AFTER, &seconds);
    constexpr curl_off_t kDay = 86400;
    answer.retry_after_ms = static_cast<uint64_t>(std::clamp<curl_off_t>(seconds, 0, kDay)) * 1000;
    curl_.curl_slist_free_all(list);
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && answer.body.size() == kMaxBody)) {
      answer.status = 0;
      answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
      answer.error = error_.front() != '\0' ? error_.data() : curl_.curl_easy_strerror(code);
    }
    return answer;
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.curl_easy_setopt(handle_, option, value);
  }

  void prepare() {
    handle_ = curl_.curl_easy_init();
    set(CURLOPT_URL, settings_.url.c_str());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.timeout_ms));
    set(CURLOPT_WRITEFUNCTION, &keep_body);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &ask_ending);
    if (!settings_.user_agent.empty()) set(CURLOPT_USERAGENT, settings_.user_agent.c_str());
    set(CURLOPT_TCP_KEEPALIVE, settings_.tcp_keep_alive ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYPEER, settings_.insecure ? 0L : 1L);
    set(CURLOPT_SSL_VERIFYHOST, settings_.insecure ? 0L : 2L);
    const std::string& authority =
        settings_.ca_cert.empty() ? settings_.ca_bundle : settings_.ca_cert;
    if (!authority.empty()) set(CURLOPT_CAINFO, authority.c_str());
    struct stat about {};
    if (!settings_.ca_path.empty() && stat(settings_.ca_path.c_str(), &about) == 0) {
      set(CURLOPT_CAPATH, settings_.ca_path.c_str());
    }
    if (settings_.mtls) {
      set(CURLOPT_SSLCERT, settings_.client_cert.c_str());
      set(CURLOPT_SSLKEY, settings_.client_key.c_str());
    }
  }

  curl_slist* header_list(const std::string& content_type, const std::vector<std::string>& headers,
                          bool packed) const {
    curl_slist* list = curl_.curl_slist_append(nullptr, ("Content-Type: " + content_type).c_str());
    // No waiting for "100 Continue", which many receivers never send.
    list = curl_.curl_slist_append(list, "Expect:");
    if (packed) list = curl_.curl_slist_append(list, "Content-Encoding: gzip");
    for (const std::string& header : headers) list = curl_.curl_slist_append(list, header.c_str());
    for (const std::string& header : settings_.headers) {
      list = curl_.curl_slist_append(list, header.c_str());
    }
    return list;
  }

  Curl curl_;
  HttpSettings settings_;
  CURL* handle_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace

Allowed allowed_to(const HttpSettings& settings) {
  std::vector<std::string> own;
  for (const std::string* file : {&settings.ca_cert, &settings.ca_bundle, &settings.ca_path,
                                  &settings.client_cert, &settings.client_key}) {
    if (!file->empty()) own.push_back(*file);
  }
  Allowed allowed{.capabilities = needed_to_read(own), .read = network_files()};
  allowed.read.insert(allowed.read.end(), own.begin(), own.end());
  return allowed;
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(const HttpSettings& settings) {
  auto curl = Curl::load();
  if (!curl) return curl.error();
  auto client = std::make_unique<CurlClient>(*curl, settings);
  if (Result<void> fine = client->check(); !fine) return fine.error();
  return std::unique_ptr<HttpClient>(std::move(client));
}

}  // namespace gyr
