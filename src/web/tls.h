// SPDX-License-Identifier: Apache-2.0
// TLS with OpenSSL, which is loaded when a certificate is configured and not before: every start
// would have 3.6 MB more resident memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"

namespace gyr {

// One connection; all steps return at once. The calling thread has SIGPIPE blocked: OpenSSL writes
// without MSG_NOSIGNAL.
class TlsSession {
 public:
  enum class Step {
    Done,
    WantsRead,   // again when the socket can be read from
    WantsWrite,  // again when it can be written to
    Failed,      // or ended by the other side
  };
  virtual ~TlsSession() = default;
  virtual Step accept() = 0;
  // `done`: how many bytes, at least one when the step is done.
  virtual Step read(char* to, size_t size, size_t* done) = 0;
  // May write less than `size`, which is not 0; the next call begins behind it.
  virtual Step write(const char* from, size_t size, size_t* done) = 0;
  virtual void say_goodbye() = 0;
};

// Thread-safe.
class Tls {
 public:
  // `file`: certificate (chain) and key, PEM. The error names it, or the library that is missing.
  // The library stays loaded.
  static Result<std::unique_ptr<Tls>> create(const std::string& file);
  virtual ~Tls() = default;
  // For a non-blocking socket; not longer than this lives. Null: no memory.
  virtual std::unique_ptr<TlsSession> begin(int fd) const = 0;
};

}  // namespace gyr
