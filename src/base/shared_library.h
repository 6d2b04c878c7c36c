// SPDX-License-Identifier: Apache-2.0
// Libraries that only some configurations need (clients of outputs, TLS of the web server) are
// loaded when one of them asks: a program that merely links libcurl has several megabytes more
// resident memory. Types and prototypes come from the library's own header.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace gyr {

class SharedLibrary {
 public:
  // `file` is the soname; the error names the Debian package that has it.
  static Result<SharedLibrary> open(const char* file, const char* package);

  // Functions of libraries that it is linked to are found too. Null if there is no such function.
  template <class Function>
  void find(const char* name, Function** function) {
    *function = reinterpret_cast<Function*>(address(name));
  }
  // Nothing, or the error that names the first function that was not found.
  Result<void> complete() const;

 private:
  void* address(const char* name);

  std::shared_ptr<void> handle_;
  std::string file_;
  std::string missing_;
};

}  // namespace gyr
