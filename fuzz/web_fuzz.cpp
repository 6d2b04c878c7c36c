// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP request, made of any bytes. It is read at once and in pieces, with the same
// result; it never ends beyond its bound; its method and path come from its own bytes; and an
// answer to it is one head, whatever the request says.
//
// The input: one byte, the size of the pieces less one, then what the connection brings.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "web/answer.h"
#include "web/request.h"

namespace {

using namespace gyr;
using State = RequestReader::State;

constexpr size_t kBytesMax = 512;  // small, so that inputs reach it

State read(RequestReader* reader, std::string_view bytes, size_t piece) {
  State state = State::More;
  while (!bytes.empty() && state == State::More) {
    state = reader->take(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return state;
}

void check_answer(const WebRequest& request) {
  const std::string text = format_answer(request, refusal(404, "there is none"));
  GYR_CHECK(text.starts_with("HTTP/1.1 404 "));
  const size_t end = text.find("\r\n\r\n");
  GYR_CHECK(end != std::string::npos);
  GYR_CHECK((end + 4 == text.size()) == (request.method == "HEAD"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestReader whole(kBytesMax);
  RequestReader pieces(kBytesMax);
  const State state = read(&whole, bytes, bytes.size());
  GYR_CHECK(read(&pieces, bytes, size_t{data[0]} + 1) == state);
  GYR_CHECK(whole.status() == pieces.status());
  GYR_CHECK((whole.status() != 0) == (state == State::Wrong));
  GYR_CHECK(state != State::More || bytes.size() < kBytesMax);
  if (state == State::Wrong) GYR_CHECK(whole.why()[0] != '\0' && whole.take(bytes) == state);
  if (state != State::Whole) return 0;
  const WebRequest& request = whole.request();
  GYR_CHECK(request.method == pieces.request().method && request.path == pieces.request().path);
  GYR_CHECK(request.takes_gzip == pieces.request().takes_gzip);
  const std::string_view head =
      bytes.substr(std::min(bytes.find_first_not_of("\r\n"), bytes.size()));
  GYR_CHECK(head.starts_with(request.method + " "));
  GYR_CHECK(request.path.size() < head.size());
  check_answer(request);
  return 0;
}
