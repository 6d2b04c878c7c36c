// SPDX-License-Identifier: Apache-2.0
#include "container/cgroup_path.h"

#include <array>
#include <cstddef>

namespace gyr {
namespace {

constexpr size_t kFullId = 64;   // hex digits of a full id
constexpr size_t kShortId = 12;  // of it that are shown

using Id = std::optional<std::string_view>;

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A full id between the last `prefix` and the last `suffix`.
struct Runc {
  std::string_view prefix, suffix;
};

constexpr std::array kPodman = {
    Runc{"/libpod-", ".scope"},
    Runc{"/libpod-", ".scope/container"},
    Runc{"/libpod-", ""},
    Runc{"/libpod-payload-", ".scope"},
    Runc{"/libpod-payload-", ".scope/container"},
    Runc{"/libpod-payload-", ""},
};
constexpr std::array kDocker = {Runc{"/", ""}, Runc{"/docker-", ".scope"}};
constexpr std::array kCri = {
    Runc{"/", ""},
    Runc{"/crio-", ""},
    Runc{"/cri-containerd-", ".scope"},
    Runc{"/crio-", ".scope"},
    Runc{":cri-containerd:", ""},
    Runc{"/docker-", ".scope"},
    Runc{"/nerdctl-", ".scope"},
};

Id match(const Runc& pattern, std::string_view path) {
  const size_t found = path.rfind(pattern.prefix);
  if (found == std::string_view::npos) return {};
  const size_t start = found + pattern.prefix.size();
  const size_t end = pattern.suffix.empty() ? path.size() : path.rfind(pattern.suffix);
  if (end == std::string_view::npos || end < start || end - start != kFullId) return {};
  // The reference looks for a wrong character in the whole path and forgives it from this offset
  // on.
  const size_t wrong = path.find_first_not_of("0123456789abcdefABCDEF", start);
  if (wrong < kFullId) return {};
  return path.substr(start, kFullId);
}

template <size_t kCount>
Id match_any(const std::array<Runc, kCount>& patterns, std::string_view path) {
  for (const Runc& pattern : patterns) {
    if (const Id id = match(pattern, path)) return id;
  }
  return {};
}

using Match = std::optional<ContainerPath>;

// Shown by its first characters.
Match shortened(CgroupPattern pattern, const Id& full) {
  if (!full) return {};
  return ContainerPath{pattern, *full, full->substr(0, kShortId), {}};
}

Match podman(std::string_view path) {
  return shortened(CgroupPattern::Podman, match_any(kPodman, path));
}
Match docker(std::string_view path) {
  return shortened(CgroupPattern::Docker, match_any(kDocker, path));
}
Match cri(std::string_view path) { return shortened(CgroupPattern::Cri, match_any(kCri, path)); }

// Letters and digits in groups joined by single separators.
bool is_namespace(std::string_view name) {
  bool after_group = false;
  for (const char c : name) {
    if (is_alnum(c)) {
      after_group = true;
    } else if ((c == '.' || c == '_' || c == '-') && after_group) {
      after_group = false;
    } else {
      return false;
    }
  }
  return after_group;
}

Match containerd(std::string_view path) {
  for (const std::string_view unit : {".service", ".slice", ".scope"}) {
    if (path.ends_with(unit)) return {};
  }
  for (size_t at = path.find('/'); at != std::string_view::npos;) {
    const size_t end = path.find('/', at + 1);
    if (end == std::string_view::npos) return {};
    const std::string_view space = path.substr(at + 1, end - at - 1);
    if (is_namespace(space)) {
      const std::string_view quoted = path.substr(at, end + 1 - at);
      const std::string_view id = path.substr(path.rfind(quoted) + quoted.size());
      if (id.empty() || id.size() > kFullId) return {};
      return ContainerPath{CgroupPattern::Containerd, id, id.substr(0, kShortId), space};
    }
    at = end;
  }
  return {};
}

Id lxc_id(std::string_view path) {
  for (const std::string_view prefix : {"/lxc/", "/lxc.payload/", "/lxc.payload."}) {
    const size_t at = path.find(prefix);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = path.substr(at + prefix.size());
    const std::string_view id = rest.substr(0, rest.find('/'));
    if (!id.empty()) return id;
  }
  return {};
}

// systemd-machined writes "-" in a name as "\x2d".
Id libvirt_scope(std::string_view path) {
  constexpr std::string_view kBefore = "-lxc\\x2";
  const size_t at = path.find(kBefore);
  if (at == std::string_view::npos) return {};
  for (const std::string_view after : {".scope", ".scope/libvirt"}) {
    if (!path.ends_with(after)) continue;
    const size_t start = at + kBefore.size() + 1;
    const size_t end = path.size() - after.size();
    if (start < end) return path.substr(start, end - start);
  }
  return {};
}

Id libvirt_lxc_id(std::string_view path) {
  constexpr std::string_view kSuffix = ".libvirt-lxc";
  if (path.ends_with(kSuffix)) {
    const std::string_view before = path.substr(0, path.size() - kSuffix.size());
    const size_t slash = before.rfind('/');
    if (slash != std::string_view::npos && slash + 1 < before.size())
      return before.substr(slash + 1);
  }
  if (const Id id = libvirt_scope(path)) return id;
  constexpr std::string_view kFolder = "/libvirt/lxc/";
  const size_t at = path.find(kFolder);
  if (at == std::string_view::npos || at + kFolder.size() == path.size()) return {};
  return path.substr(at + kFolder.size());
}

Id bpm_id(std::string_view path) {
  constexpr std::string_view kPrefix = "bpm-";
  const size_t at = path.find(kPrefix);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = path.substr(at + kPrefix.size());
  const size_t end = rest.rfind(".scope");
  if (end == std::string_view::npos || end == 0) return {};
  const std::string_view id = rest.substr(0, end);
  for (const char c : id) {
    if (!is_alnum(c) && c != '.' && c != '_' && c != '-') return {};
  }
  return id;
}

Match whole(CgroupPattern pattern, const Id& id) {
  if (!id) return {};
  return ContainerPath{pattern, *id, *id, {}};
}

Match lxc(std::string_view path) { return whole(CgroupPattern::Lxc, lxc_id(path)); }
Match libvirt_lxc(std::string_view path) {
  return whole(CgroupPattern::LibvirtLxc, libvirt_lxc_id(path));
}
Match bpm(std::string_view path) { return whole(CgroupPattern::Bpm, bpm_id(path)); }

constexpr std::array kRuntimes = {podman, docker, cri, containerd, lxc, libvirt_lxc, bpm};

}  // namespace

std::optional<ContainerPath> container_path(std::string_view path) {
  for (const auto runtime : kRuntimes) {
    if (const Match match = runtime(path)) return match;
  }
  return {};
}

std::optional<ContainerPath> container_path_in(std::string_view cgroups) {
  while (!cgroups.empty()) {
    const std::string_view entry = cgroups.substr(0, cgroups.find('\0'));
    cgroups.remove_prefix(entry.size() < cgroups.size() ? entry.size() + 1 : entry.size());
    const size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    if (const Match match = container_path(entry.substr(equals + 1))) return match;
  }
  return {};
}

std::string container_id_of(std::string_view cgroups) {
  const Match match = container_path_in(cgroups);
  return match ? std::string(match->id) : std::string();
}

}  // namespace gyr
