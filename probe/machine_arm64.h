/* SPDX-License-Identifier: Apache-2.0
 * aarch64, as machine_x86.h. Calls of 32-bit programs are counted and not mapped. A new thread does
 * not come by the exit of its clone: new_task() of gyr.bpf.c reports it.
 */
#pragma once

#define NR_EXECVE 221
#define NR_EXECVEAT 281
#define NR_CLONE 220
#define NR_CLONE3 435
#define NEW_TASK_BY_TRACEPOINT 1
#define INSTRUCTION_POINTER pc /* of struct pt_regs */

/* O_* */
#define OPEN_DIRECT 0x10000
#define OPEN_LARGEFILE 0x20000
#define OPEN_DIRECTORY 0x4000

#ifdef __bpf__       /* registers, which other drivers have from elsewhere */
#define TIF_32BIT 22 /* thread_info.flags: a 32-bit program */

static __always_inline __u32 call_number(const struct pt_regs* regs) {
  return (__u32)READ(regs, syscallno);
}

static __always_inline __s64 call_result(const struct pt_regs* regs) {
  return (__s64)READ(regs, regs[0]);
}

static __always_inline int is_32bit_call(struct task_struct* task) {
  return (READ(task, thread_info.flags) >> TIF_32BIT & 1) != 0;
}

static __always_inline int is_x32(__u32 nr) { return 0; }

/* The result has taken the place of the first argument, of which the kernel keeps a copy. */
static __always_inline void read_arguments(__u64* args, const struct pt_regs* regs, int compat) {
  args[0] = READ(regs, orig_x0);
  args[1] = READ(regs, regs[1]);
  args[2] = READ(regs, regs[2]);
  args[3] = READ(regs, regs[3]);
  args[4] = READ(regs, regs[4]);
  args[5] = READ(regs, regs[5]);
}
#endif
