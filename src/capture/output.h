// SPDX-License-Identifier: Apache-2.0
// The bytes of a capture on their way to a file, buffered, plain or gzip.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gyr::capture {

// What becomes of a regular file that has the name of a new one. Links to files are never followed.
enum class IfThere : uint8_t {
  Refuse,   // it stays, and the new one is an error
  Replace,  // it is removed first
};

class Output {
 public:
  // Makes a new file; only its owner may read it, for captures hold what programs said. A pipe or a
  // device of that name is written to.
  static Result<Output> create(const std::string& path, bool gzip, IfThere if_there);
  Output(Output&&) noexcept;
  Output& operator=(Output&&) noexcept;
  ~Output();  // closes; what was not flushed is lost

  // The first error stays: every later call gives it again. Errors are the reason alone.
  Result<void> write(Bytes bytes);
  // Hands everything to the operating system; a gzip file can be read up to here.
  Result<void> flush();
  // Flushes, ends the gzip stream and closes the file. Nothing may be written after it.
  Result<void> close();
  uint64_t offset() const;  // of the uncompressed stream
  // Of the file if it is closed now: about (exact without gzip), and at most.
  uint64_t closed_bytes() const;
  uint64_t most_bytes() const;
  uint64_t file_bytes() const;  // handed to the operating system

 private:
  class File;
  explicit Output(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace gyr::capture
