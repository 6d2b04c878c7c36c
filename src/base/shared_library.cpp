// SPDX-License-Identifier: Apache-2.0
#include "base/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace gyr {

Result<SharedLibrary> SharedLibrary::open(const char* file, const char* package) {
  SharedLibrary library;
  library.file_ = file;
  // Never unloaded: these libraries leave threads and exit handlers behind.
  void* handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* why = dlerror();
    return Error{fmt::format("needs {}, which cannot be loaded ({}); on Debian: apt-get install {}",
                             file, why != nullptr ? why : "no reason is told", package)};
  }
  library.handle_ = std::shared_ptr<void>(handle, [](void* p) { dlclose(p); });
  return library;
}

void* SharedLibrary::address(const char* name) {
  void* found = dlsym(handle_.get(), name);
  if (found == nullptr && missing_.empty()) missing_ = name;
  return found;
}

Result<void> SharedLibrary::complete() const {
  if (missing_.empty()) return {};
  return Error{fmt::format("the installed {} is too old: it has no {}", file_, missing_)};
}

}  // namespace gyr
