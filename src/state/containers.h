// SPDX-License-Identifier: Apache-2.0
// What is known about containers, by container id, and when a finder is to be asked again.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <cstdint>
#include <functional>
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

  // Null when nothing is known.
  const ContainerInfo* find(const Str& id) const;
  // The text of a container event. Null, and nothing changed, when it is no such text, names no id,
  // or the table is full of containers that have threads: `used` gives those.
  using Ids = absl::flat_hash_set<const StrRep*>;
  using Used = std::function<Ids()>;
  const ContainerInfo* add_json(std::string_view json, const Used& used);
  // Forgets all others, which may be started again; gives their ids.
  std::vector<Str> keep(const Ids& used);
  // The id whose entry a removal event dropped; empty when there was none.
  Str remove_json(std::string_view json);
  bool any_has_ip(const Str& ip) const;
  // The text of each, which add_json() takes; sorted.
  std::vector<std::string> texts() const;
  void clear();
  uint64_t dropped_full() const { return dropped_full_; }

  // The time from which on to ask about the container; 0 for a new one.
  uint64_t ask_at_ns(const Str& id) const;
  void set_ask_at(const Str& id, uint64_t ns);
  // It may be started again.
  void ask_afresh(const Str& id) { asks_.erase(id.rep()); }

 private:
  static constexpr size_t kLimit = 16384;
  static constexpr size_t kAskLimit = 65536;  // then all are new again
  // Looking for unused entries takes a walk over all threads: not for each one that is refused.
  static constexpr uint64_t kRefusals = 1024;
  bool make_room(const Used& used);

  StrPool& pool_;
  absl::flat_hash_map<StrRep*, std::unique_ptr<ContainerInfo>> by_id_;  // infos hold the keys alive
  struct Ask {
    Str id;  // keeps the key alive
    uint64_t at_ns;
  };
  absl::flat_hash_map<StrRep*, Ask> asks_;
  uint64_t dropped_full_ = 0;
  uint64_t refusals_ = 0;  // since the table was last looked through
};

}  // namespace gyr
