// SPDX-License-Identifier: Apache-2.0
// What a row of the schema means, said a second time and for tests only: the memory and arguments
// with which a call is made, and the parameters its event must then have. It knows the calls that
// fail, and those that return 0 without having done anything (a seccomp filter can do both).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/schema.h"

namespace gyr::test {

// A call with its arguments; 32-bit calls are made through int 0x80.
struct RowCall {
  Sc sc = Sc::UNKNOWN;
  bool compat = false;
  long number = 0;
  std::array<uint64_t, 6> args{};
};

// The memory that the arguments point to, below 4 GiB, in the layout of the caller's machine.
class RowMemory {
 public:
  RowMemory();
  ~RowMemory();
  RowMemory(const RowMemory&) = delete;
  RowMemory& operator=(const RowMemory&) = delete;

  // Arguments that make the rows of the call's event tell something. `number`: how the caller's
  // machine counts the call.
  RowCall prepare(Sc sc, int number, bool compat);
  // The bytes of a parameter; "<any>" where only the kernel knows them.
  std::string expected(const ParamInfo& param, const RowCall& call, int64_t result,
                       int64_t child) const;

 private:
  void fill(const RowCall& call);
  uint64_t address(size_t offset) const;
  void choose(const ParamInfo& param, RowCall* call) const;
  std::string text_at(uint64_t address) const;
  uint64_t load(uint64_t address, size_t size) const;
  std::optional<std::string> expected_number(const ParamInfo& param, const RowCall& call,
                                             int64_t result) const;
  std::optional<std::string> expected_memory(const ParamInfo& param, const RowCall& call,
                                             int64_t result) const;

  unsigned char* base_ = nullptr;
};

// Makes the call with a filter that answers it with `answer` (0, or an errno) and lets any other
// call pass. To be run in a child process. Returns what the call returned.
bool refuse(const RowCall& call, int answer);
long make(const RowCall& call);

// The portable value of an argument that is flags of that table.
uint64_t portable_flags(FlagTable table, uint64_t kernel);
// The kernel's values that the table has a name for.
std::vector<uint64_t> kernel_flags(FlagTable table);

// Of the running process, which a child shares until it execs.
std::string expected_of_task(const ParamInfo& param, int64_t child);

}  // namespace gyr::test
