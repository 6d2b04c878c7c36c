// SPDX-License-Identifier: Apache-2.0
#include "source/ptrace_filter.h"

#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>

#undef BPF_X  // an event has that name
//
#include "source/ptrace_tracer.h"

namespace gyr {
namespace {

constexpr uint32_t kX32First = 0x40000000;

// Numbers from `first` to the next range's first are treated alike.
struct Range {
  uint32_t first;
  bool traced;
};

std::vector<Range> ranges_of(const gyr_calls& calls, int machine) {
  std::vector<Range> ranges;
  const auto add = [&](uint32_t number, bool traced) {
    if (ranges.empty() || ranges.back().traced != traced) ranges.push_back({number, traced});
  };
  for (uint32_t number = 0; number < GYR_CALLS; ++number) {
    const gyr_call& call = calls.calls[machine][number];
    const bool unmapped = machine == 1 && call.sc == 0;
    add(number, call.event != 0 || unmapped || makes_threads(call));
  }
  add(GYR_CALLS, machine == 1);
  if (machine == 0) add(kX32First, true);
  return ranges;
}

FilterStep statement(uint16_t code, uint32_t value) {
  return {.code = code, .if_true = 0, .if_false = 0, .value = value};
}

constexpr uint16_t kReturn = BPF_RET | BPF_K;

// A search by halves; conditional jumps reach only 255 statements, so they skip one long jump.
void add_search(std::vector<FilterStep>* program, const Range* ranges, size_t count) {
  if (count == 1) {
    program->push_back(
        statement(kReturn, ranges[0].traced ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW));
    return;
  }
  const size_t half = count / 2;
  program->push_back({.code = BPF_JMP | BPF_JGE | BPF_K,
                      .if_true = 0,
                      .if_false = 1,
                      .value = ranges[half].first});
  const size_t jump = program->size();
  program->push_back(statement(BPF_JMP | BPF_JA, 0));
  add_search(program, ranges, half);
  (*program)[jump].value = static_cast<uint32_t>(program->size() - jump - 1);
  add_search(program, ranges + half, count - half);
}

void add_machine(std::vector<FilterStep>* program, uint32_t arch,
                 const std::vector<Range>& ranges) {
  program->push_back(
      statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offsetof(seccomp_data, arch))));
  program->push_back(
      {.code = BPF_JMP | BPF_JEQ | BPF_K, .if_true = 1, .if_false = 0, .value = arch});
  const size_t jump = program->size();
  program->push_back(statement(BPF_JMP | BPF_JA, 0));
  program->push_back(
      statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offsetof(seccomp_data, nr))));
  add_search(program, ranges.data(), ranges.size());
  (*program)[jump].value = static_cast<uint32_t>(program->size() - jump - 1);
}

}  // namespace

std::vector<FilterStep> trace_filter(const gyr_calls& calls) {
  std::vector<FilterStep> program;
  add_machine(&program, AUDIT_ARCH_X86_64, ranges_of(calls, 0));
  add_machine(&program, AUDIT_ARCH_I386, ranges_of(calls, 1));
  program.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
  return program;
}

}  // namespace gyr
