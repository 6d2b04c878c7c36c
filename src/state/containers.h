// SPDX-License-Identifier: Apache-2.0
// Metadata of containers as events tell it (state-engine 14), by container id.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/str.h"
#include "state/state.h"

namespace gyr {

class Containers {
 public:
  explicit Containers(StrPool& pool) : pool_(pool) {}

  const ContainerInfo* find(const Str& id) const;
  // The text of a container event: {"container": {…}} or the inner object alone. Null, and nothing
  // changed, when it is no such JSON, names no id, or the table is full.
  const ContainerInfo* add_json(std::string_view json);
  // The id whose entry a removal event dropped; empty when there was none.
  Str remove_json(std::string_view json);
  bool any_has_ip(const Str& ip) const;
  // The text of each, which add_json() takes; sorted.
  std::vector<std::string> texts() const;
  void clear() { by_id_.clear(); }

 private:
  static constexpr size_t kLimit = 16384;
  StrPool& pool_;
  absl::flat_hash_map<StrRep*, std::unique_ptr<ContainerInfo>> by_id_;  // infos hold the keys alive
};

}  // namespace gyr
