// SPDX-License-Identifier: Apache-2.0
#include "source/look_counters.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "base/text.h"

namespace gyr {
namespace {

constexpr std::array<std::string_view, kFileClasses> kNames{
    "regular", "directory", "pipe", "memfd", "anon_inode", "inet", "unix", "netlink"};

std::string by_class(const std::array<uint64_t, kFileClasses>& counts, uint64_t* sum) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < kFileClasses; ++i) {
    *sum += counts[i];
    if (counts[i] != 0) parts.push_back(fmt::format("{} {}", counts[i], kNames[i]));
  }
  return join(parts, ", ");
}

}  // namespace

FileClass class_of(FdKind kind) {
  switch (kind) {
    case FdKind::File:
    case FdKind::FileV2:
      return FileClass::Regular;
    case FdKind::Directory:
      return FileClass::Directory;
    case FdKind::Fifo:
      return FileClass::Pipe;
    case FdKind::MemFd:
      return FileClass::MemFd;
    case FdKind::Ipv4:
    case FdKind::Ipv6:
    case FdKind::Ipv4Server:
    case FdKind::Ipv6Server:
      return FileClass::Inet;
    case FdKind::Unix:
      return FileClass::Unix;
    case FdKind::Netlink:
      return FileClass::Netlink;
    default:
      return FileClass::AnonInode;
  }
}

std::string LookCounters::text() const {
  const auto looks = [](uint64_t count) {
    return fmt::format("{} look{}", count, count == 1 ? "" : "s");
  };
  std::string all;
  const auto add = [&](const std::string& part) { all += (all.empty() ? "" : "; ") + part; };
  if (looks_by_iterators > 0) {
    uint64_t told = 0, lost = 0;
    const std::string kinds = by_class(files, &told);
    const std::string lost_kinds = by_class(files_lost, &lost);
    std::string part = fmt::format("{} by iterators: {} threads, {} descriptors ({})",
                                   looks(looks_by_iterators), tasks, told, kinds);
    if (files_asked > 0) part += fmt::format(", {} of them with the help of /proc", files_asked);
    if (tasks_lost > 0) part += fmt::format(", {} threads went meanwhile", tasks_lost);
    if (tasks_unlisted > 0) {
      part += fmt::format(", {} threads that only /proc told", tasks_unlisted);
    }
    if (lost > 0) part += fmt::format(", {} descriptors not told ({})", lost, lost_kinds);
    add(part);
  }
  if (looks_by_proc > 0) {
    add(fmt::format("{} at /proc: {} threads, {} descriptors", looks(looks_by_proc), tasks_by_proc,
                    files_by_proc));
  }
  if (!why_proc.empty()) add("iterators cannot be used: " + why_proc);
  return all;
}

}  // namespace gyr
