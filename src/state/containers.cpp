// SPDX-License-Identifier: Apache-2.0
// Wraps the JSON library: nothing it throws leaves this file.
#include "state/containers.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace gyr {
namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// The container object of an event's payload; a null value when there is none.
Json container_object(std::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  Json root = Json::parse(text, nullptr, false);
  if (!root.is_object()) return {};
  const auto inner = root.find("container");
  if (inner == root.end()) return root;
  Json found = *inner;
  return found.is_object() ? found : Json();
}

}  // namespace

const ContainerInfo* Containers::find(const Str& id) const {
  const auto at = by_id_.find(id.rep());
  return at != by_id_.end() ? at->second.get() : nullptr;
}

std::vector<std::string> Containers::texts() const {
  std::vector<std::string> texts;
  for (const auto& [rep, info] : by_id_) {
    const Json object = {{"id", info->id.view()},     {"full_id", info->full_id.view()},
                         {"name", info->name.view()}, {"image", info->image.view()},
                         {"User", info->user.view()}, {"ip", info->ip.view()},
                         {"type", info->type}};
    texts.push_back(
        Json{{"container", object}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

const ContainerInfo* Containers::add_json(std::string_view json) {
  const Json object = container_object(json);
  if (!object.is_object()) return nullptr;
  const Str id = pool_.intern(text_of(object, "id"));
  if (id.empty() || (by_id_.size() >= kLimit && !by_id_.contains(id.rep()))) return nullptr;
  std::unique_ptr<ContainerInfo>& info = by_id_[id.rep()];
  if (info == nullptr) info = std::make_unique<ContainerInfo>();
  info->id = id;
  info->full_id = pool_.intern(text_of(object, "full_id"));
  info->name = pool_.intern(text_of(object, "name"));
  info->image = pool_.intern(text_of(object, "image"));
  info->user = pool_.intern(text_of(object, "User"));
  info->ip = pool_.intern(text_of(object, "ip"));
  const auto type = object.find("type");
  if (type != object.end() && type->is_number_integer()) info->type = type->get<int64_t>();
  return info.get();
}

Str Containers::remove_json(std::string_view json) {
  const Json object = container_object(json);
  if (!object.is_object()) return {};
  const Str id = pool_.intern(text_of(object, "id"));
  return by_id_.erase(id.rep()) > 0 ? id : Str();
}

bool Containers::any_has_ip(const Str& ip) const {
  for (const auto& [rep, info] : by_id_) {
    if (info->ip == ip) return true;
  }
  return false;
}

}  // namespace gyr
