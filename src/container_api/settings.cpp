// SPDX-License-Identifier: Apache-2.0
#include "container_api/settings.h"

#include <fmt/format.h>

#include <optional>

#include "container/json.h"

namespace gyr {
namespace {

constexpr std::array<std::string_view, ContainerApiSettings::kApis> kNames = {"docker", "podman",
                                                                              "containerd", "cri"};
constexpr size_t kSocketsLimit = 16;  // of one engine

Error wrong(std::string_view engine, std::string_view what) {
  return Error{fmt::format("engines.{}{}", engine, what)};
}

Result<std::vector<std::string>> sockets_of(std::string_view engine, const Json& list) {
  if (!list.is_array()) return wrong(engine, ".sockets is no list of paths");
  if (list.size() > kSocketsLimit) {
    return wrong(engine, fmt::format(".sockets has more than {} paths", kSocketsLimit));
  }
  std::vector<std::string> sockets;
  for (const Json& one : list) {
    const std::string path = one.is_string() ? one.get<std::string>() : "";
    if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
      return wrong(engine, ".sockets: each is an absolute path");
    }
    sockets.push_back(path);
  }
  return sockets;
}

Result<void> read_engine(std::string_view name, const Json& from,
                         ContainerApiSettings::Engine* engine) {
  if (!from.is_object()) return wrong(name, " is no map");
  if (const Json& enabled = member(from, "enabled"); !enabled.is_null()) {
    if (!enabled.is_boolean()) return wrong(name, ".enabled is neither true nor false");
    engine->enabled = enabled.get<bool>();
  }
  if (const Json& list = member(from, "sockets"); !list.is_null()) {
    auto sockets = sockets_of(name, list);
    if (!sockets) return sockets.error();
    engine->sockets = *std::move(sockets);
  }
  return {};
}

constexpr uint32_t kLabelMaxLen = 65535;

Result<void> read_label_limit(const Json& root, ContainerApiSettings* settings) {
  const Json& limit = member(root, "label_max_len");
  if (limit.is_null()) return {};
  if (!limit.is_number_unsigned() || limit.get<uint64_t>() > kLabelMaxLen) {
    return Error{fmt::format("label_max_len is no number from 0 to {}", kLabelMaxLen)};
  }
  settings->label_max_len = limit.get<uint32_t>();
  return {};
}

// What the reference's plugin can do otherwise and we do not.
void note_without_effect(const Json& root, ContainerApiSettings* settings) {
  auto& notes = settings->without_effect;
  if (member(root, "with_size") == true) notes.emplace_back("with_size: no field shows sizes");
  const Json& hooks = member(root, "hooks");
  if (hooks.is_array() && hooks.size() != 2) {
    notes.emplace_back("hooks: a container is looked up at its first process");
  }
  for (const char* engine : {"lxc", "libvirt_lxc", "bpm"}) {
    const Json& row = member(member(root, "engines"), engine);
    if (member(row, "enabled") != false) continue;
    notes.push_back(fmt::format(
        "engines.{}.enabled: its containers are known by the names of their control groups, which "
        "costs nothing",
        engine));
  }
}

}  // namespace

Result<ContainerApiSettings> parse_container_api_settings(std::string_view init_config) {
  ContainerApiSettings settings;
  if (init_config.find_first_not_of(" \t\r\n") == std::string_view::npos) return settings;
  const std::optional<Json> root = parse_json(init_config);
  if (!root || !root->is_object()) return Error{"neither a map nor the JSON text of one"};
  if (Result<void> read = read_label_limit(*root, &settings); !read) return read.error();
  note_without_effect(*root, &settings);
  const Json& engines = member(*root, "engines");
  if (engines.is_null()) return settings;
  if (!engines.is_object()) return Error{"engines is no map"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    const Json& from = member(engines, kNames[i]);
    if (from.is_null()) continue;
    if (Result<void> read = read_engine(kNames[i], from, &settings.engines[i]); !read) {
      return read.error();
    }
  }
  return settings;
}

}  // namespace gyr
