// SPDX-License-Identifier: Apache-2.0
#include "container_api/grpc.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "container_api/http.h"

namespace gyr {
namespace {

constexpr size_t kPrefix = 5;                        // one byte for compression, four for length
constexpr size_t kTrafficLimit = 2 * kApiBodyLimit;  // all frames together
constexpr std::string_view kNotFound = "5";

struct SessionEnd {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  void operator()(nghttp2_session_callbacks* all) const { nghttp2_session_callbacks_del(all); }
};

// What the callbacks of one call fill.
struct Exchange {
  std::string request;  // what is left to send
  std::string http_status, grpc_status, body;
  bool too_large = false;
  bool closed = false;
};

Exchange& exchange(void* user) { return *static_cast<Exchange*>(user); }

// The parameters of callbacks are the library's.
// NOLINTBEGIN(readability-function-size)
int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_length,
              const uint8_t* value, size_t value_length, uint8_t, void* user) {
  const std::string_view key(reinterpret_cast<const char*>(name), name_length);
  const std::string_view text(reinterpret_cast<const char*>(value), value_length);
  if (key == ":status") exchange(user).http_status = text;
  if (key == "grpc-status") exchange(user).grpc_status = text;
  return 0;
}

int on_data(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t length, void* user) {
  Exchange& it = exchange(user);
  it.too_large = it.too_large || it.body.size() + length > kPrefix + kApiBodyLimit;
  if (!it.too_large) it.body.append(reinterpret_cast<const char*>(data), length);
  return 0;
}

int on_close(nghttp2_session*, int32_t, uint32_t, void* user) {
  exchange(user).closed = true;
  return 0;
}

ssize_t read_request(nghttp2_session*, int32_t, uint8_t* into, size_t size, uint32_t* flags,
                     nghttp2_data_source*, void* user) {
  std::string& left = exchange(user).request;
  const size_t count = std::min(size, left.size());
  std::copy_n(left.begin(), count, into);
  left.erase(0, count);
  if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}
// NOLINTEND(readability-function-size)

std::unique_ptr<nghttp2_session, SessionEnd> make_session(Exchange* user) {
  nghttp2_session_callbacks* raw = nullptr;
  if (nghttp2_session_callbacks_new(&raw) != 0) return nullptr;
  const std::unique_ptr<nghttp2_session_callbacks, SessionEnd> callbacks(raw);
  nghttp2_session_callbacks_set_on_header_callback(raw, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw, on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(raw, on_close);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new(&session, raw, user) != 0) return nullptr;
  return std::unique_ptr<nghttp2_session, SessionEnd>(session);
}

bool submit(nghttp2_session* session, const GrpcCall& call) {
  const auto header = [](std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));  // only read
    };
    return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
  };
  std::vector<nghttp2_nv> headers = {header(":method", "POST"),
                                     header(":scheme", "http"),
                                     header(":path", call.path),
                                     header(":authority", "localhost"),
                                     header("content-type", "application/grpc"),
                                     header("te", "trailers")};
  if (!call.space.empty()) headers.push_back(header("containerd-namespace", call.space));
  nghttp2_data_provider provider{};
  provider.read_callback = read_request;
  return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0) == 0 &&
         nghttp2_submit_request(session, nullptr, headers.data(), headers.size(), &provider,
                                nullptr) > 0;
}

bool send_pending(nghttp2_session* session, ApiConnection& connection) {
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t count = nghttp2_session_mem_send(session, &bytes);
    if (count < 0) return false;
    if (count == 0) return true;
    const std::string_view text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
    if (!connection.send(text)) return false;
  }
}

// Known when the stream was closed in order.
WhyMissing run(nghttp2_session* session, ApiConnection& connection, const Exchange& it) {
  const auto broken = [&] { return connection.ok() ? WhyMissing::ApiDamaged : connection.why(); };
  std::array<char, 16384> buffer;
  size_t traffic = 0;
  while (!it.closed) {
    if (!send_pending(session, connection)) return broken();
    const size_t got = connection.receive(buffer);
    traffic += got;
    if (got == 0 || it.too_large || traffic > kTrafficLimit) return broken();
    const auto* bytes = reinterpret_cast<const uint8_t*>(buffer.data());
    if (nghttp2_session_mem_recv(session, bytes, got) < 0) return broken();
  }
  return it.too_large ? WhyMissing::ApiDamaged : WhyMissing::Known;
}

}  // namespace

ApiAnswer parse_grpc_body(std::string_view body) {
  const auto byte = [&](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(body[at]));
  };
  if (body.size() < kPrefix || body[0] != 0) return {.why = WhyMissing::ApiDamaged};
  const uint32_t length = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
  if (length != body.size() - kPrefix) return {.why = WhyMissing::ApiDamaged};
  return {.body = std::string(body.substr(kPrefix))};
}

ApiAnswer grpc_call(const ApiPlace& place, const GrpcCall& call) {
  Exchange it;
  it.request.push_back('\0');
  for (int shift = 24; shift >= 0; shift -= 8) {
    it.request.push_back(static_cast<char>(call.message.size() >> shift));
  }
  it.request += call.message;
  const auto session = make_session(&it);
  if (session == nullptr || !submit(session.get(), call)) return {.why = WhyMissing::ApiFailed};
  ApiConnection connection(place);
  if (!connection.ok()) return {.why = connection.why()};
  const WhyMissing why = run(session.get(), connection, it);
  if (why != WhyMissing::Known) return {.why = why};
  if (it.grpc_status == kNotFound) return {.why = WhyMissing::ApiUnknown};
  if (it.http_status.empty()) return {.why = WhyMissing::ApiDamaged};
  if (it.http_status != "200" || it.grpc_status != "0") return {.why = WhyMissing::ApiFailed};
  return parse_grpc_body(it.body);
}

}  // namespace gyr
