// SPDX-License-Identifier: Apache-2.0
// Users and groups by container id ("" = host). Entries come from a snapshot, from events, or from
// a lazy look-up when a thread with a new id appears; one that was asked for in vain is not asked
// for again.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/str.h"
#include "base/system.h"
#include "state/state.h"

namespace gyr {

class UserTable {
 public:
  UserTable(const StateSettings& settings, StrPool& pool) : settings_(settings), pool_(pool) {}

  const UserInfo* user(const Str& container_id, uint32_t uid) const;
  const GroupInfo* group(const Str& container_id, uint32_t gid) const;
  // A thread of process `pid` has these ids now. True when an entry came to be.
  bool note(const Str& container_id, int64_t pid, uint32_t uid, uint32_t gid);
  bool add_user(const Str& container_id, UserInfo info);
  bool add_group(const Str& container_id, GroupInfo info);
  bool remove_user(const Str& container_id, uint32_t uid);
  bool remove_group(const Str& container_id, uint32_t gid);
  bool remove_container(const Str& container_id);
  void clear();
  template <class Use>
  void for_each_user(Use use) const {
    for (const auto& [key, info] : users_) {
      if (info != nullptr) use(key.container, *info);
    }
  }
  template <class Use>
  void for_each_group(Use use) const {
    for (const auto& [key, info] : groups_) {
      if (info != nullptr) use(key.container, *info);
    }
  }

 private:
  static constexpr size_t kLimit = 65536;  // entries, users and groups each
  static constexpr size_t kFileLimit =
      1u << 20;  // bytes of a container's passwd or group that are read
  struct Key {
    Str container;
    uint32_t id;
    friend bool operator==(const Key&, const Key&) = default;
    template <class H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.container.rep(), key.id);
    }
  };
  // Null: asked for in vain.
  template <class Info>
  using Map = absl::flat_hash_map<Key, std::unique_ptr<Info>>;

  // Adds what was looked up, and tells it.
  bool find_user(const Str& container_id, const UserInfo& info);
  bool find_group(const Str& container_id, const GroupInfo& info);
  bool note_host_user(uint32_t uid);
  bool note_host_group(uint32_t gid);
  // False when the file could not be read: the next thread with an unknown id tries again.
  bool read_container_users(const Str& container_id, int64_t pid, bool* added);
  bool read_container_groups(const Str& container_id, int64_t pid, bool* added);

  const StateSettings& settings_;
  StrPool& pool_;
  Map<UserInfo> users_;
  Map<GroupInfo> groups_;
  mutable UserInfo unnamed_user_{};
  mutable GroupInfo unnamed_group_{};
};

// As captures and findings hold them.
SnapshotUser plain_user(const UserInfo& from);
SnapshotGroup plain_group(const GroupInfo& from);

}  // namespace gyr
