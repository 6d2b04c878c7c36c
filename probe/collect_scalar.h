/* SPDX-License-Identifier: Apache-2.0
 * Group `scalar` of src/schema/collect.def: results, registers, numbers of the task. Nothing here
 * reads the caller's memory.
 */
#pragma once

const volatile __u32 page_kib = 4;
#define PIDTYPE_PGID 2

#ifdef __bpf__ /* what only the kernel knows; src/source/ptrace_collect.c answers elsewhere */
#include "resident_pages.h"

/* The parameter has 32 bits: what is above 4 TiB, as some programs reserve, is the largest. */
static __always_inline __u64 memory_kib(struct task_struct* task, __u32 token) {
  struct mm_struct* mm = READ(task, mm);
  if (!mm) return 0;
  if (token == COLLECT_vm_size) {
    const __u64 size = READ(mm, total_vm) * page_kib;
    return size > 0xffffffff ? 0xffffffff : size;
  }
  if (token == COLLECT_vm_swap) return resident_pages(mm, 2) * page_kib;
  return (resident_pages(mm, 0) + resident_pages(mm, 1) + resident_pages(mm, 3)) * page_kib;
}

/* Number of `pid` in the innermost pid namespace it lives in. The pointer must have been copied,
 * not loaded: verifiers before Linux 6.2 allow no variable offset from one whose type they know. */
static __always_inline __s64 innermost_nr(struct pid* pid) {
  if (!pid) return 0;
  const __u32 level = BPF_CORE_READ(pid, level);
  int nr = 0;
  bpf_core_read(&nr, sizeof(nr), &pid->numbers[0].nr);
  if (level == 0) return nr;
  const __u32 step = bpf_core_type_size(struct upid);
  bpf_probe_read_kernel(&nr, sizeof(nr), (const void*)&pid->numbers[0].nr + (level & 63) * step);
  return nr;
}

static __always_inline __s64 process_group(struct task_struct* task, int innermost) {
  struct pid* pid = 0;
  struct signal_struct* signal = READ(task, signal);
  bpf_core_read(&pid, sizeof(pid), &signal->pids[PIDTYPE_PGID]);
  if (innermost) return innermost_nr(pid);
  int nr = 0;
  if (pid) bpf_core_read(&nr, sizeof(nr), &pid->numbers[0].nr);
  return nr;
}

/* As /proc/PID/stat has it: the minor number's low byte, the major number, the rest of the minor
 * number. */
static __always_inline __u32 terminal(struct task_struct* task) {
  struct tty_struct* tty = READ(task, signal, tty);
  if (!tty) return 0;
  struct tty_driver* driver = READ(tty, driver);
  if (!driver) return 0;
  const __u32 minor = READ(driver, minor_start) + READ(tty, index);
  return (minor & 0xff) | (__u32)READ(driver, major) << 8 | (minor & ~0xffu) << 12;
}

static __always_inline __u64 capabilities(const struct cred* cred, __u32 token) {
  const kernel_cap_t* set = token == COLLECT_cap_inheritable ? &cred->cap_inheritable
                            : token == COLLECT_cap_permitted ? &cred->cap_permitted
                                                             : &cred->cap_effective;
  __u64 value = 0; /* two words before 6.3, one u64 since: the same bytes */
  bpf_probe_read_kernel(&value, sizeof(value), set);
  return value;
}

static __always_inline struct pid_namespace* children_namespace(struct task_struct* task) {
  struct nsproxy* namespaces = READ(task, nsproxy);
  return namespaces ? READ(namespaces, pid_ns_for_children) : 0;
}

/* Portable flags of a child that shares its creator's memory, as far as structures of the kernel
 * tell them; 0 if it does not share it. What such a child has in memory, its creator may have
 * overwritten. */
static __always_inline __u32 sharing_flags(struct task_struct* task, __s64 ret) {
  if (ret != 0) return 0;
  const int thread = READ(task, pid) != READ(task, tgid);
  struct task_struct* creator = thread ? READ(task, group_leader) : READ(task, real_parent);
  if (READ(task, mm) != READ(creator, mm)) return 0;
  __u32 out = 32768;                                              /* CLONE_VM */
  if (thread) out |= 8192;                                        /* CLONE_THREAD */
  if (READ(task, files) == READ(creator, files)) out |= 1;        /* CLONE_FILES */
  if (READ(task, fs) == READ(creator, fs)) out |= 2;              /* CLONE_FS */
  if (READ(task, sighand) == READ(creator, sighand)) out |= 2048; /* CLONE_SIGHAND */
  return out;
}

static __always_inline __u32 clone_marks(struct task_struct* task, __s64 ret) {
  struct pid_namespace* ns = children_namespace(task);
  const __u32 level = ret == 0 ? READ(task, thread_pid, level) : ns ? READ(ns, level) : 0;
  return level ? 1u << 29 : 0; /* PPM_CL_CHILD_IN_PIDNS */
}

static __always_inline __u64 pidns_start(struct task_struct* task, __s64 ret) {
  if (ret != 0) return 0;
  struct pid_namespace* ns = children_namespace(task);
  struct task_struct* init = ns ? READ(ns, child_reaper) : 0;
  return init ? READ(init, start_boottime) : 0;
}

/* The thread that inherits the children: the first of the group that lives on, else what the kernel
 * searches up the tree. 0 when there are no children. */
static __always_inline __s64 reaper_of(struct task_struct* task) {
  struct list_head* children = &task->children;
  if (READ(task, children.next) == children) return 0;
  struct signal_struct* signal = READ(task, signal);
  struct list_head* node = BPF_CORE_READ(signal, thread_head.next); /* see innermost_nr */
  const __u32 offset = bpf_core_field_offset(struct task_struct, thread_node);
  for (int i = 0; i < 8 && node; ++i) {
    if (node == &signal->thread_head) break;
    struct task_struct* thread = (void*)node - offset;
    const __u32 flags = BPF_CORE_READ(thread, flags);
    if (!(flags & 4)) return BPF_CORE_READ(thread, pid); /* PF_EXITING */
    node = BPF_CORE_READ(node, next);
  }
  struct pid_namespace* ns = children_namespace(task);
  struct task_struct* init = ns ? READ(ns, child_reaper) : 0;
  const int fallback = init ? READ(init, pid) : 1;
  if (!READ_BITFIELD(signal, has_child_subreaper)) return fallback;
  struct task_struct* up = READ(task, real_parent);
  for (int i = 0; i < 16 && up; ++i) {
    const int pid = BPF_CORE_READ(up, pid);
    if (pid == fallback || pid == 0) break;
    struct signal_struct* group = BPF_CORE_READ(up, signal);
    if (group && BPF_CORE_READ_BITFIELD_PROBED(group, is_child_subreaper)) return pid;
    up = BPF_CORE_READ(up, real_parent);
  }
  return fallback;
}

__noinline __u64 task_number(__u32 slot, __u32 token) {
  struct scratch* s = scratch_of(slot);
  if (!s) return 0;
  struct task_struct* task = task_of(s);
  switch (token) {
    case COLLECT_tid:
      return READ(task, pid);
    case COLLECT_pid:
      return READ(task, tgid);
    case COLLECT_ptid:
      return READ(task, real_parent, pid);
    case COLLECT_vtid:
      return innermost_nr(BPF_CORE_READ(task, thread_pid));
    case COLLECT_vpid:
      return innermost_nr(BPF_CORE_READ(task, group_leader, thread_pid));
    case COLLECT_pgid:
      return process_group(task, 0);
    case COLLECT_vpgid:
      return process_group(task, 1);
    case COLLECT_fdlimit:
      return READ(task, signal, rlim[7].rlim_cur); /* RLIMIT_NOFILE */
    case COLLECT_pgft_maj:
      return READ(task, maj_flt);
    case COLLECT_pgft_min:
      return READ(task, min_flt);
    case COLLECT_euid:
      return READ(task, cred, euid.val);
    case COLLECT_egid:
      return READ(task, cred, egid.val);
    case COLLECT_loginuid:
      return bpf_core_field_exists(task->loginuid) ? READ(task, loginuid.val) : ~0u;
    case COLLECT_tty:
      return terminal(task);
    case COLLECT_pidns_start:
      return pidns_start(task, s->ret);
    case COLLECT_vm_size:
    case COLLECT_vm_rss:
    case COLLECT_vm_swap:
      return memory_kib(task, token);
    case COLLECT_cap_inheritable:
    case COLLECT_cap_permitted:
    case COLLECT_cap_effective:
      return capabilities(READ(task, cred), token);
    case COLLECT_clone_flags:
      return clone_marks(task, s->ret);
    case COLLECT_clone3_flags:
      return sharing_flags(task, s->ret);
    default:
      return 0;
  }
}

__noinline __u64 exit_number(__u32 token) {
  struct task_struct* task = current_task();
  const __u32 code = READ(task, exit_code);
  switch (token) {
    case COLLECT_exit_status:
      return code;
    case COLLECT_exit_code:
      return code >> 8 & 0xff;
    case COLLECT_exit_signal:
      return code & 0x7f;
    case COLLECT_exit_core:
      return (code & 0x80) != 0;
    default:
      return reaper_of(task);
  }
}
#endif

static __always_inline int scalar_param(__u32 slot, struct scratch* s, __u32 spec) {
  const __u64 arg = s->args[SPEC_ARGUMENT(spec)];
  const __u32 width = SPEC_WIDTH(spec);
  const __u32 token = SPEC_TOKEN(spec);
  switch (token) {
    case COLLECT_ret:
      return put(s, s->ret, width);
    case COLLECT_i32:
      return put(s, (__s64)(__s32)arg, width);
    case COLLECT_u32:
      return put(s, (__u32)arg, width);
    case COLLECT_u64:
      return put(s, arg, width);
    case COLLECT_flags:
      return put(s, map_flags(SPEC_TABLE(spec), (__u32)arg), width);
    case COLLECT_fd_flags:
      return put(s, creation_flags(arg), width);
    case COLLECT_open_mode: {
      const __u64 mode = s->args[(SPEC_ARGUMENT(spec) + 1) & 7];
      const int creates = (arg & 0x40) || is_tmpfile(arg); /* O_CREAT */
      return put(s, creates ? (__u32)mode & 07777 : 0, width);
    }
    case COLLECT_mode:
      return put(s, (__u32)arg & 07777, width);
    case COLLECT_zero:
      return put(s, 0, width);
    case COLLECT_sc_id:
      return put(s, s->sc, width);
    case COLLECT_native_nr:
      return put(s, s->nr, width);
    case COLLECT_fork_flags:
      return put(s, task_number(slot, COLLECT_clone_flags), width);
    case COLLECT_vfork_flags:
      return put(s, task_number(slot, COLLECT_clone_flags) | clone_flags(0x4100), width);
    case COLLECT_clone_flags:
      return put(s, task_number(slot, COLLECT_clone_flags) | clone_flags((__u32)arg), width);
    case COLLECT_empty:
      return 0;
    default:
      break;
  }
  if (token >= COLLECT_exit_status) return put(s, exit_number(token), width);
  return put(s, task_number(slot, token), width);
}

__noinline int collect_scalar(__u32 slot, __u32 spec) {
  struct scratch* s = scratch_of(slot);
  return s ? scalar_param(slot, s, spec) : 0;
}
