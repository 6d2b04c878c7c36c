// SPDX-License-Identifier: Apache-2.0
// Wraps http_parser. Debian builds it without its strict mode (HTTP_PARSER_STRICT), so what that
// would refuse beside, bytes in targets and blanks in names of headers, is refused here.
#include "web/request.h"

#include <strings.h>

#include <algorithm>

#include "base/check.h"

namespace gyr {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What is no %xx stays as it is.
std::string decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool room = text[i] == '%' && text.size() - i > 2;
    const int high = room ? hex_digit(text[i + 1]) : -1;
    const int low = room ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// "gzip;q=0" refuses it (RFC 9110, 12.5.3); no other weight matters where there is one coding.
bool is_refused(std::string_view parameters) {
  const size_t at = parameters.find('=');
  if (at == std::string_view::npos || !same(trim(parameters.substr(0, at)), "q")) return false;
  return trim(parameters.substr(at + 1)).find_first_not_of("0.") == std::string_view::npos;
}

bool names_gzip(std::string_view encodings) {
  while (!encodings.empty()) {
    const size_t end = std::min(encodings.find(','), encodings.size());
    const std::string_view each = encodings.substr(0, end);
    encodings.remove_prefix(std::min(end + 1, encodings.size()));
    const size_t semicolon = std::min(each.find(';'), each.size());
    if (!same(trim(each.substr(0, semicolon)), "gzip")) continue;
    return semicolon == each.size() || !is_refused(each.substr(semicolon + 1));
  }
  return false;
}

}  // namespace

RequestReader::RequestReader(size_t bytes_max) : left_(bytes_max) {
  http_parser_init(&parser_, HTTP_REQUEST);
  parser_.data = this;
}

const http_parser_settings& RequestReader::callbacks() {
  static const http_parser_settings kCallbacks = [] {
    http_parser_settings made;
    http_parser_settings_init(&made);
    made.on_url = [](http_parser* parser, const char* at, size_t size) {
      return static_cast<RequestReader*>(parser->data)->on_target({at, size});
    };
    made.on_header_field = [](http_parser* parser, const char* at, size_t size) {
      return static_cast<RequestReader*>(parser->data)->on_name({at, size});
    };
    made.on_header_value = [](http_parser* parser, const char* at, size_t size) {
      return static_cast<RequestReader*>(parser->data)->on_value({at, size});
    };
    made.on_headers_complete = [](http_parser* parser) {
      return static_cast<RequestReader*>(parser->data)->on_head();
    };
    return made;
  }();
  return kCallbacks;
}

RequestReader::State RequestReader::take(std::string_view bytes) {
  if (status_ != 0) return State::Wrong;
  GYR_CHECK(!whole_);
  if (bytes.empty()) return State::More;
  const std::string_view part = bytes.substr(0, left_);
  taken_ += part.size();
  left_ -= part.size();
  http_parser_execute(&parser_, &callbacks(), part.data(), part.size());
  if (status_ != 0) return State::Wrong;
  if (whole_) return State::Whole;
  if (HTTP_PARSER_ERRNO(&parser_) != HPE_OK) return fail(400, "that is no HTTP request");
  if (left_ > 0) return State::More;
  if (target_.empty()) return fail(400, "there is nothing but empty lines");
  if (name_.empty()) return fail(414, "the target is too long");
  return fail(431, "the headers are too large");
}

RequestReader::State RequestReader::fail(int status, const char* why) {
  status_ = status;
  why_ = why;
  return State::Wrong;
}

int RequestReader::on_target(std::string_view part) {
  const bool printable =
      std::all_of(part.begin(), part.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) {
    fail(400, "the target has bytes that must be encoded");
    return kRefused;
  }
  target_ += part;
  return 0;
}

int RequestReader::on_name(std::string_view part) {
  if (part.find(' ') != std::string_view::npos) {
    fail(400, "a header has a blank in its name");
    return kRefused;
  }
  if (named_) name_.clear();
  named_ = false;
  name_ += part;
  return 0;
}

int RequestReader::on_value(std::string_view part) {
  const bool first = !named_;
  named_ = true;
  if (!same(name_, "accept-encoding")) return 0;
  if (first && !encodings_.empty()) encodings_ += ',';
  encodings_ += part;
  return 0;
}

int RequestReader::on_head() {
  if (parser_.http_major != 1 || parser_.http_minor > 1) {
    fail(400, "only HTTP/1.0 and HTTP/1.1");
    return kRefused;
  }
  if (!take_target()) {
    fail(400, "the target is no path and no URL");
    return kRefused;
  }
  request_.method = http_method_str(static_cast<http_method>(parser_.method));
  request_.takes_gzip = names_gzip(encodings_);
  whole_ = true;
  constexpr int kNothingFollows = 2;
  return kNothingFollows;
}

bool RequestReader::take_target() {
  http_parser_url url;
  http_parser_url_init(&url);
  if (http_parser_parse_url(target_.data(), target_.size(), parser_.method == HTTP_CONNECT, &url) !=
      0) {
    return false;
  }
  if ((url.field_set & (1u << UF_PATH)) != 0) {
    const auto& field = url.field_data[UF_PATH];
    request_.path = decode(std::string_view(target_).substr(field.off, field.len));
  }
  return true;
}

}  // namespace gyr
