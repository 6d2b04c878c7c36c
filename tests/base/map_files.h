// SPDX-License-Identifier: Apache-2.0
// Files that a test makes up: a text for each path, nothing else.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/system.h"

namespace gyr::test {

class MapFiles final : public Files {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(std::string_view path, size_t) const override {
    const auto found = files.find(std::string(path));
    if (found == files.end()) return Error{"cannot open " + std::string(path)};
    return found->second;
  }
  Result<std::vector<std::string>> list(std::string_view) const override { return Error{"no"}; }
  Result<std::string> read_link(std::string_view) const override { return Error{"no"}; }
  Result<FileStat> stat(std::string_view, bool) const override { return Error{"no"}; }
};

}  // namespace gyr::test
