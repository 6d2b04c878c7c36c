// SPDX-License-Identifier: Apache-2.0
#include "web/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/shared_library.h"

namespace gyr {
namespace {

#define GYR_TEXT_OF(value) #value
#define GYR_TEXT(value) GYR_TEXT_OF(value)
constexpr const char* kLibrary = "libssl.so." GYR_TEXT(OPENSSL_SHLIB_VERSION);
constexpr const char* kPackage = "libssl" GYR_TEXT(OPENSSL_SHLIB_VERSION);

// Those of ERR_ are libcrypto's, which libssl is linked to.
#define GYR_SSL_FUNCTIONS(F)            \
  F(TLS_server_method)                  \
  F(SSL_CTX_new)                        \
  F(SSL_CTX_free)                       \
  F(SSL_CTX_ctrl)                       \
  F(SSL_CTX_use_certificate_chain_file) \
  F(SSL_CTX_use_PrivateKey_file)        \
  F(SSL_new)                            \
  F(SSL_free)                           \
  F(SSL_set_fd)                         \
  F(SSL_accept)                         \
  F(SSL_read)                           \
  F(SSL_write)                          \
  F(SSL_shutdown)                       \
  F(SSL_get_error)                      \
  F(ERR_clear_error)                    \
  F(ERR_get_error)                      \
  F(ERR_error_string_n)

struct OpenSsl {
#define GYR_MEMBER(name) decltype(&::name) name = nullptr;
  GYR_SSL_FUNCTIONS(GYR_MEMBER)
#undef GYR_MEMBER

  static Result<OpenSsl> load() {
    auto library = SharedLibrary::open(kLibrary, kPackage);
    if (!library) return library.error();
    OpenSsl ssl;
#define GYR_FIND(name) library->find(#name, &ssl.name);
    GYR_SSL_FUNCTIONS(GYR_FIND)
#undef GYR_FIND
    if (Result<void> all = library->complete(); !all) return all.error();
    return ssl;
  }
  std::string reason() const {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    return text.data();
  }
};

class Session final : public TlsSession {
 public:
  Session(const OpenSsl& ssl, SSL* session) : ssl_(ssl), session_(session) {}
  ~Session() override { ssl_.SSL_free(session_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Step accept() override {
    return step([this] { return ssl_.SSL_accept(session_); }).first;
  }
  Step read(char* to, size_t size, size_t* done) override {
    const auto [what, count] = step([&] { return ssl_.SSL_read(session_, to, length(size)); });
    *done = count;
    return what;
  }
  Step write(const char* from, size_t size, size_t* done) override {
    const auto [what, count] = step([&] { return ssl_.SSL_write(session_, from, length(size)); });
    *done = count;
    return what;
  }
  void say_goodbye() override {
    ssl_.ERR_clear_error();
    ssl_.SSL_shutdown(session_);
  }

 private:
  static int length(size_t size) { return static_cast<int>(std::min<size_t>(size, 1u << 20)); }

  template <class Call>
  std::pair<Step, size_t> step(Call call) {
    ssl_.ERR_clear_error();
    const int result = call();
    if (result > 0) return {Step::Done, static_cast<size_t>(result)};
    const int why = ssl_.SSL_get_error(session_, result);
    if (why == SSL_ERROR_WANT_READ) return {Step::WantsRead, 0};
    if (why == SSL_ERROR_WANT_WRITE) return {Step::WantsWrite, 0};
    return {Step::Failed, 0};
  }

  const OpenSsl& ssl_;
  SSL* session_;
};

class Context final : public Tls {
 public:
  explicit Context(const OpenSsl& ssl)
      : ssl_(ssl), context_(ssl_.SSL_CTX_new(ssl_.TLS_server_method())) {}
  ~Context() override { ssl_.SSL_CTX_free(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Result<void> configure(const std::string& file) {
    const auto failed = [&](const char* what) {
      return Error{fmt::format("webserver.ssl_certificate: {} {}: {}", what, file, ssl_.reason())};
    };
    if (context_ == nullptr) return failed("cannot prepare TLS for");
    // Macros of OpenSSL's, which call the function of that name.
    ssl_.SSL_CTX_ctrl(context_, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
    ssl_.SSL_CTX_ctrl(context_, SSL_CTRL_MODE,
                      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, nullptr);
    if (ssl_.SSL_CTX_use_certificate_chain_file(context_, file.c_str()) != 1) {
      return failed("cannot read a certificate from");
    }
    if (ssl_.SSL_CTX_use_PrivateKey_file(context_, file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return failed("cannot read the certificate's key from");
    }
    return {};
  }

  std::unique_ptr<TlsSession> begin(int fd) const override {
    SSL* session = ssl_.SSL_new(context_);
    if (session == nullptr) return nullptr;
    auto made = std::make_unique<Session>(ssl_, session);
    if (ssl_.SSL_set_fd(session, fd) != 1) return nullptr;
    return made;
  }

 private:
  OpenSsl ssl_;
  SSL_CTX* context_;
};

}  // namespace

Result<std::unique_ptr<Tls>> Tls::create(const std::string& file) {
  auto ssl = OpenSsl::load();
  if (!ssl) return Error{"webserver.ssl_enabled: " + ssl.error().message};
  auto context = std::make_unique<Context>(*ssl);
  if (Result<void> fine = context->configure(file); !fine) return fine.error();
  return std::unique_ptr<Tls>(std::move(context));
}

}  // namespace gyr
