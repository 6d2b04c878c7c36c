// SPDX-License-Identifier: Apache-2.0
// Reads the head of one HTTP/1.x request (RFC 9112) from bytes in pieces of any size. What follows
// the head, a body or further requests, is not looked at: each connection answers one request.
#pragma once

#include <http_parser.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace gyr {

struct WebRequest {
  std::string method{};  // "GET"
  // Of the target, without query and fragment, and with %xx decoded: any bytes. "*" is one too; ""
  // where the target has none ("CONNECT host:80").
  std::string path{};
  bool takes_gzip = false;
};

class RequestReader {
 public:
  enum class State {
    More,   // it is not there yet
    Whole,  // request() is filled
    Wrong,  // status() and why() say what to answer; it stays so
  };

  // At most `bytes_max` are read of a head.
  explicit RequestReader(size_t bytes_max);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  // Not to be called again once the state is Whole.
  State take(std::string_view bytes);
  // Something has come.
  bool begun() const { return taken_ > 0; }
  const WebRequest& request() const { return request_; }
  int status() const { return status_; }
  const char* why() const { return why_; }  // a sentence without quotes

 private:
  // To the parser. Not 1, which at the end of a head means that no body follows.
  static constexpr int kRefused = -1;

  static const http_parser_settings& callbacks();
  int on_target(std::string_view part);
  int on_name(std::string_view part);
  int on_value(std::string_view part);
  int on_head();
  State fail(int status, const char* why);
  // False when it is no target.
  bool take_target();

  http_parser parser_;
  size_t left_;
  size_t taken_ = 0;
  std::string target_;
  std::string name_;    // of the header that is being read
  bool named_ = false;  // its value has begun
  std::string encodings_;
  bool whole_ = false;
  WebRequest request_;
  int status_ = 0;
  const char* why_ = "";
};

}  // namespace gyr
