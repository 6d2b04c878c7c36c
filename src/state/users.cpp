// SPDX-License-Identifier: Apache-2.0
#include "state/users.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

// NSS compatibility lines ("+name", "-name") are no users.
bool is_usable(std::string_view name) {
  return !name.empty() && name.front() != '+' && name.front() != '-';
}

bool parse_id(std::string_view text, uint32_t* id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *id);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

template <class Map, class Key, class Info>
bool store(Map& map, Key key, Info info, size_t limit, bool (*same)(const Info&, const Info&)) {
  const auto at = map.find(key);
  if (at == map.end()) {
    if (map.size() >= limit) return false;
    map.emplace(std::move(key), std::make_unique<Info>(std::move(info)));
    return true;
  }
  if (at->second != nullptr && same(*at->second, info)) return false;
  // In place: others may hold a pointer to the entry.
  if (at->second == nullptr) at->second = std::make_unique<Info>();
  *at->second = std::move(info);
  return true;
}

bool same_user(const UserInfo& a, const UserInfo& b) {
  return a.uid == b.uid && a.gid == b.gid && a.name == b.name && a.home == b.home &&
         a.shell == b.shell;
}

bool same_group(const GroupInfo& a, const GroupInfo& b) {
  return a.gid == b.gid && a.name == b.name;
}

}  // namespace

const UserInfo* UserTable::user(const Str& container_id, uint32_t uid) const {
  if (!settings_.import_users) {
    if (unnamed_user_.name.empty()) {
      unnamed_user_.name = unnamed_user_.home = unnamed_user_.shell = pool_.intern("<NA>");
    }
    unnamed_user_.uid = uid;
    unnamed_user_.gid = kNoId;
    return &unnamed_user_;
  }
  const auto at = users_.find(Key{container_id, uid});
  return at != users_.end() ? at->second.get() : nullptr;
}

const GroupInfo* UserTable::group(const Str& container_id, uint32_t gid) const {
  if (!settings_.import_users) {
    if (unnamed_group_.name.empty()) unnamed_group_.name = pool_.intern("<NA>");
    unnamed_group_.gid = gid;
    return &unnamed_group_;
  }
  const auto at = groups_.find(Key{container_id, gid});
  return at != groups_.end() ? at->second.get() : nullptr;
}

bool UserTable::add_user(const Str& container_id, UserInfo info) {
  if (info.uid == kNoId || !is_usable(info.name.view())) return false;
  Key key{container_id, info.uid};
  return store(users_, std::move(key), std::move(info), kLimit, same_user);
}

bool UserTable::add_group(const Str& container_id, GroupInfo info) {
  if (info.gid == kNoId || !is_usable(info.name.view())) return false;
  Key key{container_id, info.gid};
  return store(groups_, std::move(key), std::move(info), kLimit, same_group);
}

bool UserTable::remove_user(const Str& container_id, uint32_t uid) {
  return users_.erase(Key{container_id, uid}) > 0;
}

bool UserTable::remove_group(const Str& container_id, uint32_t gid) {
  return groups_.erase(Key{container_id, gid}) > 0;
}

bool UserTable::remove_container(const Str& container_id) {
  const auto of_it = [&](const auto& entry) { return entry.first.container == container_id; };
  return absl::erase_if(users_, of_it) + absl::erase_if(groups_, of_it) > 0;
}

void UserTable::clear() {
  users_.clear();
  groups_.clear();
}

bool UserTable::note(const Str& container_id, int64_t pid, uint32_t uid, uint32_t gid) {
  if (!settings_.import_users) return false;
  bool added = false;
  if (uid != kNoId && !users_.contains(Key{container_id, uid})) {
    const bool asked = container_id.empty() || read_container_users(container_id, pid, &added);
    if (container_id.empty()) added |= note_host_user(uid);
    if (asked && users_.size() < kLimit) users_.try_emplace(Key{container_id, uid});
  }
  if (gid != kNoId && !groups_.contains(Key{container_id, gid})) {
    const bool asked = container_id.empty() || read_container_groups(container_id, pid, &added);
    if (container_id.empty()) added |= note_host_group(gid);
    if (asked && groups_.size() < kLimit) groups_.try_emplace(Key{container_id, gid});
  }
  return added;
}

SnapshotUser plain_user(const UserInfo& from) {
  return {from.uid, from.gid, std::string(from.name.view()), std::string(from.home.view()),
          std::string(from.shell.view())};
}

SnapshotGroup plain_group(const GroupInfo& from) {
  return {from.gid, std::string(from.name.view())};
}

bool UserTable::find_user(const Str& container_id, const UserInfo& info) {
  if (!add_user(container_id, info)) return false;
  if (settings_.on_finding) {
    const std::string container(container_id.view());
    settings_.on_finding(FoundUser{container, plain_user(info)});
  }
  return true;
}

bool UserTable::find_group(const Str& container_id, const GroupInfo& info) {
  if (!add_group(container_id, info)) return false;
  if (settings_.on_finding) {
    settings_.on_finding(FoundGroup{std::string(container_id.view()), plain_group(info)});
  }
  return true;
}

bool UserTable::note_host_user(uint32_t uid) {
  if (uid == 0) {
    return add_user({}, {.uid = 0,
                         .gid = 0,
                         .name = pool_.intern("root"),
                         .home = pool_.intern("/root"),
                         .shell = {}});
  }
  if (settings_.users == nullptr) return false;
  const std::optional<UserEntry> entry = settings_.users->user(uid);
  if (!entry) return false;
  return find_user({}, {.uid = uid,
                        .gid = entry->gid,
                        .name = pool_.intern(entry->name),
                        .home = pool_.intern(entry->home),
                        .shell = pool_.intern(entry->shell)});
}

bool UserTable::note_host_group(uint32_t gid) {
  if (gid == 0) return add_group({}, {.gid = 0, .name = pool_.intern("root")});
  if (settings_.users == nullptr) return false;
  const std::optional<GroupEntry> entry = settings_.users->group(gid);
  return entry && find_group({}, {.gid = gid, .name = pool_.intern(entry->name)});
}

bool UserTable::read_container_users(const Str& container_id, int64_t pid, bool* added) {
  if (!settings_.live || settings_.files == nullptr) return false;
  const auto text = settings_.files->read(fmt::format("/proc/{}/root/etc/passwd", pid), kFileLimit);
  if (!text) return false;  // the process is gone or the image has no such file
  for (const std::string_view line : split(*text, '\n')) {
    const std::vector<std::string_view> parts = split(line, ':');
    UserInfo info{};
    if (parts.size() < 7 || !parse_id(parts[2], &info.uid) || !parse_id(parts[3], &info.gid)) {
      continue;
    }
    info.name = pool_.intern(parts[0]);
    info.home = pool_.intern(parts[5]);
    info.shell = pool_.intern(parts[6]);
    *added |= find_user(container_id, info);
  }
  return true;
}

bool UserTable::read_container_groups(const Str& container_id, int64_t pid, bool* added) {
  if (!settings_.live || settings_.files == nullptr) return false;
  const auto text = settings_.files->read(fmt::format("/proc/{}/root/etc/group", pid), kFileLimit);
  if (!text) return false;
  for (const std::string_view line : split(*text, '\n')) {
    const std::vector<std::string_view> parts = split(line, ':');
    GroupInfo info{};
    if (parts.size() < 3 || !parse_id(parts[2], &info.gid)) continue;
    info.name = pool_.intern(parts[0]);
    *added |= find_group(container_id, info);
  }
  return true;
}

}  // namespace gyr
