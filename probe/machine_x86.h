/* SPDX-License-Identifier: Apache-2.0
 * x86-64: where a call's number and arguments are, how a 32-bit call is told, numbers that differ
 * between machines. Each machine_*.h defines the same names.
 */
#pragma once

#define NR_EXECVE 59
#define NR_EXECVEAT 322
#define HAS_32BIT_CALLS 1      /* their numbers are mapped (calls_32bit.h) */
#define INSTRUCTION_POINTER ip /* of struct pt_regs */

/* O_* */
#define OPEN_DIRECT 0x4000
#define OPEN_LARGEFILE 0x8000
#define OPEN_DIRECTORY 0x10000

#ifdef __bpf__      /* registers, which other drivers have from elsewhere */
#define TS_COMPAT 2 /* thread_info.status: in a 32-bit call */
#define X32_BIT 0x40000000

static __always_inline __u32 call_number(const struct pt_regs* regs) {
  return (__u32)READ(regs, orig_ax);
}

static __always_inline __s64 call_result(const struct pt_regs* regs) {
  return (__s64)READ(regs, ax);
}

static __always_inline int is_32bit_call(struct task_struct* task) {
  return (READ(task, thread_info.status) & TS_COMPAT) != 0;
}

static __always_inline int is_x32(__u32 nr) { return (nr & X32_BIT) != 0; }

static __always_inline void read_arguments(__u64* args, const struct pt_regs* regs, int compat) {
  if (compat) {
    args[0] = (__u32)READ(regs, bx);
    args[1] = (__u32)READ(regs, cx);
    args[2] = (__u32)READ(regs, dx);
    args[3] = (__u32)READ(regs, si);
    args[4] = (__u32)READ(regs, di);
    args[5] = (__u32)READ(regs, bp);
  } else {
    args[0] = READ(regs, di);
    args[1] = READ(regs, si);
    args[2] = READ(regs, dx);
    args[3] = READ(regs, r10);
    args[4] = READ(regs, r8);
    args[5] = READ(regs, r9);
  }
}
#endif
