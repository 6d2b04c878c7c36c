// SPDX-License-Identifier: Apache-2.0
// What the running kernel has, by its own type information (/sys/kernel/btf/vmlinux). Without it,
// or in a build without the probe, it has nothing.
#pragma once

#include <string_view>

struct btf;

namespace gyr {

class KernelTypes {
 public:
  KernelTypes();  // reads and indexes some megabytes: do it once
  ~KernelTypes();
  KernelTypes(const KernelTypes&) = delete;
  KernelTypes& operator=(const KernelTypes&) = delete;

  bool known() const { return types_ != nullptr; }
  const btf* types() const { return types_; }  // null: not known
  bool has_function(std::string_view name) const;
  // One whose programs may know the types of its arguments.
  bool has_tracepoint(std::string_view name) const;
  bool has_structure(std::string_view name) const;
  // Whether programs of 32 bits can make calls: also if that is not known.
  bool runs_32bit_programs() const;

 private:
  btf* types_ = nullptr;
};

}  // namespace gyr
