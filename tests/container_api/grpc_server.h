// SPDX-License-Identifier: Apache-2.0
// A gRPC server for unary calls, as much as the tests need.
#pragma once

#include <arpa/inet.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "server.h"

namespace gyr::test {

struct GrpcRequest {
  std::string path, space, message;
};
// `status`: of gRPC. `prefix_length`: what the message's length is said to be, -1: what it is.
struct GrpcAnswer {
  std::string message{};
  std::string status = "0";
  int64_t prefix_length = -1;
  bool compressed = false;
};
using GrpcHandler = std::function<GrpcAnswer(const GrpcRequest&)>;

class GrpcSession {
 public:
  GrpcSession(int fd, const GrpcHandler& handler) : fd_(fd), handler_(handler) {
    nghttp2_session_callbacks* all = nullptr;
    nghttp2_session_callbacks_new(&all);
    nghttp2_session_callbacks_set_on_header_callback(all, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, on_frame);
    nghttp2_session_server_new(&session_, all, this);
    nghttp2_session_callbacks_del(all);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~GrpcSession() { nghttp2_session_del(session_); }
  GrpcSession(const GrpcSession&) = delete;
  GrpcSession& operator=(const GrpcSession&) = delete;

  void run() {
    while (send_pending()) {
      char buffer[4096];
      const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      const auto* bytes = reinterpret_cast<const uint8_t*>(buffer);
      if (nghttp2_session_mem_recv(session_, bytes, static_cast<size_t>(got)) < 0) return;
    }
  }

 private:
  static GrpcSession& self(void* user) { return *static_cast<GrpcSession*>(user); }
  static nghttp2_nv header(const char* name, const std::string& value) {
    const auto bytes = [](const char* text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text));
    };
    return {bytes(name), bytes(value.c_str()), strlen(name), value.size(), NGHTTP2_NV_FLAG_NONE};
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t length,
                       const uint8_t* value, size_t value_length, uint8_t, void* user) {
    const std::string key(reinterpret_cast<const char*>(name), length);
    const std::string text(reinterpret_cast<const char*>(value), value_length);
    if (key == ":path") self(user).request_.path = text;
    if (key == "containerd-namespace") self(user).request_.space = text;
    return 0;
  }
  static int on_data(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t length,
                     void* user) {
    self(user).request_.message.append(reinterpret_cast<const char*>(data), length);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    // The same bit means something else in other frames.
    const bool data = frame->hd.type == NGHTTP2_DATA;
    if (data && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      self(user).answer(frame->hd.stream_id);
    }
    return 0;
  }
  static ssize_t read_body(nghttp2_session* session, int32_t stream, uint8_t* into, size_t size,
                           uint32_t* flags, nghttp2_data_source*, void* user) {
    GrpcSession& it = self(user);
    const size_t count = std::min(size, it.body_.size());
    std::copy_n(it.body_.begin(), count, into);
    it.body_.erase(0, count);
    if (it.body_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const nghttp2_nv trailer = header("grpc-status", it.status_);
      nghttp2_submit_trailer(session, stream, &trailer, 1);
    }
    return static_cast<ssize_t>(count);
  }

  void answer(int32_t stream) {
    EXPECT_GE(request_.message.size(), 5u);
    request_.message.erase(0, 5);
    const GrpcAnswer answer = handler_(request_);
    status_ = answer.status;
    const auto length = htonl(
        static_cast<uint32_t>(answer.prefix_length < 0 ? static_cast<int64_t>(answer.message.size())
                                                       : answer.prefix_length));
    body_.clear();
    if (answer.status == "0") {
      body_.push_back(answer.compressed ? '\1' : '\0');
      body_.append(reinterpret_cast<const char*>(&length), 4).append(answer.message);
    }
    const nghttp2_nv headers[] = {header(":status", kOk), header("content-type", kType)};
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    nghttp2_submit_response(session_, stream, headers, 2, &provider);
  }
  bool send_pending() {
    for (;;) {
      const uint8_t* bytes = nullptr;
      const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
      if (count <= 0) return count == 0;
      const auto* text = reinterpret_cast<const char*>(bytes);
      if (!send_all(fd_, {text, static_cast<size_t>(count)})) return false;
    }
  }

  static inline const std::string kOk = "200";
  static inline const std::string kType = "application/grpc";
  int fd_;
  const GrpcHandler& handler_;
  nghttp2_session* session_ = nullptr;
  GrpcRequest request_;
  std::string body_, status_;
};

inline Server::Serve grpc(GrpcHandler handler) {
  return [handler = std::move(handler)](int fd) { GrpcSession(fd, handler).run(); };
}

}  // namespace gyr::test
