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

/* Keeps the compiler from using another copy of a value than the one whose bounds were checked. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

/* `size`, at most `most`, in a register whose bound the verifier knows: those before Linux 6.2 do
 * not carry a check over to copies. */
static __always_inline __u32 bounded(__u64 size, __u32 most) {
  if (size > most) size = most;
  OPAQUE(size);
  return (__u32)size;
}

/* Since Linux 7.0 a program at a tracepoint may be preempted, and another of ours would find the
 * CPU's memory half written. The kernel still skips a program that is under way on the CPU, until
 * it ends: the loader counts that. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;
const volatile __u32 preemptible = 0;

static __always_inline void hold_cpu(void) {
  if (preemptible) bpf_preempt_disable();
}
static __always_inline void release_cpu(void) {
  if (preemptible) bpf_preempt_enable();
}

/* PEEK(inode, pointer, i_ino) is pointer->i_ino of any kernel pointer, null or stale ones too (0
 * then). Kernels that know bpf_rdonly_cast (6.2) load it, which costs a tenth of copying it. */
const volatile __u32 has_rdonly_cast = 0; /* set before load */
#if GYR_TYPED
extern void* bpf_rdonly_cast(const void* pointer, __u32 type) __ksym __weak;
#define AS(type, pointer) \
  ((struct type*)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type)))
#define PEEK(type, pointer, field) \
  (has_rdonly_cast ? AS(type, pointer)->field : BPF_CORE_READ(pointer, field))
#else
#define PEEK(type, pointer, field) BPF_CORE_READ(pointer, field)
#endif

/* A task that is cast reads like the one that the kernel vouches for, and is verified faster: for
 * each pointer that is loaded from the latter the kernel searches its type information by name. */
static __always_inline struct task_struct* current_task(void) {
#if GYR_TYPED
  if (has_rdonly_cast) return AS(task_struct, bpf_get_current_task_btf());
  return bpf_get_current_task_btf();
#else
  return (void*)bpf_get_current_task();
#endif
}
