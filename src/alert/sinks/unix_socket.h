// SPDX-License-Identifier: Apache-2.0
// Alerts as JSON lines to everybody who connects to a unix socket. Each reader has a bounded buffer
// of its own: one that is too slow is dropped, so it holds up neither the output nor other readers.
// What nobody reads, and what a dropped reader had not read, is counted as lost.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "alert/sink.h"

namespace gyr {

struct UnixSinkSettings {
  std::string path{};  // a socket left there by a program that has ended is replaced
  uint32_t mode = 0600;
  std::string owner{};  // USER, USER:GROUP, :GROUP or empty
  size_t readers = 64;
  size_t reader_bytes = 1u << 20;
};
std::unique_ptr<Sink> make_unix_sink(UnixSinkSettings settings);

}  // namespace gyr
