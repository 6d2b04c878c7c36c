// SPDX-License-Identifier: Apache-2.0
#include "state/containers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gyr {

const ContainerInfo* Containers::find(const Str& id) const {
  const auto at = by_id_.find(id.rep());
  return at != by_id_.end() ? at->second.get() : nullptr;
}

std::vector<std::string> Containers::texts() const {
  std::vector<std::string> texts;
  for (const auto& [rep, info] : by_id_) texts.push_back(container_json(info->more));
  std::sort(texts.begin(), texts.end());
  return texts;
}

bool Containers::make_room(const Used& used) {
  if (by_id_.size() < kLimit) return true;
  if (refusals_++ % kRefusals != 0) return false;
  const auto kept = used();
  absl::erase_if(by_id_, [&](const auto& entry) { return !kept.contains(entry.first); });
  if (by_id_.size() >= kLimit) return false;
  refusals_ = 0;
  return true;
}

const ContainerInfo* Containers::add_json(std::string_view json, const Used& used) {
  std::optional<ContainerMetadata> metadata = parse_container_json(json);
  if (!metadata) return nullptr;
  const Str id = pool_.intern(metadata->id);
  if (!by_id_.contains(id.rep()) && !make_room(used)) {
    ++dropped_full_;
    return nullptr;
  }
  std::unique_ptr<ContainerInfo>& info = by_id_[id.rep()];
  if (info == nullptr) info = std::make_unique<ContainerInfo>();
  info->id = id;
  info->full_id = pool_.intern(metadata->full_id);
  info->name = pool_.intern(metadata->name);
  info->image = pool_.intern(metadata->image);
  info->image_repository = pool_.intern(metadata->image_repository);
  info->ip = pool_.intern(metadata->ip);
  info->more = *std::move(metadata);
  return info.get();
}

std::vector<Str> Containers::keep(const Ids& used) {
  std::vector<Str> gone;
  absl::erase_if(asks_, [&](const auto& entry) {
    if (used.contains(entry.first)) return false;
    gone.push_back(entry.second.id);
    return true;
  });
  absl::erase_if(by_id_, [&](const auto& entry) { return !used.contains(entry.first); });
  return gone;
}

Str Containers::remove_json(std::string_view json) {
  const std::optional<ContainerMetadata> metadata = parse_container_json(json);
  if (!metadata) return {};
  const Str id = pool_.intern(metadata->id);
  return by_id_.erase(id.rep()) > 0 ? id : Str();
}

bool Containers::any_has_ip(const Str& ip) const {
  for (const auto& [rep, info] : by_id_) {
    if (info->ip == ip) return true;
  }
  return false;
}

void Containers::clear() {
  by_id_.clear();
  asks_.clear();
}

uint64_t Containers::ask_at_ns(const Str& id) const {
  const auto at = asks_.find(id.rep());
  return at != asks_.end() ? at->second.at_ns : 0;
}

void Containers::set_ask_at(const Str& id, uint64_t ns) {
  if (asks_.size() >= kAskLimit) asks_.clear();
  asks_[id.rep()] = {id, ns};
}

}  // namespace gyr
