// SPDX-License-Identifier: Apache-2.0
#include "alert/sinks/nats.h"

#include <fmt/format.h>
#include <nats/nats.h>
#include <unistd.h>

#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/shared_library.h"
#include "base/text.h"

namespace gyr {
namespace {

#define GYR_TEXT_OF(value) #value
#define GYR_TEXT(value) GYR_TEXT_OF(value)
constexpr const char* kLibrary =
    "libnats.so." GYR_TEXT(NATS_VERSION_MAJOR) "." GYR_TEXT(NATS_VERSION_MINOR);
constexpr const char* kPackage =
    "libnats" GYR_TEXT(NATS_VERSION_MAJOR) "." GYR_TEXT(NATS_VERSION_MINOR);

#define GYR_NATS_FUNCTIONS(F)                \
  F(natsOptions_Create)                      \
  F(natsOptions_Destroy)                     \
  F(natsOptions_SetServers)                  \
  F(natsOptions_SetName)                     \
  F(natsOptions_SetTimeout)                  \
  F(natsOptions_SetAllowReconnect)           \
  F(natsOptions_SetUserCredentialsFromFiles) \
  F(natsOptions_LoadCATrustedCertificates)   \
  F(natsOptions_LoadCertificatesChain)       \
  F(natsOptions_SetSecure)                   \
  F(natsConnection_Connect)                  \
  F(natsConnection_JetStream)                \
  F(natsConnection_Status)                   \
  F(natsConnection_Close)                    \
  F(natsConnection_Destroy)                  \
  F(natsMsgHeader_Get)                       \
  F(natsMsg_Destroy)                         \
  F(jsOptions_Init)                          \
  F(jsPubOptions_Init)                       \
  F(jsCtx_Destroy)                           \
  F(js_PublishAsync)                         \
  F(js_PublishAsyncComplete)                 \
  F(nats_GetLastError)                       \
  F(natsStatus_GetText)

struct Nats {
#define GYR_MEMBER(name) decltype(&::name) name = nullptr;
  GYR_NATS_FUNCTIONS(GYR_MEMBER)
#undef GYR_MEMBER

  static Result<Nats> load() {
    auto library = SharedLibrary::open(kLibrary, kPackage);
    if (!library) return library.error();
    Nats nats;
#define GYR_FIND(name) library->find(#name, &nats.name);
    GYR_NATS_FUNCTIONS(GYR_FIND)
#undef GYR_FIND
    if (Result<void> all = library->complete(); !all) return all.error();
    return nats;
  }
  std::string text(natsStatus status) const {
    const char* last = nats_GetLastError(nullptr);
    const char* plain = natsStatus_GetText(status);
    if (last == nullptr || *last == '\0') return plain;
    return fmt::format("{} ({})", plain, last);
  }
};

// What the library's threads report of a batch. A late acknowledgement of an earlier attempt counts
// too: the stream has the alert.
struct Answers {
  std::mutex mutex;
  std::unordered_set<std::string> waiting;  // ids
  std::string fault;
};

class NatsSink final : public Sink {
 public:
  explicit NatsSink(NatsSinkSettings settings) : settings_(std::move(settings)) {}
  ~NatsSink() override {
    disconnect();
    if (options_ != nullptr) nats_.natsOptions_Destroy(options_);
  }

  std::string_view name() const override { return "gyr.outputs.nats"; }
  BatchLimits limits() const override { return {.always = true}; }
  Result<void> check() override {
    if (settings_.subject.empty() ||
        settings_.subject.find_first_of(" \t*>") != std::string::npos) {
      return Error{"gyr.outputs.nats.subject: one subject without wildcards is needed"};
    }
    auto nats = Nats::load();
    if (!nats) return Error{"gyr.outputs.nats: " + nats.error().message};
    nats_ = *nats;
    return make_options();
  }
  Result<void> open(SinkPort& port) override {
    port_ = &port;
    return check();
  }
  SinkResult send(std::span<const Outgoing> batch) override {
    if (const natsStatus status = connect(); status != NATS_OK) {
      SinkResult failed =
          sink_failure(fmt::format("gyr.outputs.nats: {}: {}", settings_.url, nats_.text(status)));
      disconnect();
      return failed;
    }
    return publish(batch);
  }
  void close() override { disconnect(); }
  // The library starts threads with each connection.
  void reopen() override { disconnect(); }
  bool starts_threads() const override { return true; }
  std::optional<Allowed> allowed() const override {
    std::vector<std::string> own;
    for (const std::string* file : {&settings_.credentials, &settings_.ca_cert,
                                    &settings_.client_cert, &settings_.client_key}) {
      if (!file->empty()) own.push_back(*file);
    }
    Allowed allowed{.capabilities = needed_to_read(own), .read = network_files()};
    allowed.read.insert(allowed.read.end(), own.begin(), own.end());
    return allowed;
  }

 private:
  Result<void> make_options() {
    const auto check = [&](const char* key, natsStatus status) -> Result<void> {
      if (status == NATS_OK) return {};
      return Error{fmt::format("gyr.outputs.nats.{}: {}", key, nats_.text(status))};
    };
    if (auto made = check("url", nats_.natsOptions_Create(&options_)); !made) return made;
    std::vector<std::string> servers;
    for (const std::string_view server : split(settings_.url, ',')) {
      servers.emplace_back(trim(server));
    }
    std::vector<const char*> texts;
    texts.reserve(servers.size());
    for (const std::string& server : servers) texts.push_back(server.c_str());
    if (auto set = check("url", nats_.natsOptions_SetServers(options_, texts.data(),
                                                             static_cast<int>(texts.size())));
        !set) {
      return set;
    }
    nats_.natsOptions_SetName(options_, "gyr");
    nats_.natsOptions_SetTimeout(options_, static_cast<int64_t>(settings_.timeout_ms));
    nats_.natsOptions_SetAllowReconnect(options_, false);  // the lane tries again
    return set_security(check);
  }
  template <class Check>
  Result<void> set_security(const Check& check) {
    if (!settings_.credentials.empty()) {
      if (!may_use(settings_.credentials, R_OK)) {
        return Error{"gyr.outputs.nats.credentials: cannot read " + settings_.credentials};
      }
      auto set = check("credentials", nats_.natsOptions_SetUserCredentialsFromFiles(
                                          options_, settings_.credentials.c_str(), nullptr));
      if (!set) return set;
    }
    if (!settings_.ca_cert.empty()) {
      auto set = check("ca_cert", nats_.natsOptions_LoadCATrustedCertificates(
                                      options_, settings_.ca_cert.c_str()));
      if (!set) return set;
      nats_.natsOptions_SetSecure(options_, true);
    }
    if (settings_.client_cert.empty()) return {};
    return check("client_cert",
                 nats_.natsOptions_LoadCertificatesChain(options_, settings_.client_cert.c_str(),
                                                         settings_.client_key.c_str()));
  }

  natsStatus connect() {
    if (connection_ != nullptr &&
        nats_.natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED) {
      return NATS_OK;
    }
    disconnect();
    natsStatus status = nats_.natsConnection_Connect(&connection_, options_);
    if (status != NATS_OK) return status;
    jsOptions options;
    nats_.jsOptions_Init(&options);
    options.Wait = static_cast<int64_t>(settings_.timeout_ms);
    options.PublishAsync.AckHandler = &NatsSink::on_answer;
    options.PublishAsync.AckHandlerClosure = this;
    return nats_.natsConnection_JetStream(&stream_, connection_, &options);
  }
  void disconnect() {
    if (stream_ != nullptr) nats_.jsCtx_Destroy(stream_);
    stream_ = nullptr;
    if (connection_ != nullptr) {
      nats_.natsConnection_Close(connection_);
      nats_.natsConnection_Destroy(connection_);
    }
    connection_ = nullptr;
  }

  static void on_answer(jsCtx*, natsMsg* message, jsPubAck*, jsPubAckErr* error, void* closure) {
    auto* self = static_cast<NatsSink*>(closure);
    {
      const std::lock_guard lock(self->answers_.mutex);
      const char* id = nullptr;
      if (error == nullptr) {
        self->nats_.natsMsgHeader_Get(message, "Nats-Msg-Id", &id);
        if (id != nullptr) self->answers_.waiting.erase(id);
      } else {
        self->answers_.fault =
            error->ErrText != nullptr ? error->ErrText : self->nats_.natsStatus_GetText(error->Err);
      }
    }
    self->nats_.natsMsg_Destroy(message);
  }

  // All of the batch or nothing of it: what is sent again has the same id.
  SinkResult publish(std::span<const Outgoing> batch) {
    {
      const std::lock_guard lock(answers_.mutex);
      answers_.waiting.clear();
      answers_.fault.clear();
      for (const Outgoing& alert : batch) answers_.waiting.emplace(alert.id);
    }
    jsPubOptions options;
    nats_.jsPubOptions_Init(&options);
    natsStatus status = NATS_OK;
    size_t published = 0;
    for (const Outgoing& alert : batch) {
      const std::string id(alert.id);
      options.MsgId = id.c_str();
      status = nats_.js_PublishAsync(stream_, settings_.subject.c_str(), alert.line.data(),
                                     static_cast<int>(alert.line.size()), &options);
      if (status != NATS_OK) break;
      ++published;
    }
    options.MsgId = nullptr;
    options.MaxWait = static_cast<int64_t>(settings_.timeout_ms);
    const natsStatus completed = nats_.js_PublishAsyncComplete(stream_, &options);
    return judge(batch, published, status, completed);
  }
  SinkResult judge(std::span<const Outgoing> batch, size_t published, natsStatus status,
                   natsStatus completed) {
    std::string fault;
    size_t waiting = 0;
    {
      const std::lock_guard lock(answers_.mutex);
      fault = answers_.fault;
      waiting = answers_.waiting.size();
    }
    if (waiting == 0) return {};
    if (status == NATS_MAX_PAYLOAD && waiting == batch.size() - published) {
      return {
          .status = SinkStatus::Refused,
          .accepted = published,
          .reason = fmt::format("gyr.outputs.nats: an alert of {} bytes is larger than {} takes",
                                batch[published].line.size(), settings_.url)};
    }
    if (fault.empty()) {
      fault = status != NATS_OK      ? nats_.text(status)
              : completed != NATS_OK ? nats_.natsStatus_GetText(completed)
                                     : "not every alert was acknowledged";
    }
    if (fault.find("esponders") != std::string::npos) {
      fault += fmt::format("; is there a stream that takes '{}'?", settings_.subject);
    }
    disconnect();  // acknowledgements that come late are for nobody
    SinkResult result = sink_failure(fmt::format("gyr.outputs.nats: {}: {}", settings_.url, fault));
    result.timed_out = completed == NATS_TIMEOUT;
    return result;
  }

  NatsSinkSettings settings_;
  SinkPort* port_ = nullptr;
  Nats nats_;
  natsOptions* options_ = nullptr;
  natsConnection* connection_ = nullptr;
  jsCtx* stream_ = nullptr;
  Answers answers_;
};

}  // namespace

std::unique_ptr<Sink> make_nats_sink(NatsSinkSettings settings) {
  return std::make_unique<NatsSink>(std::move(settings));
}

}  // namespace gyr
