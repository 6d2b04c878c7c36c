// SPDX-License-Identifier: Apache-2.0
#include "base/capabilities.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace gyr {
namespace {

using Data = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;
constexpr unsigned kHalf = 32;
constexpr unsigned kNumbers = 64;

__user_cap_header_struct header() { return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0}; }

Result<void> refused(const char* what) {
  return Error{fmt::format("privileges cannot be given up: {}: {}", what, std::strerror(errno))};
}

uint32_t low(Capabilities all) { return static_cast<uint32_t>(all.bits()); }
uint32_t high(Capabilities all) { return static_cast<uint32_t>(all.bits() >> kHalf); }

struct Sets {
  Capabilities effective, permitted, inheritable;
};

std::optional<Sets> get() {
  auto head = header();
  Data data{};
  if (syscall(SYS_capget, &head, data.data()) != 0) return std::nullopt;
  const auto joined = [&](__u32 __user_cap_data_struct::*part) {
    return Capabilities::of_bits(data[0].*part | uint64_t{data[1].*part} << kHalf);
  };
  return Sets{.effective = joined(&__user_cap_data_struct::effective),
              .permitted = joined(&__user_cap_data_struct::permitted),
              .inheritable = joined(&__user_cap_data_struct::inheritable)};
}

bool set(const Sets& sets) {
  auto head = header();
  Data data{{{.effective = low(sets.effective),
              .permitted = low(sets.permitted),
              .inheritable = low(sets.inheritable)},
             {.effective = high(sets.effective),
              .permitted = high(sets.permitted),
              .inheritable = high(sets.inheritable)}}};
  return syscall(SYS_capset, &head, data.data()) == 0;
}

// Also of capabilities that this program does not know by name.
bool bound_to(Capabilities kept) {
  for (unsigned number = 0; number < kNumbers; ++number) {
    const int bounded = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (bounded < 0) break;  // the kernel has no more
    if (bounded == 0 || kept.has_number(number)) continue;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return false;
  }
  return true;
}

}  // namespace

const char* capability_name(Capability capability) {
  switch (capability) {
    case Capability::DacOverride:
      return "CAP_DAC_OVERRIDE";
    case Capability::DacReadSearch:
      return "CAP_DAC_READ_SEARCH";
    case Capability::SysPtrace:
      return "CAP_SYS_PTRACE";
    case Capability::SysAdmin:
      return "CAP_SYS_ADMIN";
    case Capability::SysResource:
      return "CAP_SYS_RESOURCE";
    case Capability::Perfmon:
      return "CAP_PERFMON";
    case Capability::Bpf:
      return "CAP_BPF";
  }
  return "";
}

Capabilities permitted_capabilities() {
  const auto sets = get();
  return sets ? sets->permitted : Capabilities();
}

bool works_without(Capabilities away, const std::function<bool()>& works) {
  const auto before = get();
  if (!before) return works();
  Sets fewer = *before;
  fewer.effective = fewer.effective.without(away);
  set(fewer);
  const bool fine = works();
  set(*before);
  return fine;
}

bool may_use(const std::string& path, int mode) {
  return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

Capabilities needed_to_read(const std::vector<std::string>& files) {
  const Capabilities all = {Capability::DacReadSearch, Capability::DacOverride};
  Capabilities needed;
  for (const std::string& file : files) {
    const auto may = [&] { return may_use(file, R_OK); };
    if (may() && !works_without(all, may)) needed.add(Capability::DacReadSearch);
  }
  return needed;
}

Capabilities needed_to_write_in(const std::vector<std::string>& folders) {
  Capabilities needed;
  for (const std::string& folder : folders) {
    const auto may = [&] { return may_use(folder, W_OK | X_OK); };
    if (may() && !works_without({Capability::DacOverride}, may)) {
      needed.add(Capability::DacOverride);
    }
  }
  return needed;
}

Result<void> keep_only(Capabilities kept) {
  const auto had = get();
  if (!had) return refused("capget");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (had->permitted.has_number(CAP_SETPCAP)) {
    // In effect it may have been not.
    if (!set({had->permitted, had->permitted, had->inheritable})) return refused("capset");
    if (!bound_to(kept)) return refused("the bounding set");
  }
  const Capabilities left = kept & had->permitted;
  if (!set({.effective = left, .permitted = left, .inheritable = {}})) return refused("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("no_new_privs");
  return {};
}

}  // namespace gyr
