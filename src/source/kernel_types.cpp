// SPDX-License-Identifier: Apache-2.0
#include "source/kernel_types.h"

#if GYR_PROBE

#include <bpf/btf.h>

#include <algorithm>
#include <array>
#include <string>

namespace gyr {

KernelTypes::KernelTypes() : types_(btf__load_vmlinux_btf()) {}
KernelTypes::~KernelTypes() { btf__free(types_); }

bool KernelTypes::has_function(std::string_view name) const {
  return types_ != nullptr &&
         btf__find_by_name_kind(types_, std::string(name).c_str(), BTF_KIND_FUNC) > 0;
}

bool KernelTypes::has_tracepoint(std::string_view name) const {
  const std::string type = "btf_trace_" + std::string(name);
  return types_ != nullptr && btf__find_by_name_kind(types_, type.c_str(), BTF_KIND_TYPEDEF) > 0;
}

bool KernelTypes::has_structure(std::string_view name) const {
  return types_ != nullptr &&
         btf__find_by_name_kind(types_, std::string(name).c_str(), BTF_KIND_STRUCT) > 0;
}

bool KernelTypes::runs_32bit_programs() const {
  if (!known()) return true;
  // The types of some kernels leave out where such calls enter, so other traces of them count too:
  // nobody may be blind to calls that are made.
  constexpr std::array kFunctions = {"do_fast_syscall_32",       "do_int80_syscall_32",
                                     "do_int80_emulation",       "do_el0_svc_compat",
                                     "el0t_32_sync_handler",     "__ia32_compat_sys_execve",
                                     "__arm64_compat_sys_execve"};
  constexpr std::array kStructures = {"compat_siginfo", "compat_sigaction"};
  return std::any_of(kFunctions.begin(), kFunctions.end(),
                     [this](const char* name) { return has_function(name); }) ||
         std::any_of(kStructures.begin(), kStructures.end(),
                     [this](const char* name) { return has_structure(name); });
}

}  // namespace gyr

#else

namespace gyr {
KernelTypes::KernelTypes() = default;
KernelTypes::~KernelTypes() = default;
bool KernelTypes::has_function(std::string_view) const { return false; }
bool KernelTypes::has_tracepoint(std::string_view) const { return false; }
bool KernelTypes::has_structure(std::string_view) const { return false; }
bool KernelTypes::runs_32bit_programs() const { return true; }
}  // namespace gyr

#endif
