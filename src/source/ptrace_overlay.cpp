// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_overlay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

constexpr size_t kMountsLimit = 4ul << 20;

uint64_t born_ns(const struct statx& file) {
  return static_cast<uint64_t>(file.stx_btime.tv_sec) * 1'000'000'000 + file.stx_btime.tv_nsec;
}

struct Mount {
  std::string point;
  bool overlay = false;
  bool has_upper = false;
};

// A line of mountinfo: id parent device root point options … - kind source options.
Mount mount_of(const Files& files, int64_t tid, uint64_t id) {
  const auto mounts = files.read(fmt::format("/proc/{}/mountinfo", tid), kMountsLimit);
  if (!mounts) return {};
  const std::string start = fmt::format("{} ", id);
  for (const std::string_view line : split(*mounts, '\n')) {
    if (!line.starts_with(start)) continue;
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || words.end() - dash < 4) return {};
    return {.point = std::string(words[4]),
            .overlay = dash[1] == "overlay",
            .has_upper = dash[3].find("upperdir=") != std::string_view::npos};
  }
  return {};
}

}  // namespace

OverlayLayer overlay_layer(const Files& files, int64_t tid, const struct statx& file) {
  constexpr unsigned kNeeded = STATX_BTIME | STATX_MNT_ID;
  // A file system without a device has the major number 0.
  if ((file.stx_mask & kNeeded) != kNeeded || file.stx_dev_major != 0) return OverlayLayer::None;
  const Mount mount = mount_of(files, tid, file.stx_mnt_id);
  if (!mount.overlay) return OverlayLayer::None;
  struct statx top {};
  const std::string path = fmt::format("/proc/{}/root{}", tid, mount.point);
  if (!mount.has_upper ||
      statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BTIME, &top) != 0) {
    return OverlayLayer::Lower;
  }
  return born_ns(file) >= born_ns(top) ? OverlayLayer::Upper : OverlayLayer::Lower;
}

}  // namespace gyr
