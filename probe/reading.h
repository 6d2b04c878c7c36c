/* SPDX-License-Identifier: Apache-2.0
 * How kernel structures are read. The probe is compiled twice: with GYR_TYPED its programs know the
 * types of what the kernel hands them and load fields directly (Linux 5.11 and newer); without,
 * each field is copied by a helper, which costs more and works everywhere.
 */
#pragma once

#if GYR_TYPED
/* READ(task, real_parent, pid) is task->real_parent->pid; whatever is null on the way gives 0. */
#define READ(...) ___arrow(__VA_ARGS__)
#define READ_BITFIELD(from, field) BPF_CORE_READ_BITFIELD(from, field)
#define TRACEPOINT(name) "tp_btf/" name
#else
#define READ(...) BPF_CORE_READ(__VA_ARGS__)
#define READ_BITFIELD(from, field) BPF_CORE_READ_BITFIELD_PROBED(from, field)
#define TRACEPOINT(name) "raw_tp/" name
#endif

static __always_inline struct task_struct* current_task(void) {
#if GYR_TYPED
  return bpf_get_current_task_btf();
#else
  return (void*)bpf_get_current_task();
#endif
}
